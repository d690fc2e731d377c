"""Feature matrices of customers at a snapshot; each module with ``COLUMNS`` and ``compute`` is a group."""

from crm_ml.features.assembly import assembled, groups, matrix, write

__all__ = ["assembled", "groups", "matrix", "write"]

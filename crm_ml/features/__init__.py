"""Features of customers at a snapshot; a new group is one new module with ``COLUMNS`` and ``compute``."""

from crm_ml.features.assembly import assembled, groups, matrix, write

__all__ = ["assembled", "groups", "matrix", "write"]

"""Feature matrices of customers at snapshots; modules with ``COLUMNS`` and ``compute_each`` are groups."""

from crm_ml.features.assembly import matrices, matrix, write
from crm_ml.features.feature_groups import groups
from crm_ml.features.joined_groups import assembled
from crm_ml.features.snapshot_constants import SnapshotConstants

__all__ = ["SnapshotConstants", "assembled", "groups", "matrices", "matrix", "write"]

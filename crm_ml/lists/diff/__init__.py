"""What changed between two lists, and why: ``python -m crm_ml.score.diff OLD NEW``."""

from crm_ml.lists.diff.compare_lists import difference
from crm_ml.lists.diff.list_difference import ChangeExample, ChangeGroup, Difference

__all__ = ["ChangeExample", "ChangeGroup", "Difference", "difference"]

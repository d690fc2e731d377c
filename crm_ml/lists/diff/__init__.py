"""What changed between two lists, and why: ``python -m crm_ml.score.diff OLD NEW``."""

from crm_ml.lists.diff.compare_lists import difference
from crm_ml.lists.diff.difference import Difference, Example, Group

__all__ = ["Difference", "Example", "Group", "difference"]

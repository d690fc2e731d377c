"""What changed between two lists, and why: ``python -m crm_ml.score.diff OLD NEW``."""

from crm_ml.score.diff.compare import difference
from crm_ml.score.diff.difference import Difference, Example, Group

__all__ = ["Difference", "Example", "Group", "difference"]

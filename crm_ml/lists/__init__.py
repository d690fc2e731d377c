"""Lists: a decided list as files, its page, how it is read, and what changed between two."""

from crm_ml.lists.diff.compare_lists import difference
from crm_ml.lists.diff.list_difference import Difference
from crm_ml.lists.read_list import locate, read_list, verify_list

__all__ = ["Difference", "difference", "locate", "read_list", "verify_list"]

"""Lists: a decided list as files, its page, how it is read, and what changed between two."""

from crm_ml.lists.read_list import read_list

__all__ = ["read_list"]

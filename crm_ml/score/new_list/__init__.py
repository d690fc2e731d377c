"""A first list for one's own tables: settings and simple actions that fit the models that are champions."""

from crm_ml.score.new_list.write_list import NewList, write_list

__all__ = ["NewList", "write_list"]

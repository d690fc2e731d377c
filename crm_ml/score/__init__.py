"""Scoring: champions and customer tables become a list of actions that a campaign tool can load."""

from crm_ml.lists.read_list import read_list

__all__ = ["read_list"]

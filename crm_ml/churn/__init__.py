"""Churn: the probability that an active customer leaves: places no order within the horizon, or falls silent.

Labels of a snapshot and labelled rows of several snapshots; the models are in `crm_ml.models`.
"""

from crm_ml.churn.snapshot_rows import labelled_rows
from crm_ml.churn.target import labels

__all__ = ["labelled_rows", "labels"]

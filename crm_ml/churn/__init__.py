"""Churn: the probability that an active customer places no order within the horizon.

Who can churn and who did, and the labelled rows of several snapshots; the models stand in `crm_ml.models`.
"""

from crm_ml.churn.snapshot_rows import labelled_rows
from crm_ml.churn.target import labels

__all__ = ["labelled_rows", "labels"]

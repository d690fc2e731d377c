"""The config of a churn experiment."""

from typing import Literal

from crm_ml.config.probability import ProbabilityRun, SnapshotTarget
from crm_ml.config.split import SnapshotSplit


class ChurnRun(ProbabilityRun):
    """A churn experiment: one file of ``configs/churn/``; parameters beside those of every probability.

    Parameters
    ----------
    family : "churn"
    target, split
        See the model of each.
    """

    family: Literal["churn"]
    target: SnapshotTarget
    split: SnapshotSplit


RUN = ChurnRun

"""The config of a churn experiment."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from crm_ml.config.parts import Positive
from crm_ml.config.probability import ProbabilityRun
from crm_ml.config.split import SnapshotSplit
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict


class Target(Strict):
    """What is predicted at a snapshot.

    Parameters
    ----------
    horizon_days, gap_days : int
        Length of the label window and its distance from the snapshot.
    active_within_days : int
        Customers with an order in this many days before the snapshot are predicted.
    purpose : str, optional
        What customers must have allowed for their rows to train a model; needed where the tables have
        consents.
    """

    horizon_days: Positive
    gap_days: Annotated[int, Field(ge=0)] = 0
    active_within_days: Positive
    purpose: str | None = None

    def snapshot(self, as_of: date) -> Snapshot:
        """Return the snapshot of this target at a day."""
        return Snapshot(as_of, timedelta(days=self.horizon_days), timedelta(days=self.gap_days))  # type: ignore[arg-type]

    @property
    def active_within(self) -> timedelta:
        """`active_within_days` as a time."""
        return timedelta(days=self.active_within_days)


class ChurnRun(ProbabilityRun):
    """A churn experiment: one file of ``configs/churn/``; parameters beside those of every probability.

    Parameters
    ----------
    family : "churn"
    target, split
        See the model of each.
    """

    family: Literal["churn"]
    target: Target
    split: SnapshotSplit


RUN = ChurnRun

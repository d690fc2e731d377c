"""The config of a churn experiment."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from crm_ml.config.parts import Day, Positive
from crm_ml.config.probability import ProbabilityRun
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


class Split(Strict):
    """Which snapshots train and which test; there are no random splits of dated data.

    Parameters
    ----------
    test : tuple of date
        Test snapshots in ascending order; each is predicted by a model whose training labels end before it.
    training_snapshots, every_days : int
        How many snapshots train a model, and how far they lie apart.
    earliest : date, optional
        No snapshot before it trains, since too little is known there.
    """

    test: Annotated[tuple[Day, ...], Field(strict=False, min_length=1)]
    training_snapshots: Positive
    every_days: Positive = 7
    earliest: Day | None = None

    @field_validator("test")
    @classmethod
    def _ascending(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError(f"test days must ascend, each once, not {', '.join(map(str, days))}")
        return days


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
    split: Split

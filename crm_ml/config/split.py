"""Which days train and which test."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from crm_ml.config.parts import Day, Positive
from crm_ml.tables.strict import Strict


class SnapshotSplit(Strict):
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


class CampaignSplit(Strict):
    """Which campaigns test: those sent within two days, each predicted by a model of those that ended before.

    Parameters
    ----------
    test_from, test_until : date
        First and last day of sending.
    earliest : date, optional
        No campaign sent before it trains.
    open_windows : bool
        Whether the window of a test campaign may end after the data: what was answered until then is its
        label.
    """

    test_from: Day
    test_until: Day
    earliest: Day | None = None
    open_windows: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.test_until < self.test_from:
            raise ValueError(f"test_until {self.test_until} lies before test_from {self.test_from}")
        return self

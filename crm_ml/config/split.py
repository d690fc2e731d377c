"""Splits into training and test data by time."""

from typing import Self

from pydantic import model_validator

from crm_ml.config.parts import Day, Positive, TestDays
from crm_ml.tables.strict import Strict


class SnapshotSplit(Strict):
    """Training and test snapshots; dated data are never split at random.

    Parameters
    ----------
    test : tuple of date
        Test snapshots in ascending order; each is predicted by a model whose training labels end before it.
    training_snapshots : int
        Number of training snapshots of a model.
    every_days : int
        Days between training snapshots.
    earliest : date, optional
        First day of training snapshots, before which too little data exists.
    """

    test: TestDays
    training_snapshots: Positive
    every_days: Positive = 7
    earliest: Day | None = None


class CampaignSplit(Strict):
    """Test campaigns: those sent between two days, each predicted by a model of campaigns that ended before.

    Parameters
    ----------
    test_from : date
        First day of sending of test campaigns.
    test_until : date
        Last day of sending of test campaigns.
    earliest : date, optional
        First day of sending of training campaigns.
    open_windows : bool
        Whether the window of a test campaign may end after the data; its label is then the answers so far.
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

"""The config of a churn experiment."""

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from crm_ml.config.parts import Data, Day, Option, Part, Positive, Register
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


class Calibration(Strict):
    """How scores become probabilities.

    Parameters
    ----------
    methods : tuple of {"platt", "isotonic"}
        Tried on the newest training snapshots, by a model whose labels end before them; the best one that the
        guard lets pass is used, or none.
    snapshots : int
        How many of the newest training snapshots.
    """

    methods: Annotated[tuple[Literal["platt", "isotonic"], ...], Field(strict=False)] = ()
    snapshots: Positive = 4


class ChurnRun(Strict):
    """A churn experiment: one file of ``configs/churn/``.

    Parameters
    ----------
    family : "churn"
    data, target, split, model, baselines, calibration, register_as
        See the model of each.
    features : dict of str to dict, optional
        Feature groups with their options; all groups without it.
    leave_out : tuple of str
        Features that are not used, by name or with ``*``.
    replicates : int
        Of the bootstrap.
    seed : int
        Of the bootstrap; models have their own among their options.
    largest_ece : float
        A model of a larger expected calibration error is not promoted.
    allow_leaks : tuple of str
        Features that may nearly give the label away.
    """

    family: Literal["churn"]
    data: Data
    target: Target
    features: dict[str, dict[str, Option]] | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    split: Split
    model: Part
    baselines: Annotated[tuple[Part, ...], Field(strict=False, min_length=1)]
    calibration: Calibration = Calibration()
    replicates: Annotated[int, Field(ge=100)] = 1000
    seed: int = 0
    largest_ece: Annotated[float, Field(gt=0, lt=1)] = 0.03
    allow_leaks: Annotated[tuple[str, ...], Field(strict=False)] = ()
    register_as: Register

    @field_validator("baselines")
    @classmethod
    def _named_once(cls, baselines: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"each baseline may stand once, not {', '.join(names)}")
        return baselines

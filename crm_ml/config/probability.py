"""Common config of all families that predict a probability."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from crm_ml.config.parts import Features, Groups, Positive
from crm_ml.config.tuning import Tuned
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.models.discovery import Registry


class Calibration(Strict):
    """Calibration of scores to probabilities.

    Parameters
    ----------
    methods : tuple of {"platt", "isotonic"}
        Fitted on the newest training snapshots, to a model whose labels end before them; the best one that is
        not refused is used, or none.
    snapshots : int
        Number of the newest training snapshots used.
    """

    methods: Annotated[tuple[Literal["platt", "isotonic"], ...], Field(strict=False)] = ()
    snapshots: Positive = 4


class SnapshotTarget(Strict):
    """The predicted outcome of active customers at a snapshot.

    Parameters
    ----------
    horizon_days : int
        Length of the label window.
    gap_days : int
        Days between the snapshot and the start of the label window.
    active_within_days : int
        Customers with an order in this many days before the snapshot are predicted.
    purpose : str, optional
        Purpose that customers must have consented to for their rows to train a model; required if the tables
        have consents.
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
        """`active_within_days` as a timedelta."""
        return timedelta(days=self.active_within_days)


class Sampling(Strict):
    """How many rows an experiment holds; beyond that they are drawn, see `crm_ml.models.row_draw`.

    Parameters
    ----------
    training_rows : int, optional
        Customer-days, or customers of campaigns, that train one model at most; all of them if null.
    judging_rows : int, optional
        Those of all test, calibration and validation days together at most; all of them if null.
    """

    training_rows: Annotated[int, Field(ge=1_000)] | None = 500_000
    judging_rows: Annotated[int, Field(ge=1_000)] | None = 500_000


class ProbabilityRun(Tuned):
    """An experiment of probabilities.

    Parameters
    ----------
    calibration : Calibration
    features : dict of str to dict, optional
        Feature groups with their options; all groups by default.
    leave_out : tuple of str
        Features to exclude, by name or with ``*``.
    largest_ece : float
        A model whose expected calibration error is shown to be larger is not promoted; noise of few test rows
        does not count, see `crm_ml.evaluation.calibration_check`.
    allow_leaks : tuple of str
        Features known at the snapshot, accepted although they nearly predict the label, and not looked at.
    """

    features: Features | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    calibration: Calibration = Calibration()
    largest_ece: Annotated[float, Field(gt=0, lt=1)] = 0.03
    allow_leaks: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def needed_groups(self) -> Groups:
        """Feature groups that the target needs, with their options."""
        return {}

    @property
    def groups(self) -> Groups | None:
        """Feature groups of the model: those of the config, and those that its target needs; None for all."""
        from crm_ml.features.feature_groups import groups_with_options

        if not self.needed_groups:
            return self.features
        named = {name: dict(options) for name, options in groups_with_options(self.features).items()}
        return {**named, **self.needed_groups}

    @model_validator(mode="after")
    def _groups_of_the_target(self) -> Self:
        for name, options in self.needed_groups.items():
            if (self.features or {}).get(name, options) != options:
                raise ValueError(f"features.{name} follows from the target: leave it out, or write {options}")
        return self

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may optimise, the default first."""
        return ("log_loss", "brier")

    def registry(self) -> "Registry[Any]":
        """Return the models of probabilities."""
        from crm_ml.models.model import MODELS

        return MODELS


class SampledRun(ProbabilityRun):
    """An experiment of probabilities whose rows may be drawn.

    Parameters
    ----------
    sampling : Sampling
    """

    sampling: Sampling = Sampling()

"""What the configs of all families share that predict a probability."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from crm_ml.config.parts import Option, Part, Positive
from crm_ml.config.tuning import Tuned, defaults_of
from crm_ml.tables.strict import Strict


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


class ProbabilityRun(Tuned):
    """An experiment of probabilities.

    Parameters
    ----------
    baselines, calibration
        See the model of each.
    features : dict of str to dict, optional
        Feature groups with their options; all groups without it.
    leave_out : tuple of str
        Features that are not used, by name or with ``*``.
    largest_ece : float
        A model of a larger expected calibration error is not promoted.
    allow_leaks : tuple of str
        Features that may nearly give the label away.
    """

    features: dict[str, dict[str, Option]] | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    baselines: Annotated[tuple[Part, ...], Field(strict=False, min_length=1)]
    calibration: Calibration = Calibration()
    largest_ece: Annotated[float, Field(gt=0, lt=1)] = 0.03
    allow_leaks: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @field_validator("baselines")
    @classmethod
    def _named_once(cls, baselines: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"each baseline may stand once, not {', '.join(names)}")
        return baselines

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may go by, the usual one first."""
        return ("log_loss", "brier")

    def known_options(self) -> Mapping[str, Any] | None:
        """Return the options of the model with their defaults; None where there is no such model."""
        from crm_ml.models.model import MODELS

        return defaults_of(MODELS.get(self.model.name))

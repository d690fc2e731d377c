"""The shape of ``profile.json``: what is read of the profile of training data, and nothing else."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic import NonNegativeInt, model_validator

from crm_ml.tables.strict import Strict


class _Column(Strict):
    """A column in ``profile.json``."""

    name: str
    counts: tuple[NonNegativeInt, ...]
    customers: NonNegativeInt
    spread: float
    median: float | None
    median_spread: float
    rare: float
    group: str
    most_missing: float | None = None
    edges: tuple[float, ...] | None = None
    levels: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _has_bins(self) -> Self:
        if (self.edges is None) == (self.levels is None):
            raise ValueError("give either edges or levels")
        bins: Sequence[Any] = self.levels or self.edges or ()
        if len(self.counts) != len(bins) + 2 or list(bins) != sorted(set(bins)):
            raise ValueError("bins ascend; each has a count, and so have the rest and missing values")
        return self


class ProfileFile(Strict):
    """What the file holds; see `crm_ml.monitoring.training_profile.Profile`."""

    format: int
    customers: dict[str, NonNegativeInt]
    features: tuple[_Column, ...]
    scores: tuple[_Column, ...]
    rates: dict[str, dict[str, float]]
    labelled: tuple[str, ...] = ()

"""The config of a recommendation experiment."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from crm_ml.config.parts import Day, Part, Positive
from crm_ml.config.tuning import Tuned, defaults_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict


class RecommendTarget(Strict):
    """What is relevant: the items that a customer buys within the horizon.

    Parameters
    ----------
    horizon_days : int
    least_events : int
        Items with fewer purchases before the snapshot are neither recommended nor relevant.
    k : int
        Length of the lists.
    level : {"item_id", "category", "department"}
        What is recommended: items, or all of a category at once.
    purpose : str, optional
        What customers must have allowed for their purchases to train a model; needed where the tables have
        consents.
    """

    horizon_days: Positive
    least_events: Positive = 30
    k: Positive = 10
    level: Literal["item_id", "category", "department"] = "item_id"
    purpose: str | None = None

    def snapshot(self, as_of: date) -> Snapshot:
        """Return the snapshot of this target at a day."""
        return Snapshot(as_of, timedelta(days=self.horizon_days))  # type: ignore[arg-type]


class RecommendRun(Tuned):
    """A recommendation experiment: one file of ``configs/recommend/``.

    Parameters
    ----------
    family : "recommend"
    target
        See its model.
    test : tuple of date
        Days in ascending order; each is predicted by models of what was bought before it.
    model : Part
    baselines : tuple of Part
    largest_ece : float
        Of the probability of recommended items, for promotion.
    """

    family: Literal["recommend"]
    target: RecommendTarget
    test: Annotated[tuple[Day, ...], Field(strict=False, min_length=1)]
    baselines: Annotated[tuple[Part, ...], Field(strict=False, min_length=1)]
    largest_ece: Annotated[float, Field(gt=0, le=1)] = 0.02

    @field_validator("test")
    @classmethod
    def _ascending(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError(f"test days must ascend, each once, not {', '.join(map(str, days))}")
        return days

    @field_validator("baselines")
    @classmethod
    def _named_once(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise ValueError(f"each baseline may stand once, not {', '.join(names)}")
        return parts

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may go by, the usual one first."""
        return ("ndcg", "new_ndcg")

    def known_options(self) -> Mapping[str, Any] | None:
        """Return the options of the model with their defaults; None where there is no such model."""
        from crm_ml.recommend.recommenders import RECOMMENDERS

        return defaults_of(RECOMMENDERS.get(self.model.name))


RUN = RecommendRun

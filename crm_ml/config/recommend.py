"""The config of a recommendation experiment."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from crm_ml.config.parts import Positive, TestDays
from crm_ml.config.tuning import Tuned
from crm_ml.snapshots import Snapshot
from crm_ml.tables.strict import Strict

if TYPE_CHECKING:
    from crm_ml.models.discovery import Registry


class RecommendTarget(Strict):
    """The relevant items: those that a customer buys within the horizon.

    Parameters
    ----------
    horizon_days : int
        Days after the snapshot whose purchases are relevant.
    least_events : int
        Items with fewer purchases before the snapshot are neither recommended nor relevant.
    k : int
        Length of the lists.
    level : {"item_id", "category", "department"}
        Recommend single items, or whole categories or departments.
    purpose : str, optional
        Purpose that customers must have consented to for their purchases to train a model; required if the
        tables have consents.
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
        Days in ascending order; each is predicted by models of earlier purchases.
    largest_ece : float
        Of the probability of recommended items, for promotion; only what is shown to be larger fails.
    """

    family: Literal["recommend"]
    target: RecommendTarget
    test: TestDays
    largest_ece: Annotated[float, Field(gt=0, le=1)] = 0.02

    def tunable_metrics(self) -> tuple[str, ...]:
        """Return the metrics that a search may optimise, the default first."""
        return ("ndcg", "new_ndcg")

    def registry(self) -> "Registry[Any]":
        """Return the recommenders."""
        from crm_ml.recommend.recommenders import RECOMMENDERS

        return RECOMMENDERS


RUN = RecommendRun

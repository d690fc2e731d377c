"""What the label of a score is, for each family that has one of a single customer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.learning.realised.published_scores import Kept
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.tracking import ModelVersion

_SCORE = {"churn": "p_churn", "propensity": "p_response", "clv": "expected_purchases"}
EVALUATE = "python -m crm_ml.score.evaluate LIST compares those who were contacted with those held out"
UNLABELLED = {
    "effects": f"no customer shows both outcomes that an effect is the difference of; {EVALUATE}",
    "items": f"P(buy) is of items under the rules of an action; {EVALUATE}",
}
Labels = Callable[[Tables], "pd.Series[Any]"]


@dataclass(frozen=True, eq=False)
class Matured:
    """A score table and what its labels are.

    Parameters
    ----------
    version : ModelVersion
        That gave the scores.
    kept : Kept
    path : Path
        The score table.
    window : Snapshot
        Its day and the window of its labels.
    labels : callable
        Tables to the outcome of each customer that has one.
    what : str
        Such as ``"churn"`` or ``"propensity-tasting"``; a name for the logged metrics.
    """

    version: "ModelVersion"
    kept: Kept
    path: Path
    window: Snapshot
    labels: Labels
    what: str

    @property
    def day(self) -> str:
        """Day of the scores."""
        return f"{self.window.as_of:%Y-%m-%d}"

    @property
    def family(self) -> str:
        """Family of the model."""
        return str(self.version.details["family"])

    @property
    def is_probability(self) -> bool:
        """Whether the score is a probability, and no number of purchases."""
        return self.family != "clv"

    def rows(self, tables: Tables) -> "pd.DataFrame":
        """Return score and outcome by customer, of those who have both, in ascending order of ids."""
        import pandas as pd

        score = _SCORE[self.family]
        said = pd.read_parquet(self.path, columns=["customer_id", score]).set_index("customer_id")[score]
        joined = pd.DataFrame({"score": said}).join(self.labels(tables).rename("outcome"), how="inner")
        return joined.sort_index().dropna()


def labelled(kept: Kept, manifest: Mapping[str, Any], version: "ModelVersion") -> Matured | str:
    """Say what the labels of a score table are, or why it has none.

    Parameters
    ----------
    kept : Kept
    manifest : mapping
        Of the stage.
    version : ModelVersion
    """
    path, details = kept.folder / f"{manifest['stage']}.parquet", version.details
    if kept.role == "churn":
        gap = timedelta(days=int(details.get("gap_days", 0)))
        window = Snapshot(kept.as_of, timedelta(days=int(details["horizon_days"])), gap)
        return Matured(version, kept, path, window, _churned(window, details), version.name)
    if kept.role == "responses":
        return _answered(kept, manifest, version, path)
    return _valued(kept, version, path) if kept.role == "value" else UNLABELLED[kept.role]


def _answered(kept: Kept, manifest: Mapping[str, Any], version: "ModelVersion", path: Path) -> Matured | str:
    answer, target = manifest["ingredients"]["action"], version.details["target"]
    if answer["by"] != "category" or "active_within_days" not in target:
        return f"only who was contacted can answer a {answer['by']}; {EVALUATE}"
    window = Snapshot(kept.as_of, timedelta(days=int(answer["days"])))
    covers = Covers(answer["by"], tuple(answer["names"]))
    occasion = Occasion(f"{window}", str(answer["kind"]), window, covers)
    active = timedelta(days=int(target["active_within_days"]))

    def labels(tables: Tables) -> "pd.Series[Any]":
        from crm_ml.propensity.purchases import purchases_in

        return purchases_in(tables, occasion, active, window.label_ends_at)

    return Matured(version, kept, path, window, labels, str(manifest["stage"]))


def _churned(window: Snapshot, details: Mapping[str, Any]) -> Labels:
    from crm_ml.churn import target

    active = timedelta(days=int(details["active_within_days"]))
    ends = window.label_ends_at  # the window was found to be covered
    return lambda tables: target.labels(tables, window, active, data_ends_at=ends, minimum=0)


def _valued(kept: Kept, version: "ModelVersion", path: Path) -> Matured | str:
    from crm_ml.clv import artefact, summarize
    from crm_ml.clv.target import outcomes

    model = artefact.load(version.folder)
    if model.terms.horizon is None:
        return "values for ever have no window that ends"
    window = Snapshot(kept.as_of, model.terms.horizon)

    def labels(tables: Tables) -> "pd.Series[Any]":
        summary = summarize(tables, kept.as_of, model.time_unit)
        return outcomes(tables, window, summary, data_ends_at=window.label_ends_at).known["purchases"]

    return Matured(version, kept, path, window, labels, version.name)

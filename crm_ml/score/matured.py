"""Kept score tables whose label windows have ended, and what came true of their scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml import artefacts
from crm_ml.errors import InputError
from crm_ml.propensity.covers import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot, as_utc, check_data_reach
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.evaluation.base_predictions import BasePredictions
    from crm_ml.tracking import ModelVersion

MOST_CUSTOMERS, REPLICATES = 50_000, 1_000
_SCORE = {"churn": "p_churn", "propensity": "p_response", "clv": "expected_purchases"}
_VALUE_METRICS = ("total_error", "normalised_gini", "rmse")
Labels = Callable[[Tables], "pd.Series[Any]"]


@dataclass(frozen=True, eq=False)
class Matured:
    """A score table whose label window has ended.

    Parameters
    ----------
    version : ModelVersion
        That gave the scores.
    path : Path
        The score table.
    window : Snapshot
        Its day and the window of its labels.
    labels : callable
        Tables to the outcome of each customer that has one.
    what : str
        Such as ``"churn"`` or ``"propensity coupon"``; a name for the logged metrics.
    """

    version: "ModelVersion"
    path: Path
    window: Snapshot
    labels: Labels
    what: str

    @property
    def day(self) -> str:
        """Day of the scores."""
        return f"{self.window.as_of:%Y-%m-%d}"

    @property
    def is_probability(self) -> bool:
        """Whether the score is a probability, and no number of purchases."""
        return str(self.version.details["family"]) != "clv"

    def rows(self, tables: Tables) -> "pd.DataFrame":
        """Return score and outcome by customer, of those who have both, in ascending order of ids."""
        import pandas as pd

        score = _SCORE[self.version.details["family"]]
        said = pd.read_parquet(self.path, columns=["customer_id", score]).set_index("customer_id")[score]
        joined = pd.DataFrame({"score": said}).join(self.labels(tables).rename("outcome"), how="inner")
        return joined.sort_index().dropna()


def matured(
    work: Path, versions: Mapping[str, "ModelVersion"], today: date, ends_at: date | None, tables: Tables
) -> list[Matured]:
    """Find the kept score tables of some models whose label windows have ended, oldest first.

    Parameters
    ----------
    work : Path
        Folder of the stages of scoring runs.
    versions : mapping of str to ModelVersion
        By the sum of their content.
    today : date
    ends_at : date, optional
        First day of which the tables know nothing.
    tables : Tables

    Returns
    -------
    list of Matured
        Of one model, day and action the first in the order of folder names: the data may have been scored
        more than once. A window that the tables do not cover yet is left out, until they do.

    Raises
    ------
    IntegrityError
        If a kept stage does not agree with its manifest (exit code 4).
    """
    found: dict[tuple[str, str, str], Matured] = {}
    for folder in sorted(path.parent for path in work.glob(f"[!.]*/{artefacts.MANIFEST}")):
        manifest = artefacts.verify(folder)
        ingredients = manifest.get("ingredients") or {}
        version = versions.get(str(ingredients.get("model")))
        if version is None:
            continue
        one = _matured(folder, manifest, version)
        if one is not None and one.window.label_ends_at <= as_utc(today) and _covered(one, tables, ends_at):
            found.setdefault((version.content, one.day, one.what), one)
    return sorted(found.values(), key=lambda one: (one.day, one.version.name, one.what))


def realised(one: Matured, tables: Tables) -> dict[str, float]:
    """Return what came true of a score table: metrics with the ends of their 95 % intervals.

    Of more than fifty thousand customers a part is judged that a hash of their ids has drawn; ``rows``
    says how many. Without customers of both classes, or a purchase, there is
    the base rate alone.
    """
    rows = one.rows(tables)
    if not len(rows):
        return {"rows": 0.0}
    rows = _part(rows)
    outcome = rows["outcome"].to_numpy(dtype=float)
    found = {"rows": float(len(rows)), "mean_score": float(rows["score"].mean())}
    if one.is_probability:
        found |= _share(outcome)
    return found | _metrics(one, rows)


def _covered(one: Matured, tables: Tables, ends_at: date | None) -> bool:
    try:
        check_data_reach(tables, one.window, ends_at)
    except InputError:
        return False
    return True


def _matured(folder: Path, manifest: Mapping[str, Any], version: "ModelVersion") -> Matured | None:
    """Say of a stage what its labels are; None of stages that have none of their own."""
    ingredients, details = manifest["ingredients"], version.details
    as_of = _as_of(folder.parent, ingredients)
    if as_of is None:
        return None
    path, family = folder / f"{manifest['stage']}.parquet", details["family"]
    if family == "churn":
        gap = timedelta(days=int(details.get("gap_days", 0)))
        window = Snapshot(as_of, timedelta(days=int(details["horizon_days"])), gap)
        return Matured(version, path, window, _churned(window, details), version.name)
    if family == "propensity" and ingredients["action"]["by"] == "category":
        answer, target = ingredients["action"], details["target"]
        window = Snapshot(as_of, timedelta(days=int(answer["days"])))
        if "active_within_days" not in target:
            return None
        return Matured(version, path, window, _bought(window, answer, target), str(manifest["stage"]))
    if family == "clv":
        return _valued(version, path, as_of)
    return None


def _as_of(work: Path, ingredients: Mapping[str, Any]) -> datetime | None:
    """Return the day of a score table: its own, or that of the features it was made from."""
    if "as_of" in ingredients:
        return as_utc(str(ingredients["as_of"]))
    features = work / str(ingredients.get("features"))
    if not (features / artefacts.MANIFEST).is_file():
        return None
    return as_utc(str(artefacts.verify(features)["ingredients"]["as_of"]))


def _churned(window: Snapshot, details: Mapping[str, Any]) -> Labels:
    from crm_ml.churn import target

    active = timedelta(days=int(details["active_within_days"]))
    ends = window.label_ends_at  # the window was found to be covered
    return lambda tables: target.labels(tables, window, active, data_ends_at=ends, minimum=0)


def _bought(window: Snapshot, answer: Mapping[str, Any], target: Mapping[str, Any]) -> Labels:
    from crm_ml.propensity.purchases import purchases_in

    covers = Covers(answer["by"], tuple(answer["names"]))
    occasion = Occasion(f"{window}", str(answer["kind"]), window, covers)
    active = timedelta(days=int(target["active_within_days"]))
    return lambda tables: purchases_in(tables, occasion, active, window.label_ends_at)


def _valued(version: "ModelVersion", path: Path, as_of: datetime) -> Matured | None:
    from crm_ml.clv import artefact, summarize
    from crm_ml.clv.target import outcomes

    model = artefact.load(version.folder)
    if model.terms.horizon is None:
        return None
    window = Snapshot(as_of, model.terms.horizon)

    def labels(tables: Tables) -> "pd.Series[Any]":
        summary = summarize(tables, as_of, model.time_unit)
        return outcomes(tables, window, summary, data_ends_at=window.label_ends_at).known["purchases"]

    return Matured(version, path, window, labels, version.name)


def _part(rows: "pd.DataFrame") -> "pd.DataFrame":
    from crm_ml.evaluation.splits import customer_folds

    parts = -(-len(rows) // MOST_CUSTOMERS)
    return rows if parts == 1 else rows[customer_folds(np.asarray(rows.index), parts, key="realised") == 0]


def _share(outcome: "np.ndarray[Any, Any]") -> dict[str, float]:
    """Return the base rate with its interval.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference. JASA 22.
    """
    n, rate, z = len(outcome), float(outcome.mean()), 1.959963984540054
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)) ** 0.5
    return {"base_rate": rate, "base_rate.low": middle - half, "base_rate.high": middle + half}


def _metrics(one: Matured, rows: "pd.DataFrame") -> dict[str, float]:
    from crm_ml.evaluation.predictions import Predictions
    from crm_ml.evaluation.significance import evaluate
    from crm_ml.evaluation.value_predictions import ValuePredictions

    kind: type[BasePredictions] = Predictions if one.is_probability else ValuePredictions
    names = None if one.is_probability else _VALUE_METRICS
    ids, days = rows.index.to_numpy(dtype=str), np.full(len(rows), one.day)
    said = kind(ids, days, rows["outcome"].to_numpy(dtype=float), {"model": rows["score"].to_numpy()})
    try:
        judged = evaluate(said, np.random.default_rng(0), names, REPLICATES, over=("pooled",))
        intervals = {metric: judged.interval("model", metric) for metric in judged.metrics}
    except InputError:  # rows of one class alone have no such metrics
        return {}
    return {
        f"{metric}{end}": value
        for metric, each in intervals.items()
        for end, value in (("", each.value), (".low", each.low), (".high", each.high))
    }

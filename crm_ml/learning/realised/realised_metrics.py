"""What came true of a score table, in figures with intervals, and whether that is worse than promised."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.learning.realised.labels import LabelledScores
from crm_ml.lists.read_list import LIST_FILE, verify_list
from crm_ml.storage import manifest
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.evaluation.base_predictions import BasePredictions

MOST_CUSTOMERS, REPLICATES = 50_000, 1_000
JUDGED = ("auc", "log_loss", "normalised_gini", "total_error")
_HIGHER = ("auc", "normalised_gini")
_VALUE_METRICS = ("total_error", "normalised_gini", "rmse")


def judge(scores: LabelledScores, tables: Tables) -> dict[str, float]:
    """Return what came true of a score table: metrics with the ends of their 95 % intervals.

    Of more than fifty thousand customers a part is judged that a hash of their ids has drawn; ``rows`` says
    how many. Without customers of both classes, or a purchase, there is the base rate alone. Whom a list has
    contacted is among the customers, and contact may have changed what they did: scores and outcomes of these
    (``_contacted``) and of the ``_others`` stand apart too.

    Raises
    ------
    IntegrityError
        If the score table or a list made from it is damaged (exit code 4).
    """
    manifest.verify(scores.published.folder)
    rows = scores.rows(tables)
    if not len(rows):
        return {"rows": 0.0}
    rows = _part(rows)
    counts = {"rows": float(len(rows)), "mean_score": float(rows["score"].mean())}
    rate = _share(rows["outcome"].to_numpy(dtype=float)) if scores.label.is_probability else {}
    return counts | _contacted(scores.published.lists, rows) | rate | _metrics(scores, rows)


def worse(metrics: Mapping[str, float], promised: Mapping[str, float]) -> tuple[str, ...]:
    """Return the metrics whose whole interval is worse than the whole promised one.

    Metrics whose mean depends on the number of rows (ECE) or on the level of the outcome (Brier score, RMSE)
    are not among them. The nearer to 0 the better is a total error.

    Examples
    --------
    >>> worse({"auc.low": 0.6, "auc.high": 0.7}, {"auc.low": 0.72, "auc.high": 0.8})
    ('auc',)
    >>> far, near = ({"total_error.low": low, "total_error.high": low + 0.1} for low in (-0.4, 0.1))
    >>> worse(far, near)
    ('total_error',)
    """
    names = []
    for name in JUDGED:
        ends = [(each.get(f"{name}.low"), each.get(f"{name}.high")) for each in (metrics, promised)]
        (low, high), (least, most) = ends
        if low is None or high is None or least is None or most is None:
            continue
        if name == "total_error":
            low, least, most = max(low, -high, 0.0), 0.0, max(abs(least), abs(most))
        if high < least if name in _HIGHER else low > most:
            names.append(name)
    return tuple(names)


def _contacted(lists: Iterable[Path], rows: "pd.DataFrame") -> dict[str, float]:
    """Return means of those whom a list contacted, and of the others."""
    import pandas as pd

    listed: set[str] = set()
    for folder in lists:
        verify_list(folder)
        listed |= set(pd.read_parquet(folder / LIST_FILE, columns=["customer_id"])["customer_id"].astype(str))
    inside = rows.index.astype(str).isin(listed)
    means = {"contacted": float(inside.sum())}
    for name, part in (("contacted", rows[inside]), ("others", rows[~inside])):
        if len(part):
            means |= {f"mean_{column}_{name}": float(part[column].mean()) for column in ("score", "outcome")}
    return means


def _part(rows: "pd.DataFrame") -> "pd.DataFrame":
    from crm_ml.customer_hash import customer_folds

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


def _metrics(scores: LabelledScores, rows: "pd.DataFrame") -> dict[str, float]:
    from crm_ml.evaluation.predictions import Predictions
    from crm_ml.evaluation.significance import evaluate
    from crm_ml.evaluation.value_predictions import ValuePredictions

    of_rates = scores.label.is_probability
    kind: type[BasePredictions] = Predictions if of_rates else ValuePredictions
    names = None if of_rates else _VALUE_METRICS
    ids, days = rows.index.to_numpy(dtype=str), np.full(len(rows), scores.day)
    predictions = kind(ids, days, rows["outcome"].to_numpy(dtype=float), {"model": rows["score"].to_numpy()})
    try:
        judged = evaluate(predictions, np.random.default_rng(0), names, REPLICATES, over=("pooled",))
        intervals = {metric: judged.interval("model", metric) for metric in judged.metrics}
    except InputError:  # rows of one class alone have no such metrics
        return {}
    return {
        f"{metric}{end}": value
        for metric, interval in intervals.items()
        for end, value in (("", interval.value), (".low", interval.low), (".high", interval.high))
    }

"""Bootstrap intervals and paired differences of metrics, resampling whole customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.ranking import Floats, Weighted

if TYPE_CHECKING:
    import pandas as pd

Over = Literal["pooled", "folds"]
LEVEL = 0.95
_CHUNK = 16  # replicates at once, so that the arrays of 9,000 rows stay in the cache
_UNDEFINED_LIMIT = 0.1


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval.

    Parameters
    ----------
    value : float
        On the data itself.
    low, high : float
        Percentiles 2.5 and 97.5 of the replicates.
    """

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of several models with the bootstrap replicates behind their intervals.

    Parameters
    ----------
    replicates : mapping of (model, metric, over) to numpy.ndarray, shape (1 + r,)
        First the value on the data itself, then one value per replicate. All models share the replicates, so
        that differences are paired.
    models, metrics : tuple of str
    """

    replicates: Mapping[tuple[str, str, Over], Floats]
    models: tuple[str, ...]
    metrics: tuple[str, ...]

    def interval(self, model: str, metric: str, over: Over = "pooled") -> Interval:
        """Return one metric of one model.

        Parameters
        ----------
        model, metric : str
        over : {"pooled", "folds"}
            All rows together, or the mean of the metric over the folds.

        Raises
        ------
        InputError
            If the model or metric was not evaluated, or more than a tenth of the replicates lack a class (of
            values: an outcome above zero).
        """
        return _interval(self._values(model, metric, over), f"{model} {metric} ({over})")

    def difference(
        self, model: str, other: str, metric: str, over: Over = "pooled", level: float = LEVEL
    ) -> Interval:
        """Return the paired difference `model` minus `other` with an interval of `level`; see `interval`."""
        with np.errstate(invalid="ignore"):  # a replicate may be infinite for both; it is counted as lost
            values = self._values(model, metric, over) - self._values(other, metric, over)
        return _interval(values, f"{model} - {other} {metric} ({over})", level)

    def table(self) -> "pd.DataFrame":
        """Return one row per model, metric and view: model, metric, over, value, low, high."""
        import pandas as pd

        rows = [(*key, self.interval(*key)) for key in self.replicates]
        return pd.DataFrame([(*key, i.value, i.low, i.high) for *key, i in rows], columns=_COLUMNS)

    def differences(self, model: str) -> "pd.DataFrame":
        """Return the differences `model` minus each other model; column model names the other."""
        import pandas as pd

        keys = [key for key in self.replicates if key[0] != model]
        rows = [(*key, self.difference(model, *key)) for key in keys]
        return pd.DataFrame([(*key, i.value, i.low, i.high) for *key, i in rows], columns=_COLUMNS)

    def _values(self, model: str, metric: str, over: Over) -> Floats:
        if (model, metric, over) not in self.replicates:
            known = sorted(self.replicates)
            raise InputError(f"{(model, metric, over)} was not evaluated; there are {known}")
        return self.replicates[model, metric, over]


_COLUMNS = ["model", "metric", "over", "value", "low", "high"]


def evaluate(
    predictions: BasePredictions,
    rng: np.random.Generator,
    metrics: Sequence[str] | None = None,
    replicates: int = 1000,
    over: Sequence[Over] = ("pooled", "folds"),
) -> Evaluation:
    """Compute metrics with bootstrap replicates of customers.

    A customer drawn k times counts k times in every fold, so that the dependence between a customer's rows
    is kept. Intervals of `ece` are biased upwards, since resampling adds noise to every bin.

    Parameters
    ----------
    predictions : Predictions or ValuePredictions
    rng : numpy.random.Generator
    metrics : sequence of str, optional
        Names from ``classification.METRICS`` or ``value.METRICS``; all by default.
    replicates : int
    over : sequence of {"pooled", "folds"}
        All rows together, the mean over folds, or both.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If a metric is unknown or a fold lacks a class (of values: an outcome above zero); the message names
        all such folds.

    References
    ----------
    .. [1] Field and Welsh (2007). Bootstrapping clustered data. JRSS B 69, section 3 (randomized cluster
       bootstrap).

    Examples
    --------
    >>> ids, y = [str(i) for i in range(40)], [0, 0, 1, 0] * 10
    >>> scores = {"model": [0.2, 0.1, 0.6, 0.3] * 10, "none": [0.25] * 40}
    >>> from crm_ml.evaluation.predictions import Predictions
    >>> predictions = Predictions(ids, ["june"] * 40, y, scores)
    >>> evaluation = evaluate(predictions, np.random.default_rng(0), ["auc"], replicates=200)
    >>> evaluation.interval("model", "auc").value
    1.0
    >>> evaluation.difference("model", "none", "auc").clear
    True
    """
    names = tuple(predictions.kind.metrics if metrics is None else metrics)
    _check(predictions, names, over)
    customers, customer = np.unique(predictions.customer_id, return_inverse=True)
    counts = draw_counts(rng, len(customers), replicates)
    replicated: dict[tuple[str, str, Over], Floats] = {}
    for model in predictions.models:
        for view in over:
            views = _rows(predictions, view)
            parts = [_judge(predictions, model, names, counts, customer, rows) for rows in views]
            for metric in names:
                replicated[model, metric, view] = np.mean([values[metric] for values in parts], axis=0)
    return Evaluation(replicated, predictions.models, names)


def _rows(predictions: BasePredictions, view: Over) -> list[npt.NDArray[np.int64]]:
    if view == "pooled":
        return [np.arange(len(predictions.y))]
    return [np.flatnonzero(predictions.fold == fold) for fold in predictions.folds]


def _check(predictions: BasePredictions, metrics: Sequence[str], over: Sequence[Over]) -> None:
    kind = predictions.kind
    unknown = [metric for metric in metrics if metric not in kind.metrics]
    if unknown:
        raise InputError(f"unknown metrics {unknown}; there are {', '.join(kind.metrics)}")
    lacking = [
        predictions.fold[rows[0]] if view == "folds" else "all rows"
        for view in over
        for rows in _rows(predictions, view)
        if predictions.lacks(rows)
    ]
    if lacking:
        raise InputError(f"{kind.lack} in {', '.join(lacking)}; leave it out or widen it")


def draw_counts(rng: np.random.Generator, customers: int, replicates: int) -> npt.NDArray[np.uint16]:
    """Draw the count of each customer in each replicate; row 0 is the data itself, all ones."""
    counts = np.ones((replicates + 1, customers), dtype=np.uint16)
    for row in range(1, replicates + 1):
        counts[row] = np.bincount(rng.integers(0, customers, customers), minlength=customers)
    return counts


def _judge(
    predictions: BasePredictions,
    model: str,
    metrics: Sequence[str],
    counts: npt.NDArray[np.uint16],
    customer: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> dict[str, Floats]:
    kind = predictions.kind
    ranking = predictions.ranking(model, rows)
    ranked = customer[rows][ranking.order]
    parts: dict[str, list[Floats]] = {metric: [] for metric in metrics}
    for start in range(0, len(counts), _CHUNK):
        judged = Weighted(ranking, counts[start : start + _CHUNK, ranked].astype(float))
        for metric in metrics:
            parts[metric].append(kind.metrics[metric](judged))
    return {metric: np.concatenate(values) for metric, values in parts.items()}


def _interval(values: Floats, what: str, level: float = LEVEL) -> Interval:
    drawn = values[1:][np.isfinite(values[1:])]
    lost = 1 - len(drawn) / max(len(values) - 1, 1)
    if lost > _UNDEFINED_LIMIT:
        raise InputError(
            f"{what}: {lost:.0%} of the replicates lack a class or an outcome above zero; "
            "give more rows of the rarer kind"
        )
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(float(values[0]), float(low), float(high))

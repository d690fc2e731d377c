"""Bootstrap intervals and paired differences of metrics, resampling whole customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.metric_intervals import difference_ends, percentile_ends, share_ends
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.replicates import draw_counts, replicated_metrics

if TYPE_CHECKING:
    import pandas as pd

Over = Literal["pooled", "folds"]
LEVEL = 0.95
_UNDEFINED_LIMIT = 0.1


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval.

    Parameters
    ----------
    value : float
        On the data itself.
    low, high : float
        Ends; infinite where nothing can be said.
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
    positives : int, optional
        Rows of class 1, of binary outcomes.
    rarer : int, optional
        Customers with rows of the rarer class, of binary outcomes.
    of_order : frozenset of str
        Metrics between 0 and 1 that stand on the rows of the rarer class. Their intervals are Student's, on
        the logit; the others have the percentiles of the replicates.
    customers : int, optional
        Of metrics that are means of values between 0 and 1: where these are all 0 or all 1, the end is exact.
    """

    replicates: Mapping[tuple[str, str, Over], Floats]
    models: tuple[str, ...]
    metrics: tuple[str, ...]
    positives: int | None = None
    rarer: int | None = None
    of_order: frozenset[str] = frozenset()
    customers: int | None = None

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
        value, drawn = _drawn(self._values(model, metric, over), f"{model} {metric} ({over})")
        if self.rarer is not None and metric in self.of_order:
            return Interval(value, *share_ends(value, drawn, self.rarer, LEVEL))
        if self.customers is not None and value in (0.0, 1.0):
            return Interval(value, *share_ends(value, drawn, self.customers, LEVEL))
        return Interval(value, *percentile_ends(drawn, LEVEL))

    def difference(
        self, model: str, other: str, metric: str, over: Over = "pooled", level: float = LEVEL
    ) -> Interval:
        """Return the paired difference `model` minus `other` with an interval of `level`; see `interval`."""
        with np.errstate(invalid="ignore"):  # a replicate may be infinite for both; it is counted as lost
            values = self._values(model, metric, over) - self._values(other, metric, over)
        value, drawn = _drawn(values, f"{model} - {other} {metric} ({over})")
        if self.rarer is not None and metric in self.of_order:
            return Interval(value, *difference_ends(value, drawn, self.rarer, level))
        return Interval(value, *percentile_ends(drawn, level))

    def table(self) -> "pd.DataFrame":
        """Return one row per model, metric and view: model, metric, over, value, low, high.

        Of binary outcomes there is a column positives.
        """
        return self._table([(*key, self.interval(*key)) for key in self.replicates])

    def differences(self, model: str) -> "pd.DataFrame":
        """Return the differences `model` minus each other model; column model names the other."""
        keys = [key for key in self.replicates if key[0] != model]
        return self._table([(*key, self.difference(model, *key)) for key in keys])

    def _table(self, rows: Sequence[tuple[str, str, str, Interval]]) -> "pd.DataFrame":
        import pandas as pd

        lines = [(*key, end.value, end.low, end.high) for *key, end in rows]
        table = pd.DataFrame(lines, columns=_COLUMNS)
        return table if self.positives is None else table.assign(positives=self.positives)

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
        If a metric is unknown or a fold lacks a class that one of them needs (of values: an outcome above
        zero); the message names all such folds.

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
            parts = [replicated_metrics(predictions, model, names, counts, customer, rows) for rows in views]
            for metric in names:
                replicated[model, metric, view] = np.mean([values[metric] for values in parts], axis=0)
    positives, rarer = _classes(predictions)
    return Evaluation(replicated, predictions.models, names, positives, rarer, predictions.kind.of_order)


def _classes(predictions: BasePredictions) -> tuple[int, int] | tuple[None, None]:
    """Return the rows of class 1, and the customers with rows of the rarer class; None of other outcomes."""
    if not predictions.kind.of_order:
        return None, None
    customers = [len(np.unique(predictions.customer_id[predictions.y == label])) for label in (0, 1)]
    return int(predictions.y.sum()), min(customers)


def _rows(predictions: BasePredictions, view: Over) -> list[npt.NDArray[np.int64]]:
    if view == "pooled":
        return [np.arange(len(predictions.y))]
    return [np.flatnonzero(predictions.fold == fold) for fold in predictions.folds]


def _check(predictions: BasePredictions, metrics: Sequence[str], over: Sequence[Over]) -> None:
    kind = predictions.kind
    unknown = [metric for metric in metrics if metric not in kind.metrics]
    if unknown:
        raise InputError(f"unknown metrics {unknown}; there are {', '.join(kind.metrics)}")
    if set(metrics) <= kind.always:
        return
    lacking = [
        predictions.fold[rows[0]] if view == "folds" else "all rows"
        for view in over
        for rows in _rows(predictions, view)
        if predictions.lacks(rows)
    ]
    if lacking:
        raise InputError(f"{kind.lack} in {', '.join(lacking)}; leave it out or widen it")


def _drawn(values: Floats, what: str) -> tuple[float, Floats]:
    """Return the value on the data itself, and its replicates without those that lack a class."""
    drawn = values[1:][np.isfinite(values[1:])]
    lost = 1 - len(drawn) / max(len(values) - 1, 1)
    if lost > _UNDEFINED_LIMIT:
        raise InputError(
            f"{what}: {lost:.0%} of the replicates lack a class or an outcome above zero; "
            "give more rows of the rarer kind"
        )
    return float(values[0]), drawn

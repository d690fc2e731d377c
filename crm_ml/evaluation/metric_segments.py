"""Metrics by customer segment, with small segments flagged."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import Interval, evaluate

if TYPE_CHECKING:
    import pandas as pd

SMALL = 25
FEW_CUSTOMERS = 5
_COLUMNS = ["segment", "rows", "customers", "positives", "metric", "value", "low", "high", "small"]


def by_segment(
    predictions: Predictions,
    segment: npt.ArrayLike,
    model: str,
    rng: np.random.Generator,
    metrics: Sequence[str] = ("auc", "log_loss", "ece"),
    replicates: int = 500,
) -> "pd.DataFrame":
    """Compute pooled metrics of one model in each segment.

    Parameters
    ----------
    predictions : Predictions
    segment : array-like of str, shape (n,)
        Segment of each row, such as the lifecycle stage; null becomes "unknown".
    model : str
    rng : numpy.random.Generator
    metrics : sequence of str
    replicates : int

    Returns
    -------
    pandas.DataFrame
        A row for each segment and metric with columns segment, rows, customers, positives, metric, value,
        low, high, small. ``small`` is true with fewer than 25 rows of either class: read the interval, not
        the value. With fewer than 5 customers of either class the interval is NaN, without any also the
        value of metrics that need both. Segments are sorted alphabetically.

    Raises
    ------
    InputError
        If the segments do not match the rows or the model is not in the predictions.
    """
    import pandas as pd

    names = segment_names(segment, len(predictions.y))
    alone = predictions.only(model)
    rows: list[tuple[object, ...]] = []
    for name in np.unique(names):
        part = alone.where(names == name)
        positives = int(part.y.sum())
        small = min(positives, len(part.y) - positives) < SMALL
        counts = (str(name), len(part.y), len(np.unique(part.customer_id)), positives)
        for metric, interval in _metrics(part, model, rng, metrics, replicates).items():
            rows.append((*counts, metric, interval.value, interval.low, interval.high, small))
    return pd.DataFrame(rows, columns=_COLUMNS)


def segment_names(segment: npt.ArrayLike, rows: int) -> npt.NDArray[Any]:
    """Return segments as text, null as "unknown".

    Raises
    ------
    InputError
        If there is not one for each row.
    """
    import pandas as pd

    segments = pd.Series(np.asarray(segment, dtype=object))
    names: npt.NDArray[Any] = segments.where(segments.notna(), "unknown").astype(str).to_numpy()
    if len(names) != rows:
        raise InputError(f"{len(names):,} segments for {rows:,} rows; give one for each row")
    return names


def bands(values: npt.ArrayLike, edges: Sequence[float], unit: str) -> npt.NDArray[np.str_]:
    """Return the name of the band of each number; names sort in the order of the bands.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        NaN gives "unknown".
    edges : sequence of float
        Ascending; a value equal to an edge is in the band above it.
    unit : str
        Such as "days".

    Returns
    -------
    numpy.ndarray of str, shape (n,)

    Examples
    --------
    >>> bands([3, 90, 400], [90, 365], "days").tolist()
    ['1: below 90 days', '2: 90 to 365 days', '3: 365 days and more']
    """
    if list(edges) != sorted(set(edges)) or not edges:
        raise InputError(f"edges {list(edges)} must ascend and not be empty")
    middle = [f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)]
    texts = [f"below {edges[0]:g} {unit}", *middle, f"{edges[-1]:g} {unit} and more"]
    labels = [f"{i:0{len(str(len(texts)))}d}: {text}" for i, text in enumerate(texts, 1)]
    numbers = np.asarray(values, dtype=float)
    named = np.asarray(labels)[np.searchsorted(edges, np.nan_to_num(numbers), side="right")]
    return np.where(np.isnan(numbers), "unknown", named)


def _metrics(
    part: Predictions, model: str, rng: np.random.Generator, metrics: Sequence[str], replicates: int
) -> dict[str, Interval]:
    if len(set(part.y.tolist())) < 2:
        defined = tuple(metric for metric in metrics if metric in part.kind.always)
        judged = evaluate(part, rng, defined, 0, over=("pooled",)).replicates
        alone = {metric: float(judged[model, metric, "pooled"][0]) for metric in defined}
        return {metric: Interval(alone.get(metric, np.nan), np.nan, np.nan) for metric in metrics}
    evaluation = evaluate(part, rng, metrics, replicates, over=("pooled",))
    if min(len(np.unique(part.customer_id[part.y == label])) for label in (0, 1)) < FEW_CUSTOMERS:
        alone = {metric: float(evaluation.replicates[model, metric, "pooled"][0]) for metric in metrics}
        return {metric: Interval(alone[metric], np.nan, np.nan) for metric in metrics}
    return {metric: evaluation.interval(model, metric) for metric in metrics}

"""Metrics under many drawings of whole customers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.ranking import Floats, Weighted

_CHUNK = 16  # replicates at once, so that the arrays of 9,000 rows stay in the cache


def draw_counts(rng: np.random.Generator, customers: int, replicates: int) -> npt.NDArray[np.uint16]:
    """Draw the count of each customer in each replicate; row 0 is the data itself, all ones."""
    counts = np.ones((replicates + 1, customers), dtype=np.uint16)
    for row in range(1, replicates + 1):
        counts[row] = np.bincount(rng.integers(0, customers, customers), minlength=customers)
    return counts


def replicated_metrics(
    predictions: BasePredictions,
    model: str,
    metrics: Sequence[str],
    counts: npt.NDArray[np.uint16],
    customer: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
) -> dict[str, Floats]:
    """Return the metrics of a model on some of the rows under each drawing.

    Parameters
    ----------
    predictions : BasePredictions
    model : str
    metrics : sequence of str
    counts : numpy.ndarray, shape (r, customers)
        Of `draw_counts`.
    customer : numpy.ndarray of int, shape (n,)
        Number of the customer of each row.
    rows : numpy.ndarray of int

    Returns
    -------
    dict of str to numpy.ndarray, shape (r,)
    """
    kind = predictions.kind
    ranking = predictions.ranking(model, rows)
    ranked = customer[rows][ranking.order]
    parts: dict[str, list[Floats]] = {metric: [] for metric in metrics}
    for start in range(0, len(counts), _CHUNK):
        judged = Weighted(ranking, counts[start : start + _CHUNK, ranked].astype(float))
        for metric in metrics:
            parts[metric].append(kind.metrics[metric](judged))
    return {metric: np.concatenate(values) for metric, values in parts.items()}

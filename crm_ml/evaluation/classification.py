"""Metrics of binary predictions, under one weighting of the rows or many at once."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, Ranking, Weighted, check_probabilities, row_weights

ECE_BINS = 10
_SMALLEST = 1e-15


def _auc(judged: Weighted) -> Floats:
    negatives = judged.rows - judged.positives
    below = negatives - (judged.group_rows - judged.group_positives) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = judged.positives[:, -1] * negatives[:, -1]
        return np.asarray(np.einsum("rg,rg->r", judged.group_positives, below) / pairs)


def _average_precision(judged: Weighted) -> Floats:
    true_positives = judged.positives[:, -1:] - judged.positives + judged.group_positives
    listed = judged.rows[:, -1:] - judged.rows + judged.group_rows
    precision = true_positives / np.maximum(listed, np.finfo(float).tiny)
    with np.errstate(invalid="ignore", divide="ignore"):
        gained = np.einsum("rg,rg->r", judged.group_positives, precision)
        return np.asarray(gained / judged.positives[:, -1])


def _log_loss(judged: Weighted) -> Floats:
    p = np.clip(judged.ranking.p, _SMALLEST, 1 - _SMALLEST)
    return judged.mean(-np.where(judged.ranking.y == 1, np.log(p), np.log1p(-p)))


def _brier(judged: Weighted) -> Floats:
    return judged.mean((judged.ranking.p - judged.ranking.y) ** 2)


def _ece(judged: Weighted) -> Floats:
    scores = judged.group_rows * judged.ranking.p[judged.ranking.starts]
    gap = np.cumsum(judged.group_positives - scores, axis=1)
    middle = judged.rows - judged.group_rows / 2
    total = judged.rows[:, -1:]
    levels = total * np.arange(1, ECE_BINS) / ECE_BINS
    cuts = [np.searchsorted(row, level) for row, level in zip(middle, levels, strict=True)]
    edge = np.zeros((len(gap), 1))
    at_cuts = np.take_along_axis(np.hstack([edge, gap]), np.array(cuts), axis=1)
    steps = np.diff(np.hstack([edge, at_cuts, gap[:, -1:]]), axis=1)
    return np.asarray(np.abs(steps).sum(axis=1) / total[:, 0])


METRICS: dict[str, Callable[[Weighted], Floats]] = {
    "auc": _auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
    "ece": _ece,
}
OF_PROBABILITIES = frozenset({"log_loss", "brier", "ece"})
OF_ORDER = frozenset({"auc", "average_precision"})
_NEEDS = {"auc": (1, 0), "average_precision": (1,)}  # classes


def auc(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Area under the ROC curve; pairs of equal scores count one half.

    Parameters
    ----------
    y : array-like of {0, 1}, shape (n,)
    p : array-like of float, shape (n,)
        Any score; only its order matters.
    weight : array-like of float, shape (n,), optional
        Weight of each row, not negative.

    Returns
    -------
    float
        From 0 to 1; .5 for a random order.

    Raises
    ------
    InputError
        If lengths differ, anything is NaN or infinite, or one class has no weight.

    Examples
    --------
    >>> auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return _judge("auc", y, p, weight)


def average_precision(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Precision averaged over the recall steps, without interpolation.

    Parameters, raises: as `auc`, but 1 where all rows are positive. Rows with equal scores are ranked
    together.

    References
    ----------
    .. [1] Zhu, M. (2004). Recall, precision and average precision. University of Waterloo.

    Examples
    --------
    >>> average_precision([0, 1, 1], [0.9, 0.8, 0.7])
    0.5833333333333333
    """
    return _judge("average_precision", y, p, weight)


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean negative log-likelihood in nats; probabilities are cut to [1e-15, 1 - 1e-15].

    Parameters, raises: as `auc`, but one class is enough; `p` must lie in [0, 1].

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
    0.6931
    """
    return _judge("log_loss", y, p, weight)


def brier(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Mean squared difference of probability and label.

    Parameters, raises: as `log_loss`; `p` must lie in [0, 1].

    Examples
    --------
    >>> brier([0, 1], [0.0, 0.5])
    0.125
    """
    return _judge("brier", y, p, weight)


def ece(y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """Return the expected calibration error over ten bins of equal mass.

    Parameters, raises: as `log_loss`; `p` must lie in [0, 1].

    Notes
    -----
    Rows are sorted by score and their weight is cut into ten equal bins. Rows with equal scores are never
    separated: all go to the bin that holds the middle of their weight, so the result does not depend on the
    order of the input. The error is the sum over bins of ``(weight of bin / weight) * |mean y - mean p|``.
    Bins may stay empty when there are fewer than ten distinct scores. Even a perfect model has about
    ``sqrt(2 / pi) * sqrt(10 * rate * (1 - rate) / n)`` from noise alone, so small samples look worse.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015). Obtaining well calibrated probabilities using Bayesian
       binning. AAAI, equation 3 (there with bins of equal width).

    Examples
    --------
    >>> ece([0, 1], [0.25, 0.75])
    0.25
    """
    return _judge("ece", y, p, weight)


def ece_bins(p: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the bin of each row, from 0 on, in which `ece` counts it.

    Examples
    --------
    >>> ece_bins([0.1, 0.1, 0.1, 0.9]).tolist()
    [3, 3, 3, 8]
    """
    scores = check_probabilities(p)
    _, group, rows = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(rows) - rows / 2
    return np.searchsorted(len(scores) * np.arange(1, ECE_BINS) / ECE_BINS, middle, side="right")[group]


def _judge(metric: str, y: npt.ArrayLike, p: npt.ArrayLike, weight: npt.ArrayLike | None) -> float:
    ranking = Ranking.of(y, p)
    if metric in OF_PROBABILITIES:
        check_probabilities(ranking.p)
    weights = row_weights(weight, len(ranking.y))[ranking.order]
    judged = Weighted(ranking, weights[None, :])
    positives, rows = judged.positives[0, -1], judged.rows[0, -1]
    if not rows > 0:
        raise InputError(f"{metric}: none of {len(ranking.y):,} rows has a weight above 0")
    for label in _NEEDS.get(metric, ()):
        if (positives if label else rows - positives) <= 0:
            raise InputError(
                f"{metric}: no row of class {label} among {len(ranking.y):,}; it is not defined without"
            )
    return float(METRICS[metric](judged)[0])

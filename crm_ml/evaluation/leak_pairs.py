"""Pairs of features that tell the label together: by their joint bins, and by a sum or difference."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.additive_rows import BINS, AdditiveRows, half_auc
from crm_ml.evaluation.ranking import Floats

_SUMS = 8  # pairs of largest gain whose sum is evaluated
_SHRINK = 2.0  # rows of the rate of all that each cell of a pair has
Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def joint_areas(rows: AdditiveRows) -> tuple[Pairs, Floats]:
    """Return all pairs of features, and the out-of-fold AUC of the label rate in their joint bins.

    Parameters
    ----------
    rows : AdditiveRows
        With k features.

    Returns
    -------
    tuple of pairs and numpy.ndarray of float, shape (k * (k - 1) / 2,)
        Places of the first and second feature of each pair; and its AUC, the mean of two halves.
    """
    k = len(rows.names)
    first, second = np.triu_indices(k, 1)
    count, positive = (
        each.reshape(2, k, BINS, k, BINS)[:, first, :, second, :]
        .swapaxes(0, 1)
        .reshape(2, len(first), BINS * BINS)
        for each in (rows.rows, rows.positives)
    )
    areas = np.zeros(len(first))
    for learned, judged in ((0, 1), (1, 0)):
        rate = positive[learned].sum(axis=1, keepdims=True) / count[learned].sum(axis=1, keepdims=True)
        rates = (positive[learned] + _SHRINK * rate) / (count[learned] + _SHRINK)
        order = np.argsort(rates, axis=1, kind="stable")
        hits, cell = (np.take_along_axis(each[judged], order, axis=1) for each in (positive, count))
        misses = cell - hits
        below = np.cumsum(misses, axis=1) - misses / 2
        areas += (hits * below).sum(axis=1) / (hits.sum(axis=1) * misses.sum(axis=1)) / 2
    return (first, second), areas


def summed_areas(
    columns: Mapping[str, Floats], y: Floats, half: npt.NDArray[np.bool_]
) -> Iterator[tuple[str, str, float]]:
    """Yield the pairs of numbers whose best weighted sum gains most over each, with the AUC of that sum.

    Of the numbers as they are and of their signed logarithms; missing ones stand at the mean.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray of float, shape (n,)
    y : numpy.ndarray of {0, 1}, shape (n,)
    half : numpy.ndarray of bool, shape (n,)
        Rows by which a weight is learned, or evaluated.

    References
    ----------
    .. [1] Cohen et al. (2003). Applied multiple regression/correlation analysis for the behavioral sciences.
       Lawrence Erlbaum, equations 3.2.4 and 3.3.1 (weights and squared correlation of two predictors).
    """
    names = sorted(columns)
    if len(names) < 2:
        return
    plain = np.clip(np.column_stack([columns[name] for name in names]), -1e100, 1e100)
    for matrix in (plain, np.sign(plain) * np.log1p(np.abs(plain))):
        z = _standardised(matrix)
        r, to_label = z.T @ z / len(z), z.T @ _standardised(y[:, None])[:, 0] / len(z)
        first, second = np.triu_indices(len(names), 1)
        a, b, between = to_label[first], to_label[second], r[first, second]
        room = 1 - between**2
        known = room > 1e-9
        explained = np.where(known, (a**2 + b**2 - 2 * a * b * between) / np.where(known, room, 1), 0)
        gain = explained - np.maximum(a**2, b**2)
        for place in np.argsort(-np.round(gain, 9), kind="stable")[:_SUMS]:
            i, j = first[place], second[place]
            weights = (a - b * between)[place], (b - a * between)[place]
            score = np.round(weights[0] * z[:, i] + weights[1] * z[:, j], 9)
            yield names[i], names[j], half_auc(score, y, half)


def _standardised(matrix: Floats) -> Floats:
    known = np.isfinite(matrix)
    mean = np.where(known, matrix, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, matrix - mean, 0)
    scale = centred.std(axis=0)
    return np.asarray(centred / np.where(scale > 0, scale, 1))

"""A cheap additive model of binned features: scores without some of the features, and counts of pairs.

It is ridge regression of the label on indicators of bins, learned on one half of the rows and evaluated on
the other. Leaving a feature out solves a smaller system of the same sums, and the sums are joint counts of
the bins of each pair of features, so that many questions cost one pass over the rows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.classification import auc
from crm_ml.evaluation.ranking import Floats

BINS = 9  # of a feature: eight of its values, and missing
MISSING = BINS - 1
_STRENGTH = 10.0  # rows that pull a bin towards the rate of all
_DIGITS = 9  # of a score, so that the order of sums decides no tie
Codes = npt.NDArray[np.int64]
Half = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AdditiveRows:
    """Rows as bins, with their sums in each half.

    Parameters
    ----------
    names : tuple of str
        Features, k of them.
    codes : numpy.ndarray of int, shape (n, k)
        Bin of each value.
    y : numpy.ndarray of {0, 1}, shape (n,)
    half : numpy.ndarray of bool, shape (n,)
    rows, positives : numpy.ndarray of float, shape (2, k * 9, k * 9)
        Rows and positive rows in each pair of bins, by half.
    """

    names: tuple[str, ...]
    codes: Codes
    y: Floats
    half: Half
    rows: Floats
    positives: Floats

    @classmethod
    def of(cls, columns: Mapping[str, npt.NDArray[Any]], y: Floats, half: Half) -> "AdditiveRows":
        """Bin columns of floats or texts, see `bins_of`, and add up.

        Parameters
        ----------
        columns : mapping of str to numpy.ndarray, shape (n,)
        y : numpy.ndarray of {0, 1}, shape (n,)
        half : numpy.ndarray of bool, shape (n,)
        """
        codes = np.column_stack([bins_of(values) for values in columns.values()])
        rows, positives = _sums(codes, y, half)
        return cls(tuple(columns), codes, y, half, rows, positives)

    def scores(self, without: Collection[str] = ()) -> Floats:
        """Return the out-of-fold score of each row by all features but some; the rate where none is left.

        References
        ----------
        .. [1] Hoerl and Kennard (1970). Ridge regression: biased estimation for nonorthogonal problems.
           Technometrics 12, equation 2.1.
        """
        features = [place for place, name in enumerate(self.names) if name not in without]
        scores = np.empty(len(self.y))
        for number, judged in enumerate((~self.half, self.half)):
            scores[judged] = self.y[~judged].mean()
            if features:
                scores[judged] += self._weights(number, features)[self._places(features, judged)].sum(axis=1)
        return np.round(scores, _DIGITS)

    def area(self, without: Collection[str] = ()) -> float:
        """Return the out-of-fold AUC of `scores`, the mean of both halves."""
        return half_auc(self.scores(without), self.y, self.half)

    def _places(self, features: list[int], rows: Half) -> Codes:
        return np.asarray(self.codes[rows][:, features] + np.array(features) * BINS)

    def _weights(self, number: int, features: list[int]) -> Floats:
        """Return the weight of each bin, 0 for those of features that are left out."""
        cells = (np.array(features)[:, None] * BINS + np.arange(BINS)).ravel()
        rows = self.rows[number][np.ix_(cells, cells)]
        count = np.diag(rows)
        centred = np.diag(self.positives[number])[cells] - count * self.y[self.half ^ bool(number)].mean()
        weights = np.zeros(len(self.names) * BINS)
        weights[cells] = np.linalg.solve(rows + _STRENGTH * np.eye(len(cells)), centred)
        return weights


def bins_of(values: npt.NDArray[Any]) -> Codes:
    """Return the bin of each value: eight of equal mass for numbers, or the most frequent levels of a text.

    Up to eight distinct values have a bin each. The last bin is for missing values.

    Examples
    --------
    >>> bins_of(np.array([3.0, 1.0, np.nan, 1.0])).tolist()
    [1, 0, 8, 0]
    >>> bins_of(np.append(np.zeros(90), range(1, 11)))[88:].tolist()
    [0, 0, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7]
    >>> bins_of(np.array(["b", None, "a", "b"], dtype=object)).tolist()
    [0, 8, 1, 0]
    """
    import pandas as pd

    if values.dtype == object:
        code, levels = pd.factorize(values, sort=True)
        order = np.argsort(-np.bincount(code[code >= 0], minlength=len(levels)), kind="stable")
        rank = np.empty(len(levels) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.minimum(np.arange(len(levels)), MISSING - 1), MISSING
        return np.asarray(rank[code])
    known = ~np.isnan(values)
    ordered = np.sort(values[known])
    distinct = ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
    if len(distinct) > MISSING:
        distinct = _cuts(ordered)
    code = np.searchsorted(distinct, values, side="right") - 1
    return np.where(known, np.maximum(code, 0), MISSING)


def _cuts(ordered: Floats) -> Floats:
    """Return the first value of each of eight bins; values that fill several leave these to the others."""
    cuts = np.unique(ordered[len(ordered) * np.arange(MISSING) // MISSING])
    others, bins = ordered[~np.isin(ordered, cuts)], MISSING - len(cuts)
    return np.union1d(cuts, others[len(others) * np.arange(bins) // bins]) if bins else cuts


def half_auc(score: Floats, y: Floats, half: Half) -> float:
    """Return the mean AUC of the two halves, and .5 if one has a single class."""
    parts = [(y[part], score[part]) for part in (half, ~half)]
    if any(not 0 < labels.sum() < len(labels) for labels, _ in parts):
        return 0.5
    return float(np.mean([auc(labels, scores) for labels, scores in parts]))


def _sums(codes: Codes, y: Floats, half: Half) -> tuple[Floats, Floats]:
    """Return rows and positive rows in each pair of bins, by half."""
    k, cells = codes.shape[1], BINS * BINS
    part = (2 * ~half + (y == 1)) * cells
    places = np.ascontiguousarray(codes.T) + np.arange(k)[:, None] * 4 * cells
    counts = np.empty((2, 2, k, BINS, k, BINS))
    for feature in range(k):
        count = np.bincount((places + (part + codes[:, feature] * BINS)).ravel(), minlength=k * 4 * cells)
        counts[:, :, feature] = count.reshape(k, 2, 2, BINS, BINS).transpose(1, 2, 3, 0, 4)
    shape = 2, k * BINS, k * BINS
    return counts.sum(axis=1).reshape(shape), counts[:, 1].reshape(shape)

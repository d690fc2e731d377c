"""Whether features tell two arms apart, beside what redraws of the arms give."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.arm_columns import ArmColumns, Numbers
from crm_ml.evaluation.ranking import Floats

FOLDS = 4
BATCH = 100
_PENALTY = 0.1  # of the discriminant, in variances of its standardised columns
_BINS, _WIDTH = 256, 4.0  # of scores, up to four standard deviations on either side
_ROUNDING = 1e-4  # share by which equal statistics may differ, as sums of float32 in another order
_RANK = 1e-4  # share of the largest eigenvalue below which a direction is none


@dataclass(frozen=True, eq=False)
class Draw:
    """How the arms of some rows were drawn.

    Parameters
    ----------
    treated : numpy.ndarray of float32, shape (n,)
        0 and 1.
    chance : numpy.ndarray, shape (n,)
        Probability of being treated.
    stratum : numpy.ndarray of int, shape (n,)
        Such as the trial, from 0.
    permuted : bool
        Redraws permute the arms within each stratum, as its size of the arms is known; otherwise each row is
        drawn by its own chance.
    """

    treated: Numbers
    chance: Floats
    stratum: npt.NDArray[np.int64]
    permuted: bool

    def rows(self, keep: npt.NDArray[np.bool_]) -> "Draw":
        """Return some of the rows."""
        return Draw(self.treated[keep], self.chance[keep], self.stratum[keep], self.permuted)

    def with_shares(self) -> "Draw":
        """Return the draw with the share of treated rows in each stratum as their chance."""
        share = np.bincount(self.stratum, self.treated) / np.maximum(np.bincount(self.stratum), 1)
        return Draw(self.treated, share[self.stratum], self.stratum, self.permuted)

    def redraws(self, rng: np.random.Generator, count: int) -> Numbers:
        """Return further arms of the rows, shape (n, count)."""
        if not self.permuted:
            uniform = rng.random((len(self.treated), count), dtype=np.float32)
            return (uniform < self.chance[:, None]).astype(np.float32)
        arms = np.empty((len(self.treated), count), dtype=np.float32)
        for number in np.unique(self.stratum):
            inside = np.flatnonzero(self.stratum == number)
            arms[inside] = rng.permuted(np.repeat(self.treated[inside, None], count, axis=1), axis=0)
        return arms


@dataclass(frozen=True, eq=False)
class ArmStatistics:
    """Statistics of draws, b of them.

    Parameters
    ----------
    z : numpy.ndarray, shape (m, b)
        Difference of the arms in each column, in standard errors.
    joint : numpy.ndarray, shape (b,)
        Of all columns together: a chi-square for large n.
    auc : numpy.ndarray, shape (b,)
        Of a linear discriminant of the other folds' rows, which tells treated from untreated ones.
    """

    z: Numbers
    joint: Numbers
    auc: Floats

    @property
    def largest(self) -> Numbers:
        """Largest difference, in standard errors, shape (b,); 0 without columns."""
        return np.asarray(np.abs(self.z).max(axis=0, initial=0.0))

    def as_far(self, seen: "ArmStatistics", name: str) -> npt.NDArray[np.bool_]:
        """Return which draws are at least as far from a fair one as one draw is, shape (b,)."""
        return np.asarray(getattr(self, name) >= getattr(seen, name) * (1 - _ROUNDING))


class ArmComparison:
    """The statistics of one draw and of any redraw of it.

    Parameters
    ----------
    columns : ArmColumns
    draw : Draw
    fold : numpy.ndarray of int, shape (n,)
        Of the cross-fitting; all rows of a customer in one.

    Notes
    -----
    With residuals ``r = a - e`` of arms and chances, and columns centred within strata: ``G = sum r x``,
    ``V = sum e (1 - e) x x'``; ``z = G / sqrt(diag V)``, ``joint = G' V^+ G`` [1]_. The discriminant of a
    fold is ``(V + penalty)^-1 G`` of the others' rows; its AUC weighs rows by one over the probability of
    their arm, so that arms drawn with known, unequal chances are compared alike.

    References
    ----------
    .. [1] Hansen and Bowers (2008). Covariate balance in simple, stratified and clustered comparative
       studies. Statistical Science 23, section 3.
    .. [2] Gagnon-Bartsch and Shem-Tov (2019). The classification permutation test: a flexible approach to
       testing for covariate imbalance in observational studies. Annals of Applied Statistics 13, section 2.
    """

    def __init__(self, columns: ArmColumns, draw: Draw, fold: npt.NDArray[np.int64]) -> None:
        order = np.argsort(fold, kind="stable")
        self.draw = Draw(draw.treated[order], draw.chance[order], draw.stratum[order], draw.permuted)
        variance = self.draw.chance * (1 - self.draw.chance)
        centred = _centred(columns.matrix[order], self.draw.stratum, variance)
        spread = np.sqrt(variance @ centred**2)
        usable = spread > 1e-3 * np.sqrt(variance.sum())
        self.names = tuple(np.array(columns.names, dtype=object)[usable])
        self.x = np.asarray(centred[:, usable] / spread[usable], dtype=np.float32)
        # V has ones on its diagonal
        gram = ((self.x * variance[:, None].astype(np.float32)).T @ self.x).astype(float)
        values, vectors = np.linalg.eigh(gram)
        directions = values > _RANK * max(float(values.max(initial=0.0)), 1e-12)
        self.white = (vectors[:, directions] / np.sqrt(values[directions])).astype(np.float32)
        self.inverse = (vectors / (values.clip(0) + _PENALTY) @ vectors.T).astype(np.float32)
        ends = np.searchsorted(fold[order], np.unique(fold), side="right")
        self.folds = [slice(first, last) for first, last in zip([0, *ends[:-1]], ends, strict=True)]

    def observed(self) -> ArmStatistics:
        """Return the statistics of the draw itself, b = 1."""
        return self.of(self.draw.treated[:, None])

    def of(self, treated: Numbers) -> ArmStatistics:
        """Return the statistics of arms of shape (n, b), with rows in the order of the folds."""
        residual = treated - self.draw.chance[:, None].astype(np.float32)
        parts = [self.x[part].T @ residual[part] for part in self.folds]
        z = np.sum(parts, axis=0)
        areas = np.zeros(treated.shape[1])
        for part, own in zip(self.folds, parts, strict=True):
            scores = self.x[part] @ (self.inverse @ (z - own))
            areas += (part.stop - part.start) * _areas(scores, treated[part], self.draw.chance[part])
        return ArmStatistics(z, ((self.white.T @ z) ** 2).sum(axis=0), areas / len(treated))


def _centred(matrix: Numbers, stratum: npt.NDArray[np.int64], weight: Floats) -> Numbers:
    """Return the columns less their weighted mean in the row's stratum."""
    centred = matrix.copy()
    for number in np.unique(stratum):
        inside = stratum == number
        share = (weight[inside] / weight[inside].sum()).astype(np.float32)
        centred[inside] -= share @ matrix[inside]
    return centred


def _areas(scores: Numbers, treated: Numbers, chance: Floats) -> Floats:
    """Return the AUC of each column of binned scores; a row weighs one over the chance of its arm."""
    draws = scores.shape[1]
    spread = np.maximum(scores.std(axis=0), np.float32(1e-12))
    bins = (scores - scores.mean(axis=0)) / spread * (_BINS / 2 / _WIDTH) + _BINS / 2
    places = (np.clip(bins, 0, _BINS - 1).astype(np.int64) + _BINS * np.arange(draws)).ravel()
    weights = treated / chance[:, None], (1 - treated) / (1 - chance[:, None])
    up, down = (np.bincount(places, each.ravel(), _BINS * draws).reshape(draws, _BINS) for each in weights)
    total = up.sum(axis=1) * down.sum(axis=1)
    above = (up * (np.cumsum(down, axis=1) - down / 2)).sum(axis=1)
    return np.asarray(np.divide(above, total, out=np.full(draws, 0.5), where=total > 0))

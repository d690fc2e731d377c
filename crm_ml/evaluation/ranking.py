"""Outcomes and scores, checked, sorted once and evaluated under many weightings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

Floats = npt.NDArray[np.float64]
Check = Callable[[npt.ArrayLike, npt.ArrayLike], tuple[Floats, Floats]]


def check_binary(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Check labels and scores and return them as float arrays.

    Raises
    ------
    InputError
        If lengths differ, there is no row, or values are NaN, infinite or labels other than 0 and 1;
        the message counts each.
    """
    labels, scores, breaches = _columns(y, p, "p")
    odd = int((np.isfinite(labels) & (labels != 0) & (labels != 1)).sum())
    if odd:
        breaches.append(f"y is neither 0 nor 1 in {odd:,} of {len(labels):,} rows")
    _refuse(breaches)
    return labels, scores


def check_values(y: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Check outcomes and predictions that are counts or money and return them as float arrays.

    Raises
    ------
    InputError
        If lengths differ, there is no row, or values are NaN, infinite or negative; the message counts each.

    Examples
    --------
    >>> check_values([0, 2.5], [1, -1])
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: predicted is negative in 1 of 2 rows; drop or mend these rows before judging
    """
    outcomes, values, breaches = _columns(y, predicted, "predicted")
    for name, column in (("y", outcomes), ("predicted", values)):
        below = int((np.isfinite(column) & (column < 0)).sum())
        if below:
            breaches.append(f"{name} is negative in {below:,} of {len(column):,} rows")
    _refuse(breaches)
    return outcomes, values


def check_probabilities(p: npt.ArrayLike, name: str = "p") -> Floats:
    """Check probabilities and return them as a float array.

    Raises
    ------
    InputError
        If a value is NaN or outside [0, 1].
    """
    values = as_floats(name, p)
    bad = int((~((values >= 0) & (values <= 1))).sum())
    if bad:
        raise InputError(f"{name} is outside [0, 1] in {bad:,} of {values.size:,} rows; give probabilities")
    return values


def as_floats(name: str, values: Any) -> Floats:
    """Return numbers as a float array; raise `InputError` for anything else."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):  # of NumPy, with the value
        raise InputError(f"{name} holds values that are no numbers; give numbers") from None


def row_weights(weight: npt.ArrayLike | None, rows: int) -> Floats:
    """Check weights and return that of each row, 1 by default.

    Raises
    ------
    InputError
        If their number is not that of the rows, or one is NaN, infinite or negative.
    """
    if weight is None:
        return np.ones(rows)
    values = as_floats("weight", weight)
    if values.shape != (rows,):
        raise InputError(f"weight has shape {values.shape}; it must have one value for each of {rows:,} rows")
    bad = int((~(np.isfinite(values) & (values >= 0))).sum())
    if bad:
        raise InputError(f"weight is NaN, infinite or negative in {bad:,} of {rows:,} rows")
    return values


def _columns(y: npt.ArrayLike, p: npt.ArrayLike, name: str) -> tuple[Floats, Floats, list[str]]:
    """Return two columns of equal length, and messages on NaN or infinite values."""
    outcomes, scores = as_floats("y", y), as_floats(name, p)
    if outcomes.ndim != 1 or scores.shape != outcomes.shape or not len(outcomes):
        raise InputError(
            f"y has shape {outcomes.shape} and {name} {scores.shape}; give two columns of equal length"
        )
    breaches = []
    for column, values in (("y", outcomes), (name, scores)):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            breaches.append(f"{column} is NaN or infinite in {bad:,} of {len(values):,} rows")
    return outcomes, scores, breaches


def _refuse(breaches: list[str]) -> None:
    if breaches:
        raise InputError("; ".join(breaches) + "; drop or mend these rows before judging")


@dataclass(frozen=True, eq=False)
class Ranking:
    """Outcomes and scores in ascending order of the score.

    Parameters
    ----------
    order : numpy.ndarray of int, shape (n,)
        Position of each ranked row in the input.
    y : numpy.ndarray of float, shape (n,)
        Labels, 0 or 1, or counts or money; ranked.
    p : numpy.ndarray of float, shape (n,)
        Scores, ranked.
    starts : numpy.ndarray of int, shape (g,)
        Position of the first row of each group of equal scores.
    """

    order: npt.NDArray[np.int64]
    y: Floats
    p: Floats
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, y: npt.ArrayLike, p: npt.ArrayLike, check: Check = check_binary) -> "Ranking":
        """Sort by score; rows with equal scores stay in input order and form one group.

        Parameters
        ----------
        y, p : array-like of float, shape (n,)
        check : callable
            Returns both as float arrays or raises; `check_values` for counts and money.

        Raises
        ------
        InputError
            If `check` refuses the rows; by default, if lengths differ, a label is not 0 or 1, or a value is
            NaN or infinite.
        """
        labels, scores = check(y, p)
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
        return cls(order, labels[order], ranked, starts)


@dataclass(frozen=True, eq=False)
class Weighted:
    """A ranking under `r` weightings of its rows.

    Parameters
    ----------
    ranking : Ranking
    weights : numpy.ndarray of float, shape (r, n)
        Weight of each ranked row (in the order of the ranking).
    """

    ranking: Ranking
    weights: Floats

    @cached_property
    def total(self) -> Floats:
        """Weight of all rows, shape (r,)."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def group_rows(self) -> Floats:
        """Weight of the rows in each group of equal scores, shape (r, g)."""
        return self._grouped(self.weights)

    @cached_property
    def group_positives(self) -> Floats:
        """Weighted sum of the outcomes in each group, for labels the weight of the positives, (r, g)."""
        return self._grouped(self.weights * self.ranking.y)

    @cached_property
    def rows(self) -> Floats:
        """Weight of all rows up to the end of each group, shape (r, g)."""
        return np.asarray(np.cumsum(self.group_rows, axis=1))

    @cached_property
    def positives(self) -> Floats:
        """Weighted sum of the outcomes up to the end of each group, shape (r, g)."""
        return np.asarray(np.cumsum(self.group_positives, axis=1))

    def _grouped(self, values: Floats) -> Floats:
        starts = self.ranking.starts
        if len(starts) == values.shape[1]:
            return values
        return np.asarray(np.add.reduceat(values, starts, axis=1))

    def mean(self, values: Floats) -> Floats:
        """Weighted mean of a value a row (in the order of the ranking), shape (r,); NaN without weight."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.weights @ values / self.total)

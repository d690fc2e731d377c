"""Gains curves, group means with intervals and decile means: the data of the figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats

DECILES = 10
GRID = 101  # shares of the rows from 0 to 1
_UPPER = 0.975


def gains_curve(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return cumulative shares of rows, highest score first, and of outcomes; equal scores form one step.

    Examples
    --------
    >>> taken, gained = gains_curve(np.array([1.0, 0.0, 3.0, 0.0]), np.array([0.5, 0.5, 0.9, 0.1]))
    >>> taken.tolist(), gained.tolist()
    ([0.0, 0.25, 0.75, 1.0], [0.0, 0.75, 1.0, 1.0])
    """
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    taken = (ends + 1) / len(y)
    gained = np.cumsum(y[order])[ends] / (y.sum() or 1.0)
    return np.append(0.0, taken), np.append(0.0, gained)


def gains_band(
    y: Floats, p: Floats, customer_id: npt.NDArray[Any], rng: np.random.Generator, draws: int = 200
) -> tuple[Floats, Floats, Floats]:
    """Return a 95 % band of `gains_curve`, from drawings of whole customers.

    Parameters
    ----------
    y, p : numpy.ndarray of float, shape (n,)
    customer_id : numpy.ndarray, shape (n,)
    rng : numpy.random.Generator
    draws : int

    Returns
    -------
    share, low, high : numpy.ndarray, shape (101,)
        Shares of the rows from 0 to 1, and the ends of the share of the outcomes.
    """
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    customers, customer = np.unique(customer_id, return_inverse=True)
    ranked, outcome = customer[order], y[order]
    share = np.linspace(0, 1, GRID)
    curves = np.empty((draws, GRID))
    for draw in range(draws):
        drawn = rng.integers(0, len(customers), len(customers))
        weight = np.bincount(drawn, minlength=len(customers))[ranked].astype(np.float64)
        rows, gained = np.cumsum(weight)[ends], np.cumsum(weight * outcome)[ends]
        curves[draw] = np.interp(
            share, np.append(0.0, rows / rows[-1]), np.append(0.0, gained / (gained[-1] or 1.0))
        )
    low, high = np.quantile(curves, (1 - _UPPER, _UPPER), axis=0)
    return share, low, high


def mean_of_ties(y: Floats, p: Floats) -> Floats:
    """Return for each row the mean outcome of the rows with its score, so that no cut depends on their order.

    Examples
    --------
    >>> mean_of_ties(np.array([1.0, 0.0, 3.0]), np.array([0.5, 0.5, 0.9])).tolist()
    [0.5, 0.5, 3.0]
    """
    _, group = np.unique(p, return_inverse=True)
    return np.asarray((np.bincount(group, y) / np.bincount(group))[group])


def mean_intervals(values: Floats, groups: Sequence[npt.NDArray[np.int64]]) -> tuple[Floats, Floats]:
    """Return the mean of each group of rows and half the width of its 95 % interval.

    The interval is Student's; a group of one row gives a half width of 0.

    Examples
    --------
    >>> means, half = mean_intervals(np.array([1.0, 3.0, 5.0]), [np.array([0, 1]), np.array([2])])
    >>> means.tolist(), half.round(2).tolist()
    ([2.0, 5.0], [12.71, 0.0])
    """
    from scipy.stats import t

    count = np.array([len(rows) for rows in groups])
    spread = np.array([values[rows].std(ddof=1) if len(rows) > 1 else 0.0 for rows in groups])
    half = t.ppf(_UPPER, np.maximum(count - 1, 1)) * spread / np.sqrt(count)
    return np.array([values[rows].mean() for rows in groups]), np.asarray(half)


def decile_means(y: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Return mean outcome and mean prediction of each decile of the rows, highest prediction first.

    Rows with equal predictions count with the mean of their outcomes, so that the split of ties between
    deciles does not matter. Sizes differ by one row at most; at least ten rows are needed.

    Examples
    --------
    >>> actual, predicted = decile_means(np.arange(10.0), np.array([0.0] * 8 + [7.0, 9.0]))
    >>> actual.tolist()
    [9.0, 8.0, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5]
    """
    shared = mean_of_ties(y, p)
    parts = np.array_split(np.argsort(-p, kind="stable"), DECILES)
    return np.array([shared[part].mean() for part in parts]), np.array([p[part].mean() for part in parts])

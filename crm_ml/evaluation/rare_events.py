"""Intervals of sums that few rows add to: answers or purchases so rare that they can be counted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval

FEW_EVENTS = 30
RARE = 0.1
_TAIL = 0.975
_HEAVIEST = 0.05

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RarePart:
    """What few and rare events add to an estimate.

    Parameters
    ----------
    rows : numpy.ndarray of bool, shape (n,)
        Rows that are counted here, with an event and without.
    sum : Interval
        Of ``multiplier * deviation`` over these rows.
    """

    rows: Mask
    sum: Interval


def deviations(y: Floats, group: npt.ArrayLike) -> Floats:
    """Return how far each outcome is from the most frequent one of its group; what is not 0 is an event.

    Parameters
    ----------
    y : numpy.ndarray of float, shape (n,)
    group : array-like, shape (n,)
        Such as the action, whose cost every row of it has in its outcome.

    Examples
    --------
    >>> deviations(np.array([0.0, 0.0, 5.0, -1.0, -1.0, 4.0]), ["a"] * 3 + ["b"] * 3).tolist()
    [0.0, 0.0, 5.0, 0.0, 0.0, 5.0]
    """
    _, number = np.unique(np.asarray(group), return_inverse=True)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    apart = y.copy()
    for rows in parts:
        outcomes, count = np.unique(y[rows], return_counts=True)
        apart[rows] -= outcomes[count.argmax()]
    return apart


def rare_part(
    multiplier: Floats, deviation: Floats, customer: npt.NDArray[np.int64] | None = None
) -> RarePart | None:
    """Return the part of ``sum(multiplier * deviation)`` that stands on few and rare events.

    Parameters
    ----------
    multiplier : numpy.ndarray of float, shape (n,)
        What one unit of a row's deviation adds to the estimate, known before the outcome: a weight over the
        number of rows, negative for rows whose outcomes are subtracted, 0 for rows without a say.
    deviation : numpy.ndarray of float, shape (n,)
        Of `deviations`.
    customer : numpy.ndarray of int, shape (n,), optional
        Number of the customer of each row, where one may have several.

    Returns
    -------
    RarePart or None
        None where, on either side of zero, no row has a say, or there are 30 events and more, or they are
        more than a tenth of the rows: there the usual intervals hold.

    Notes
    -----
    The sum of Poisson events with sizes has the gamma interval of [1]_ (equations 5 and 6), for equal sizes
    the exact one of a Poisson count. Its upper end has one more event. That has the largest weight, where the
    few heaviest rows that hold 5 % of all weight count as the next one (what they add is small beside the
    width of an interval of so few events), and the size ``sum d^2 / sum d`` of all events: what an amount of
    money comes from on average. Events of different signs have intervals of their own, see `added`.

    References
    ----------
    .. [1] Fay and Feuer (1997). Confidence intervals for directly standardized rates: a method based on the
       gamma distribution. Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> answers = np.append(np.ones(3), np.zeros(97))
    >>> str(rare_part(np.full(100, 0.01), answers).sum)  # three of a hundred: .62 to 8.77 events
    '0.0300 [0.0062, 0.0877]'
    """
    rows = np.zeros(len(deviation), dtype=bool)
    total = Interval(0.0, 0.0, 0.0)
    for side in (multiplier > 0, multiplier < 0):
        count = int((side & (deviation != 0)).sum())
        if not side.any() or count >= FEW_EVENTS or count > RARE * side.sum():
            continue
        rows |= side
        for event in (deviation > 0, deviation < 0):
            if event.any():
                total = added(total, _signed_sum(multiplier, deviation, side, event, customer))
    return RarePart(rows, total) if rows.any() else None


def added(first: Interval, second: Interval) -> Interval:
    """Return the interval of a sum of two independent estimates from their own, which need no symmetry.

    References
    ----------
    .. [1] Zou and Donner (2008). Construction of confidence limits about effect measures: a general approach.
       Statistics in Medicine 27, 1693-1702 (equation 2).

    Examples
    --------
    >>> str(added(Interval(1, 0, 2), Interval(3, 3, 3)))
    '4.0000 [3.0000, 5.0000]'
    """
    value = first.value + second.value
    below = np.hypot(first.value - first.low, second.value - second.low)
    above = np.hypot(first.high - first.value, second.high - second.value)
    return Interval(value, float(value - below), float(value + above))


def _signed_sum(
    multiplier: Floats, deviation: Floats, side: Mask, event: Mask, customer: npt.NDArray[np.int64] | None
) -> Interval:
    """Return the gamma interval of the events of one sign among the rows of one side."""
    from scipy.special import gammaincinv

    happened = side & event
    sizes = np.abs(multiplier[happened] * deviation[happened])
    each = np.abs(deviation[event])
    one = _heavy(np.abs(multiplier[side])) * (each**2).sum() / each.sum()
    if customer is not None:
        one *= event.sum() / len(np.unique(customer[event]))
        sizes = np.bincount(np.unique(customer[happened], return_inverse=True)[1], sizes)
    y, v = sizes.sum(), (sizes**2).sum()
    low = v / y * gammaincinv(y**2 / v, 1 - _TAIL) if len(sizes) else 0.0
    high = (v + one**2) / (y + one) * gammaincinv((y + one) ** 2 / (v + one**2), _TAIL)
    ends = float(y), float(low), float(high)
    if (multiplier[side][0] > 0) == (deviation[event][0] > 0):
        return Interval(*ends)
    return Interval(-ends[0], -ends[2], -ends[1])


def _heavy(weight: Floats) -> float:
    """Return the largest weight below which rows hold all but 5 % of the weight."""
    ordered = np.sort(weight)
    return float(ordered[np.searchsorted(np.cumsum(ordered), (1 - _HEAVIEST) * ordered.sum())])

"""What the points that members hold will cost: how many of them will be spent, with an interval."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.significance import Interval
from crm_ml.membership.point_lots import Lots, day_number

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HORIZON, STEP, CUTS = 365, 30, 12  # days ahead, days between past days that are learned from, and how many
_AGE, _ACTIVE, _FEWEST = 91, 91, 30
_Z90 = 1.6448536269514722


@dataclass(frozen=True, eq=False)
class Liability:
    """Points that members hold, and what will come of them.

    Parameters
    ----------
    outstanding : int
        Points that can be spent on the day.
    redeemed : Interval
        Of these, points that will be spent within the next 365 days, with a 90 % interval.
    cost_cents : Interval
        The same in minor units of money.
    breakage : pandas.DataFrame
        Share of the points of a past year that was spent and that expired, by months since they were earned.
    learned_from : int
        Members with points on the past days.
    """

    outstanding: int
    redeemed: Interval
    cost_cents: Interval
    breakage: "pd.DataFrame"
    learned_from: int


def liability(
    lots: Lots, as_of: date, cents_per_point: float, replicates: int = 200, seed: int = 0
) -> Liability:
    """Return how many of the points that members hold will be spent within a year.

    Parameters
    ----------
    lots : Lots
    as_of : date
        Only what was before it is known.
    cents_per_point : float
        What a point costs when it is spent.
    replicates : int
        Resamples of members, for the interval.
    seed : int

    Raises
    ------
    InputError
        If the ledger does not reach two years before the day: nothing is known of a whole year then.

    Notes
    -----
    On twelve past days, thirty days apart and the newest a year before, points are grouped by their age in
    quarters, by whether their member earned within a quarter, and by whether any were ever spent. The share
    of each group that was spent within the year after is taken for the same group of today; one with points
    of fewer than thirty members has the share of its age. The variance is that of the shares over resampled
    members, plus that of a year's spending of single members around them.
    """
    day = day_number(as_of)
    lots = lots.before(day)
    past = [day - HORIZON - STEP * number for number in range(CUTS)]
    if lots.day.min() > past[-1]:
        raise InputError(
            f"liability: the ledger begins {day - int(lots.day.min()):,} days before {as_of}; what is spent "
            f"within a year is learned from {HORIZON + STEP * (CUTS - 1):,} days and more"
        )
    groups = [_groups(lots, then) for then in past]
    held = np.stack([lots.outstanding(then) for then in past]).astype(float)
    spent = np.stack(
        [np.minimum(lots.spent_between(then, then + HORIZON), held[n]) for n, then in enumerate(past)]
    )
    size, members = int(max(group.max() for group in groups)) + 1, len(lots.customers)
    by_member = [_by_member(lots.customer, groups, values, size, members) for values in (held, spent)]
    now, group_now = lots.outstanding(day).astype(float), _groups(lots, day)
    size = max(size, int(group_now.max()) + 1)
    held_now = np.bincount(group_now, now, size)
    few = np.array(by_member[0].astype(bool).sum(axis=0)).ravel() < _FEWEST
    shares = _shares(np.ones(members), by_member, few, size)
    expected = float(held_now @ shares)
    rng = np.random.default_rng(seed)
    drawn = [
        float(held_now @ _shares(_redrawn(members, rng), by_member, few, size)) for _ in range(replicates)
    ]
    half = _Z90 * np.sqrt(
        np.var(drawn, ddof=1) + _process_variance(lots, groups[0], held[0], spent[0], shares, now)
    )
    redeemed = Interval(expected, max(expected - half, 0.0), min(expected + half, float(now.sum())))
    cost = Interval(*(end * cents_per_point for end in (redeemed.value, redeemed.low, redeemed.high)))
    holders = int((by_member[0].sum(axis=1) > 0).sum())
    return Liability(int(now.sum()), redeemed, cost, breakage(lots, as_of), holders)


def breakage(lots: Lots, as_of: date) -> "pd.DataFrame":
    """Return what became of points by months since they were earned, of lots whose life has ended.

    Returns
    -------
    pandas.DataFrame
        Columns months, spent (share so far) and expired (share, 0 until the life has ended).
    """
    import pandas as pd

    day = day_number(as_of)
    ended = (lots.day < day - lots.life_days) & (lots.day >= day - lots.life_days - 2 * HORIZON)
    total = max(int(lots.points[ended].sum()), 1)
    age = (lots.spent_on - lots.day[lots.lot]) // STEP
    months = np.arange(lots.life_days // STEP + 1)
    of_ended = ended[lots.lot]
    by_month = np.bincount(age[of_ended], lots.spent[of_ended], len(months))[: len(months)]
    spent = np.cumsum(by_month) / total
    expired = np.where(months == months[-1], 1 - spent[-1], 0.0) if ended.any() else np.zeros(len(months))
    return pd.DataFrame({"months": months + 1, "spent": spent, "expired": expired})


def _groups(lots: Lots, day: int) -> Ints:
    """Return the group of each lot on a day: its age in quarters, its member active, its member has spent."""
    members = len(lots.customers)
    known = lots.day < day
    newest = np.full(members, -(10**9))
    np.maximum.at(newest, lots.customer[known], lots.day[known])
    before = lots.spent_on < day
    has_spent = np.bincount(lots.customer[lots.lot[before]], minlength=members) > 0
    age = np.clip((day - lots.day) // _AGE, 0, lots.life_days // _AGE)
    active = day - newest[lots.customer] <= _ACTIVE
    return np.asarray(4 * age + 2 * active + has_spent[lots.customer], dtype=np.int64)


def _by_member(customer: Ints, groups: list[Ints], values: Floats, size: int, members: int) -> Floats:
    """Return the points of each member in each group, summed over the past days, shape (members, groups)."""
    sums = np.zeros((members, size))
    for group, each in zip(groups, values, strict=True):
        np.add.at(sums, (customer, group), each)
    return sums


def _shares(weights: Floats, by_member: list[Floats], few: npt.NDArray[np.bool_], size: int) -> Floats:
    """Return the share of each group that was spent; one of few members has that of its age, or of all."""
    held, spent = (np.asarray(weights @ each) for each in by_member)
    held, spent = (np.append(each, np.zeros(size - len(each))) for each in (held, spent))
    few = np.append(few, np.ones(size - len(few), dtype=bool))
    age = np.arange(size) // 4
    of_age = [np.bincount(age, each)[age] for each in (held, spent)]
    everything = spent.sum() / max(held.sum(), 1.0)
    coarse = np.divide(of_age[1], of_age[0], out=np.full(size, everything), where=of_age[0] > 0)
    fine = np.divide(spent, held, out=coarse.copy(), where=held > 0)
    return np.asarray(np.where(few, coarse, fine))


def _redrawn(members: int, rng: np.random.Generator) -> Floats:
    """Return how often each member stands in a resample of all."""
    return np.asarray(rng.multinomial(members, np.full(members, 1 / members)), dtype=np.float64)


def _process_variance(
    lots: Lots, group: Ints, held: Floats, spent: Floats, shares: Floats, now: Floats
) -> float:
    """Return the variance of what members spend around the shares, scaled to what they hold today."""
    residual = np.bincount(lots.customer, spent - held * shares[group], len(lots.customers))
    then, today = (np.bincount(lots.customer, each, len(lots.customers)) for each in (held, now))
    scale = (today**2).sum() / max((then**2).sum(), 1.0)
    return float((residual**2).sum() * scale)

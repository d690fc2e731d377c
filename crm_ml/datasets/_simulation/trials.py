"""Randomised campaigns: assignments, the effect of each arm on each customer, and the visits."""

from dataclasses import dataclass

import numpy as np

from crm_ml.datasets._simulation.life import Lives
from crm_ml.datasets._simulation.world import ARM_SHARES, CHANNELS, WINDOW_DAYS, Floats, Ints, World

_DRAWN_SHARE = 0.4
ORDER_SHARE = 0.35
_STORE = CHANNELS.index("store")


@dataclass(frozen=True, eq=False)
class Trials:
    """Assignments of a chunk's customers, in the order of campaign and customer.

    Parameters
    ----------
    campaign, customer, arm : numpy.ndarray of int, shape (k,)
    p : numpy.ndarray, shape (k, 3)
        True probability of a visit within the window under each arm.
    visited : numpy.ndarray, shape (k,)
        Day of the visit, infinite without one.
    ordered : numpy.ndarray of bool, shape (k,)
        Whether the visit led to an order.
    """

    campaign: Ints
    customer: Ints
    arm: Ints
    p: Floats
    visited: Floats
    ordered: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


def run(world: World, lives: Lives, rng: np.random.Generator) -> Trials:
    """Draw arms and visits of every campaign."""
    parts = [_one(number, day, lives, rng) for number, day in enumerate(world.campaign_days)]
    empty = np.empty(0, dtype=np.int64)
    if not parts:
        return Trials(empty, empty, empty, np.empty((0, 3)), np.empty(0), np.empty(0, dtype=bool))
    names = ("campaign", "customer", "arm", "p", "visited", "ordered")
    return Trials(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def visit_probability(lives: Lives, customer: Ints, day: float) -> Floats:
    """Return the probability of a visit under control, coupon and reminder, shape (k, 3).

    In log-odds: the control's rises with the rate of purchases and falls with dropout. A coupon adds most for
    customers to whom prices matter, and takes a little from the others; a reminder adds most for customers
    who still buy but seldom, and drives away those who came through a store.
    """
    rate = np.log(np.maximum(lives.rate[customer], 1e-4))
    busy = np.clip((rate + 3.0) / 1.5, -2, 2)
    alive = (lives.ended[customer] > day).astype(float)
    base = -2.4 + 0.7 * busy + 1.0 * alive
    coupon = np.where(alive > 0, -0.5 + 3.0 * lives.sensitivity[customer], 0.1)
    reminder = 0.3 - 0.4 * busy * alive - 1.0 * (lives.channel[customer] == _STORE)
    odds = np.column_stack([base, base + coupon, base + reminder])
    return np.asarray(1 / (1 + np.exp(-odds)))


def _one(number: int, day: int, lives: Lives, rng: np.random.Generator) -> Trials:
    known = np.flatnonzero(lives.joined < day - 1)
    customer = known[rng.random(len(known)) < _DRAWN_SHARE]
    arm = rng.choice(len(ARM_SHARES), len(customer), p=ARM_SHARES)
    p = visit_probability(lives, customer, day)
    visits = rng.random(len(customer)) < p[np.arange(len(customer)), arm]
    moment = day + rng.uniform(0.4, WINDOW_DAYS - 0.1, len(customer))
    ordered = visits & (rng.random(len(customer)) < ORDER_SHARE)
    campaign = np.full(len(customer), number)
    return Trials(campaign, customer, arm.astype(np.int64), p, np.where(visits, moment, np.inf), ordered)

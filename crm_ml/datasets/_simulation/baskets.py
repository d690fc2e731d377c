"""Orders by time, their values, and their lines by the customer's favourite categories."""

from dataclasses import dataclass

import numpy as np

from crm_ml.datasets._simulation.life import Lives
from crm_ml.datasets._simulation.trials import Trials
from crm_ml.datasets._simulation.world import SPEND, Floats, Ints, World

DEPARTMENTS, CATEGORIES, ITEMS = 8, 40, 2000
FAVOURITES = 3
_FAVOURITE_SHARE = 0.75
_MOST_LINES = 30
_COUPON, _COUPON_USE, _DISCOUNT, _DISCOUNT_USE = 0.12, 0.6, 0.08, 0.8
_MINUTES = 10 / 1440


@dataclass(frozen=True, eq=False)
class Baskets:
    """Orders and lines of a chunk.

    Parameters
    ----------
    customer : numpy.ndarray of int, shape (m,)
    number : numpy.ndarray of int, shape (m,)
        From 1, within the customer.
    day : numpy.ndarray, shape (m,)
    order : numpy.ndarray of int, shape (l,)
        Order of each line.
    line, item : numpy.ndarray of int, shape (l,)
        Number of the line within its order, from 1, and item.
    paid, discount, coupon : numpy.ndarray of int, shape (l,)
        Cents.
    """

    customer: Ints
    number: Ints
    day: Floats
    order: Ints
    line: Ints
    item: Ints
    paid: Ints
    discount: Ints
    coupon: Ints


def tastes(count: int, rng: np.random.Generator) -> Ints:
    """Return the favourite categories of each customer, shape (n, 3): two of one department and any third."""
    department = rng.integers(0, DEPARTMENTS, count)
    within = CATEGORIES // DEPARTMENTS
    first, second = rng.integers(0, within, (2, count))
    return np.column_stack(
        [department * within + first, department * within + second, rng.integers(0, CATEGORIES, count)]
    )


def fill(world: World, lives: Lives, trials: Trials, taste: Ints, rng: np.random.Generator) -> Baskets:
    """Draw spend and lines of all orders: of the purchase process, and after the visits of campaigns."""
    customer = np.concatenate([lives.buyer, trials.customer[trials.ordered]])
    day = np.concatenate([lives.bought, trials.visited[trials.ordered] + _MINUTES])
    sequence = np.lexsort((day, customer))
    customer, day = customer[sequence], day[sequence]
    number = _within(customer)
    size = np.minimum(1 + rng.poisson(world.lines_per_order - 1, len(customer)), _MOST_LINES)
    spent = rng.gamma(SPEND["p"], 1.0, len(customer)) * lives.scale[customer] / SPEND["p"]
    cents = np.maximum(np.round(100 * spent).astype(np.int64), size)
    order = np.repeat(np.arange(len(customer)), size)
    line = _within(order)
    paid = _split(cents, order, size, rng)
    item = _items(taste[customer[order]], rng)
    sensitive = lives.sensitivity[customer]
    with_coupon = rng.random(len(customer)) < _COUPON_USE * sensitive
    discounted = rng.random(len(customer)) < _DISCOUNT_USE * sensitive
    return Baskets(
        customer, number, day, order, line, item, paid,
        discount=np.where(discounted[order], np.round(paid * _DISCOUNT), 0).astype(np.int64),
        coupon=np.where(with_coupon[order], np.round(paid * _COUPON), 0).astype(np.int64),
    )  # fmt: skip


def _within(group: Ints) -> Ints:
    """Return the place of each member within its sorted group, from 1."""
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))[: len(group)]
    sizes = np.diff(np.append(first, len(group)))
    return np.arange(len(group)) - np.repeat(first, sizes) + 1


def _split(cents: Ints, order: Ints, size: Ints, rng: np.random.Generator) -> Ints:
    """Split the cents of each order over its lines, at least one each, so that they sum exactly."""
    share = rng.exponential(1.0, len(order)) + 0.2
    first = np.append(0, np.cumsum(size)[:-1])
    total = np.add.reduceat(share, first) if len(order) else share
    free = cents - size
    paid = np.floor(free[order] * share / total[order]).astype(np.int64)
    left = free - (np.add.reduceat(paid, first) if len(order) else paid)
    paid[first] += left
    return paid + 1


def _items(taste: Ints, rng: np.random.Generator) -> Ints:
    """Draw an item for each line: of a favourite category, most often; low numbers sell best."""
    rows = len(taste)
    favourite = taste[np.arange(rows), rng.integers(0, FAVOURITES, rows)]
    any_other = rng.integers(0, CATEGORIES, rows)
    category = np.where(rng.random(rows) < _FAVOURITE_SHARE, favourite, any_other)
    each = ITEMS // CATEGORIES
    return category * each + np.floor(each * rng.random(rows) ** 2).astype(np.int64)

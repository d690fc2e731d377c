"""What a customer gets at given prices: the action-channel of greatest value above its price, or nothing.

Every customer with one clear best choice gets it. Where several choices are equally good, as with values that
tie at a cap, the limits decide how many customers get which; another customer of the same choices then counts
as having each of them in the share in which the allocated customers got it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]
_SAME = 1e-5  # cents
_CHUNK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class PriceRule:
    """Prices, and the shares in which indifferent customers got each of their equal choices.

    Parameters
    ----------
    row_prices : numpy.ndarray, shape (m,)
        Price of one row of each action-channel.
    served : mapping of bytes to numpy.ndarray, shape (m + 1,)
        Set of equal choices to the share that got each action-channel, and last nothing.
    """

    row_prices: Floats
    served: dict[bytes, Floats]

    def shares(self, values: Floats) -> Floats:
        """Return each customer's share of each action-channel, and last of nothing, shape (n, m + 1).

        Parameters
        ----------
        values : numpy.ndarray, shape (n, m)
            Not finite where an action-channel is not open to the customer.
        """
        near = _near(values, self.row_prices)
        shares: Floats = (near & (near.cumsum(axis=1) == 1)).astype(np.float64)  # the first of the best
        several = np.flatnonzero(near.sum(axis=1) > 1)
        for row, key in zip(several, _keys(near[several]), strict=True):
            if key in self.served:
                shares[row] = self.served[key]
        return shares

    def probability(self, values: Floats, actions: Ints, is_explored: npt.NDArray[np.bool_]) -> Floats:
        """Return how likely an allocated customer of these values gets an action.

        It is 1 for who is not explored and has a clear choice: whole numbers may give the second best.

        Parameters
        ----------
        values : numpy.ndarray, shape (n, m)
        actions : numpy.ndarray of int, shape (n,)
            -1 for nothing.
        is_explored : numpy.ndarray of bool, shape (n,)
            Who got the action at random.
        """
        likely = np.empty(len(actions))
        for start in range(0, len(actions), _CHUNK_ROWS):
            piece = slice(start, start + _CHUNK_ROWS)
            shares, got = self.shares(values[piece]), actions[piece]
            of_this = shares[np.arange(len(got)), np.where(got < 0, values.shape[1], got)]
            is_open = is_explored[piece] | ((shares > 0).sum(axis=1) > 1)
            likely[piece] = np.where(is_open, of_this, 1.0)
        return likely

    def draw(self, values: Floats, u: Floats) -> Ints:
        """Return one action-channel of each customer, -1 for nothing, drawn from `shares` by u in [0, 1)."""
        if not len(values):
            return np.empty(0, dtype=np.int64)
        shares = self.shares(values)
        place = (shares.cumsum(axis=1) > u[:, None] * shares.sum(axis=1, keepdims=True)).argmax(axis=1)
        return np.where(place == values.shape[1], -1, place)


def price_rule(pieces: Iterable[tuple[Floats, Ints]], row_prices: Floats) -> PriceRule:
    """Count in which shares indifferent customers got each of their equal choices.

    Parameters
    ----------
    pieces : iterable of (values, actions)
        Of the allocated customers, piece by piece, shapes (b, m) and (b,).
    row_prices : numpy.ndarray, shape (m,)

    Examples
    --------
    >>> values, served = np.full((4, 1), 5.0), np.array([0, 0, 0, -1])
    >>> rule = price_rule([(values, served)], np.array([5.0]))
    >>> rule.shares(np.array([[5.0], [6.0], [4.0]])).tolist()
    [[0.75, 0.25], [1.0, 0.0], [0.0, 1.0]]
    """
    return rule_of((choices_counted(values, actions, row_prices) for values, actions in pieces), row_prices)


def choices_counted(values: Floats, actions: Ints, row_prices: Floats) -> dict[bytes, Ints]:
    """Count which of their equal choices customers got, nothing last, by the set of choices."""
    counts: dict[bytes, Ints] = {}
    m = len(row_prices)
    for start in range(0, len(actions), _CHUNK_ROWS):
        near = _near(values[start : start + _CHUNK_ROWS], row_prices)
        several = np.flatnonzero(near.sum(axis=1) > 1)
        got = actions[start : start + _CHUNK_ROWS][several]
        for key, place in zip(_keys(near[several]), np.where(got < 0, m, got).tolist(), strict=True):
            counts.setdefault(key, np.zeros(m + 1, dtype=np.int64))[place] += 1
    return counts


def rule_of(counts: Iterable[Mapping[bytes, Ints]], row_prices: Floats) -> PriceRule:
    """Return the rule of counts of several pieces of customers, see `choices_counted`."""
    added: dict[bytes, Ints] = {}
    for piece in counts:
        for key, count in piece.items():
            added[key] = added.get(key, 0) + count
    return PriceRule(row_prices, {key: count / count.sum() for key, count in sorted(added.items())})


def _near(values: Floats, row_prices: Floats) -> npt.NDArray[np.bool_]:
    """Mark the choices of each customer that are as good as the best, nothing last."""
    reduced = np.where(np.isfinite(values), values - row_prices, -np.inf)
    choices = np.column_stack([reduced, np.zeros(len(values))])
    marked: npt.NDArray[np.bool_] = choices >= choices.max(axis=1, keepdims=True) - _SAME
    return marked


def _keys(near: npt.NDArray[np.bool_]) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(near, axis=1)]

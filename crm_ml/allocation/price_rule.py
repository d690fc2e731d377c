"""What prices give to a customer: the offering of greatest value above its price, or nothing.

That is how all customers are served who have one clear choice. Where several choices are worth the same, as
with values that tie at a cap, the limits decide how many get which; a customer of the same choices then
counts as having each of them in the share in which those who were served got it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
_SAME = 1e-5  # cents


@dataclass(frozen=True, eq=False)
class PriceRule:
    """Prices, and what became of those who were indifferent at them.

    Parameters
    ----------
    row_prices : numpy.ndarray, shape (m,)
        What a row of each offering pays.
    served : mapping of bytes to numpy.ndarray, shape (m + 1,)
        Set of equal choices to the share that got each offering, and last nothing.
    """

    row_prices: Floats
    served: dict[bytes, Floats]

    def shares(self, values: Floats) -> Floats:
        """Return the share in which each customer has each offering, and last nothing, shape (n, m + 1).

        Parameters
        ----------
        values : numpy.ndarray, shape (n, m)
            Not finite where an offering is not open.
        """
        near = _near(values, self.row_prices)
        found: Floats = (near & (near.cumsum(axis=1) == 1)).astype(np.float64)  # the first of the best
        several = np.flatnonzero(near.sum(axis=1) > 1)
        for row, key in zip(several, _keys(near[several]), strict=True):
            if key in self.served:
                found[row] = self.served[key]
        return found

    def draw(self, values: Floats, u: Floats) -> Ints:
        """Return an offering of each customer, -1 for nothing, drawn from `shares` by u in [0, 1)."""
        if not len(values):
            return np.empty(0, dtype=np.int64)
        shares = self.shares(values)
        place = (shares.cumsum(axis=1) > u[:, None] * shares.sum(axis=1, keepdims=True)).argmax(axis=1)
        return np.where(place == values.shape[1], -1, place)


def price_rule(pieces: Iterable[tuple[Floats, Ints]], row_prices: Floats) -> PriceRule:
    """Learn what became of indifferent customers.

    Parameters
    ----------
    pieces : iterable of (values, actions)
        Of the customers that were served by the allocation, piece by piece, shapes (b, m) and (b,).
    row_prices : numpy.ndarray, shape (m,)

    Examples
    --------
    >>> values, served = np.full((4, 1), 5.0), np.array([0, 0, 0, -1])
    >>> rule = price_rule([(values, served)], np.array([5.0]))
    >>> rule.shares(np.array([[5.0], [6.0], [4.0]])).tolist()
    [[0.75, 0.25], [1.0, 0.0], [0.0, 1.0]]
    """
    m = len(row_prices)
    counts: dict[bytes, Floats] = {}
    for values, actions in pieces:
        near = _near(values, row_prices)
        several = np.flatnonzero(near.sum(axis=1) > 1)
        got = np.where(actions[several] < 0, m, actions[several])
        for key, place in zip(_keys(near[several]), got.tolist(), strict=True):
            counts.setdefault(key, np.zeros(m + 1))[place] += 1.0
    return PriceRule(row_prices, {key: found / found.sum() for key, found in counts.items()})


def _near(values: Floats, row_prices: Floats) -> npt.NDArray[np.bool_]:
    """Mark the choices of each customer that are worth as much as the best, nothing last."""
    reduced = np.where(np.isfinite(values), values - row_prices, -np.inf)
    choices = np.column_stack([reduced, np.zeros(len(values))])
    marked: npt.NDArray[np.bool_] = choices >= choices.max(axis=1, keepdims=True) - _SAME
    return marked


def _keys(near: npt.NDArray[np.bool_]) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(near, axis=1)]

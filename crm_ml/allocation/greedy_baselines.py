"""Simpler ways to choose actions, to compare the allocation with: they take pairs in a given order."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def simple_ways(values: Array, usage: Array, caps: Array, costs: Array) -> dict[str, float]:
    """Return the value that simpler ways reach within the same caps.

    Parameters
    ----------
    values : array, shape (n, m)
        Not finite where the customer is not eligible.
    usage : array, shape (r, m)
        Use of each resource by one row of each action.
    caps : array, shape (r,)
    costs : array, shape (m,)

    Returns
    -------
    dict of str to float
        ``in file order`` and ``best action, then cut`` take each customer's best action; ``greedy by value``
        and ``greedy by value per cost`` take the best pairs that still fit.

    Examples
    --------
    >>> values = np.array([[3.0, 2.0], [4.0, 1.0]])
    >>> by_way = simple_ways(values, np.array([[1.0, 0.0]]), np.array([1.0]), np.ones(2))
    >>> {name: float(earned) for name, earned in by_way.items()} == {
    ...     "in file order": 3.0, "best action, then cut": 4.0, "greedy by value": 6.0,
    ...     "greedy by value per cost": 6.0}
    True
    """
    from crm_ml.allocation.numba_kernels import taken

    rows, actions = np.nonzero(np.where(np.isfinite(values), values, 0.0) > 0)
    worth = np.asarray(values[rows, actions], dtype=np.float64)
    best = np.zeros(len(rows), dtype=np.bool_)
    by_row = np.lexsort((actions, -worth, rows))
    first = np.append(True, rows[by_row][1:] != rows[by_row][:-1]) if len(rows) else by_row
    best[by_row[first]] = True
    ratio = worth / np.maximum(np.asarray(costs, dtype=np.float64)[actions], 1e-9)
    orders: Mapping[str, Array] = {
        "in file order": np.flatnonzero(best),
        "best action, then cut": _falling(worth, np.flatnonzero(best)),
        "greedy by value": _falling(worth, np.arange(len(rows))),
        "greedy by value per cost": _falling(ratio, np.arange(len(rows))),
    }
    use, left = np.ascontiguousarray(usage, dtype=np.float64), np.asarray(caps, dtype=np.float64)
    return {
        name: float(taken(rows[order], actions[order], worth[order], use, left.copy(), len(values)))
        for name, order in orders.items()
    }


def _falling(key: Array, places: Array) -> Array:
    ordered: Array = places[np.argsort(-key[places], kind="stable")]
    return ordered

"""The best items of each row, exactly: what was seen is left out, and of equal scores the first item wins."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
NONE = -1


def top_k(
    scores: Floats, k: int, seen: "csr_array | None" = None, allowed: npt.NDArray[np.bool_] | None = None
) -> tuple[Ints, Floats]:
    """Return the numbers and the scores of the k best items of each row.

    Parameters
    ----------
    scores : numpy.ndarray, shape (b, n)
        Minus infinity leaves an item out.
    k : int
    seen : scipy.sparse.csr_array, shape (b, n), optional
        Items that are left out, row by row, with sorted indices.
    allowed : numpy.ndarray of bool, shape (n,), optional
        Items that may be taken at all.

    Returns
    -------
    items : numpy.ndarray of int64, shape (b, k)
        In descending order of the score, of equal scores in ascending order; -1 where nothing is left.
    scores : numpy.ndarray, shape (b, k)
        Minus infinity there.

    Examples
    --------
    >>> top_k(np.array([[0.5, 0.9, 0.5, 0.1]]), 3)[0].tolist()
    [[1, 0, 2]]
    """
    rows, n = scores.shape
    items = np.full((rows, k), NONE, dtype=np.int64)
    values = np.full((rows, k), -np.inf, dtype=scores.dtype)
    mask = np.ones(n, dtype=np.bool_) if allowed is None else np.asarray(allowed, dtype=np.bool_)
    if seen is None:
        starts, columns = np.zeros(rows + 1, dtype=np.int64), np.empty(0, dtype=np.int64)
    else:
        starts, columns = seen.indptr.astype(np.int64), seen.indices.astype(np.int64)
    _kernel()(np.ascontiguousarray(scores), starts, columns, mask, items, values)
    return items, values


def fill(
    items: Ints,
    values: Floats,
    popularity: Floats,
    seen: "csr_array | None" = None,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Fill the places of `top_k` that are left by popularity, in place; their score is NaN."""
    rows = np.flatnonzero((items == NONE).any(axis=1))
    if not len(rows):
        return
    order = np.tile(popularity, (len(rows), 1))
    for place, row in enumerate(rows):
        order[place, items[row][items[row] != NONE]] = -np.inf
    found, _ = top_k(order, items.shape[1], None if seen is None else seen[rows], allowed)
    for place, row in enumerate(rows):
        free = items[row] == NONE
        items[row, free], values[row, free] = found[place, : free.sum()], np.nan


@cache
def _kernel() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True)(_select)


def _select(
    scores: Floats,
    starts: Ints,
    columns: Ints,
    allowed: npt.NDArray[np.bool_],
    items: Ints,
    values: Floats,
) -> None:  # pragma: no cover  (compiled)
    """Keep the k best of each row in a short sorted list; a later item must be better to come in."""
    k = items.shape[1]
    for row in range(scores.shape[0]):
        next_seen, filled = starts[row], 0
        for item in range(scores.shape[1]):
            while next_seen < starts[row + 1] and columns[next_seen] < item:
                next_seen += 1
            if next_seen < starts[row + 1] and columns[next_seen] == item:
                continue
            score = scores[row, item]
            if not (score > values[row, k - 1]) or not allowed[item]:
                continue
            place = min(filled, k - 1)
            while place > 0 and values[row, place - 1] < score:
                items[row, place], values[row, place] = items[row, place - 1], values[row, place - 1]
                place -= 1
            items[row, place], values[row, place] = item, score
            filled = min(filled + 1, k)

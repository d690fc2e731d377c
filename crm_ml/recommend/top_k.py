"""The k best items of each row under constraints; of equal scores the first item wins."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
NONE = -1


@dataclass(frozen=True, eq=False)
class Caps:
    """At most so many items of a category in one list.

    Parameters
    ----------
    category : numpy.ndarray of int64, shape (n,)
        Number of each item's category.
    most : numpy.ndarray of int64, shape (n_categories,)
        Each at least 1.
    """

    category: Ints
    most: Ints


def top_k(
    scores: Floats,
    k: int,
    seen: "csr_array | None" = None,
    allowed: Mask | None = None,
    caps: Caps | None = None,
) -> tuple[Ints, Floats]:
    """Return the numbers and the scores of the k best items of each row.

    With caps it is still the best list there is: the lists within caps are the independent sets of a laminar
    matroid, where an item that comes in and puts out the worst of the full set it belongs to leaves the best.

    Parameters
    ----------
    scores : numpy.ndarray, shape (b, n)
        Minus infinity leaves an item out.
    k : int
    seen : scipy.sparse.csr_array, shape (b, n), optional
        Items that are left out, row by row, with sorted indices.
    allowed : numpy.ndarray of bool, shape (n,) or (b, n), optional
        Items that may be taken at all.
    caps : Caps, optional

    Returns
    -------
    items : numpy.ndarray of int64, shape (b, k)
        In descending order of the score, of equal scores in ascending order; -1 where nothing is left.
    scores : numpy.ndarray, shape (b, k)
        Minus infinity there.

    Raises
    ------
    InputError
        If k is below 1. More places than items stay empty.

    Examples
    --------
    >>> top_k(np.array([[0.5, 0.9, 0.5, 0.1]]), 3)[0].tolist()
    [[1, 0, 2]]
    >>> caps = Caps(np.array([0, 0, 0, 1]), np.array([1, 9]))
    >>> top_k(np.array([[0.5, 0.9, 0.5, 0.1]]), 3, caps=caps)[0].tolist()
    [[1, 3, -1]]
    """
    from crm_ml.recommend import selection_kernels

    if k < 1:
        raise InputError(f"top_k: k is {k}; a list has at least one place")
    rows, n = scores.shape
    items = np.full((rows, k), NONE, dtype=np.int64)
    values = np.full((rows, k), -np.inf, dtype=scores.dtype)
    mask = np.atleast_2d(np.ones(n, dtype=np.bool_) if allowed is None else allowed)
    if seen is None:
        starts, columns = np.zeros(rows + 1, dtype=np.int64), np.empty(0, dtype=np.int64)
    else:
        starts, columns = seen.indptr.astype(np.int64), seen.indices.astype(np.int64)
    rows_of = (np.ascontiguousarray(scores), starts, columns, mask)
    if caps is None:
        selection_kernels.best(*rows_of, items, values)
    else:
        selection_kernels.best_within_caps(*rows_of, caps.category, caps.most, items, values)
    return items, values


def extend(
    items: Ints,
    order: Floats,
    seen: "csr_array | None" = None,
    allowed: Mask | None = None,
    caps: Caps | None = None,
    most: int | None = None,
) -> Mask:
    """Fill the free places of lists, in place, from another ranking of items.

    Parameters
    ----------
    items : numpy.ndarray of int64, shape (b, k)
        As `top_k` gave under the same rules.
    order : numpy.ndarray, shape (b, n)
        Scores of the other order; minus infinity leaves an item out.
    seen, allowed, caps
        As in `top_k`.
    most : int, optional
        Places of a list that are filled; all without it.

    Returns
    -------
    numpy.ndarray of bool, shape (b, k)
        Places that were filled.

    Examples
    --------
    >>> lists = np.array([[2, -1, -1]])
    >>> extend(lists, np.array([[0.1, 0.3, 0.2, -np.inf]])).tolist(), lists.tolist()
    ([[False, True, True]], [[2, 1, 0]])
    """
    filled = np.zeros(items.shape, dtype=np.bool_)
    rows = np.flatnonzero((items == NONE).any(axis=1))
    if not len(rows):
        return filled
    chosen = items[rows]
    row, column = np.nonzero(chosen != NONE)
    ranked = np.array(order[rows], dtype=np.float64)
    ranked[row, chosen[row, column]] = np.inf
    mask = allowed if allowed is None or allowed.ndim == 1 else allowed[rows]
    candidates, values = top_k(ranked, items.shape[1], None if seen is None else seen[rows], mask, caps)
    usable, free = np.isfinite(values), chosen == NONE
    if most is not None:
        usable &= np.cumsum(usable, axis=1) <= most
    count = np.minimum(usable.sum(axis=1), free.sum(axis=1))[:, None]
    place = free & (np.cumsum(free, axis=1) <= count)
    chosen[place] = candidates[usable & (np.cumsum(usable, axis=1) <= count)]
    items[rows], filled[rows] = chosen, place
    return filled

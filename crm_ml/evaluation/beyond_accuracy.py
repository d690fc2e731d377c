"""What lists offer beyond hits: surprise, variety within a list, and hits beyond what everybody buys.

References
----------
.. [1] Castells, Hurley and Vargas (2015). Novelty and diversity in recommender systems. Recommender Systems
   Handbook, section 26.3.
.. [2] Ge, Delgado-Battenfeld and Jannach (2010). Beyond accuracy: evaluating recommender systems by coverage
   and serendipity. RecSys.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.recommendation import NONE, judge_lists

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def serendipity(
    items: npt.ArrayLike, relevant: "csr_array", popularity: npt.ArrayLike, k: int = 10
) -> Floats:
    """Return how far the hits of each list stand above their place among what is popular, shape (n,).

    Parameters
    ----------
    items, relevant, k
        As `crm_ml.evaluation.recommendation.judge_lists` takes them.
    popularity : array-like of float, shape (n_items,)
        Events of each item before the lists were made.

    Raises
    ------
    InputError
        As `judge_lists`, or if popularity has another length.

    Notes
    -----
    ``sum_i max(p(i) - pu(i), 0) rel(i) / k`` over the places, [2]_ of the module as RecTools has it: p and pu
    fall by one item a rank from 1, of the place in the list and of the popularity, where equal counts are one
    rank; pu is 0 for an item without events.
    """
    judge_lists(items, relevant, k)  # refuses what can't be judged
    events, lists = as_floats("popularity", popularity), np.asarray(items, dtype=np.int64)[:, :k]
    if events.shape != (relevant.shape[1],):
        raise InputError(
            f"popularity has shape {events.shape}; it must have one value for each of "
            f"{relevant.shape[1]:,} items"
        )
    ranks = np.unique(-events, return_inverse=True)[1] + 1
    count = len(events)
    of_anyone = np.where(events > 0, (count + 1 - ranks) / count, 0.0)
    of_place = (count + 1 - np.arange(1, lists.shape[1] + 1)) / count
    rows = np.broadcast_to(np.arange(len(lists))[:, None], lists.shape)
    known = lists != NONE
    hits = np.zeros(lists.shape)
    hits[known] = relevant.tocsr()[rows[known], lists[known]] > 0
    gained = np.maximum(of_place - np.where(known, of_anyone[lists], 0.0), 0.0)
    return np.asarray((gained * hits).sum(axis=1) / k)


def list_distance(items: npt.ArrayLike, features: npt.ArrayLike, k: int = 10) -> Floats:
    """Return the mean distance of two items of each list, shape (n,); NaN with fewer than two.

    Parameters
    ----------
    items : array-like of int, shape (n, m)
        Index of the item at each place, -1 for an empty place.
    features : array-like, shape (n_items, d)
        Numbers: the distance is 1 less the cosine, 1 to a row of zeros. Others, such as category, brand and
        colour: the share of columns that differ (Hamming).
    k : int

    Raises
    ------
    InputError
        If `features` has not two dimensions, or a list has an item beyond its rows.

    Notes
    -----
    Intra-list distance, section 26.3.1 of [1]_ of the module.

    Examples
    --------
    >>> list_distance([[0, 1], [0, 2]], [["tea", "red"], ["tea", "blue"], ["milk", "white"]], k=2).tolist()
    [0.5, 1.0]
    """
    lists, table = np.asarray(items, dtype=np.int64)[:, :k], np.asarray(features)
    if table.ndim != 2 or (len(lists) and lists.max(initial=NONE) >= len(table)):
        raise InputError(
            f"features have shape {table.shape}; they must have a row for each of the items, here at least "
            f"{int(lists.max(initial=NONE)) + 1:,}, and a column for each feature"
        )
    numbers = table.dtype.kind in "fiub"
    if numbers:
        table = table.astype(float)
        size = np.linalg.norm(table, axis=1, keepdims=True)
        table = np.divide(table, size, out=np.zeros_like(table), where=size > 0)
    total, pairs = np.zeros(len(lists)), np.zeros(len(lists))
    for one in range(lists.shape[1]):
        for other in range(one):
            both = (lists[:, one] != NONE) & (lists[:, other] != NONE)
            a, b = table[lists[both, one]], table[lists[both, other]]
            total[both] += 1 - (a * b).sum(axis=1) if numbers else (a != b).mean(axis=1)
            pairs += both
    return np.asarray(np.divide(total, pairs, out=np.full(len(lists), np.nan), where=pairs > 0))


def without_the_popular(relevant: "csr_array", spread: float = 1.5, seed: int = 0) -> "csr_array":
    """Return what is relevant, of the most popular items no more than of others, drawn at random.

    A metric of it tells whether lists find more than what everybody buys: judge the rows that are left.

    Parameters
    ----------
    relevant : scipy.sparse.csr_array, shape (n, n_items)
    spread : float
        An item keeps at most the third quartile of the customers an item has, and so many times the distance
        of the quartiles, rounded down (RecTools' ``DebiasConfig``).
    seed : int
    """
    from scipy.sparse import csr_array

    entries = relevant.tocoo()
    row, item = (each[entries.data > 0] for each in (entries.row, entries.col))
    counts = np.bincount(item, minlength=relevant.shape[1])
    low, high = np.quantile(counts[counts > 0], [0.25, 0.75]) if len(item) else (0.0, 0.0)
    most = int(high + spread * (high - low))
    order = np.random.default_rng(seed).permutation(len(item))
    by_item = order[np.argsort(item[order], kind="stable")]
    first = np.cumsum(counts) - counts
    kept = by_item[np.arange(len(item)) - first[item[by_item]] < most]
    return csr_array((np.ones(len(kept)), (row[kept], item[kept])), shape=relevant.shape)

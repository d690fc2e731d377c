"""Ranking metrics of recommended lists, and properties of the lists such as coverage and novelty.

Every metric of a customer uses the first k places of the list; missing places of a shorter list count as
misses. The ideal of NDCG is cut at k (``ideal="k"``) or holds all relevant items (``ideal="all"``).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.replicates import draw_counts
from crm_ml.evaluation.significance import Evaluation, Over

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ideal = Literal["k", "all"]
METRICS = ("ndcg", "recall", "precision", "hit_rate", "mrr", "map")
NONE = -1


def judge_lists(
    items: npt.ArrayLike, relevant: "csr_array", k: int = 10, ideal: Ideal = "k"
) -> dict[str, Floats]:
    """Return each metric of each customer.

    Parameters
    ----------
    items : array-like of int, shape (n, m)
        Index of the item at each place of the list, -1 for an empty place.
    relevant : scipy.sparse.csr_array, shape (n, n_items)
        Above 0 where the item is relevant to the customer; each row has at least one. Entries that are stored
        twice are one, their sum, and stored zeros are none.
    k : int
    ideal : {"k", "all"}

    Returns
    -------
    dict of str to numpy.ndarray, shape (n,)
        ``ndcg``, ``recall`` (of all relevant items), ``precision`` (of k), ``hit_rate``, ``mrr``, ``map``
        (divided by the smaller of k and the number of relevant items).

    Raises
    ------
    InputError
        If k is below 1, a customer has no relevant item, a list repeats an item or has one beyond the
        columns of `relevant`, or shapes differ.

    References
    ----------
    .. [1] Järvelin and Kekäläinen (2002). Cumulated gain-based evaluation of IR techniques. ACM TOIS 20.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> metrics = judge_lists([[2, 0, 1]], csr_array(np.array([[1, 0, 1, 1]])), k=2)
    >>> float(metrics["ndcg"][0]), float(metrics["recall"][0]).__round__(2)
    (1.0, 0.67)
    """
    if k < 1:
        raise InputError(f"lists: k is {k}; a list has at least one place")
    lists = np.asarray(items, dtype=np.int64)[:, :k]
    lists = np.pad(lists, ((0, 0), (0, max(0, k - lists.shape[1]))), constant_values=NONE)
    relevant = _above_zero(relevant)
    _check(lists, relevant)
    hits = _hits(lists, relevant)
    wanted = np.diff(relevant.indptr)
    gains = 1 / np.log2(np.arange(2, max(k, int(wanted.max())) + 2))
    best = np.append(0, np.cumsum(gains))[np.minimum(wanted, k) if ideal == "k" else wanted]
    places = np.arange(1, k + 1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)
    precision = np.cumsum(hits, axis=1) / places
    return {
        "ndcg": (hits * gains[:k]).sum(axis=1) / best,
        "recall": hits.sum(axis=1) / wanted,
        "precision": hits.sum(axis=1) / k,
        "hit_rate": hits.any(axis=1).astype(float),
        "mrr": 1 / first,
        "map": (precision * hits).sum(axis=1) / np.minimum(wanted, k),
    }


def evaluate_lists(
    customer_id: npt.ArrayLike,
    judged: Mapping[str, Mapping[str, Floats]],
    rng: np.random.Generator,
    replicates: int = 1000,
    metrics: Sequence[str] = METRICS,
) -> Evaluation:
    """Return mean metrics with bootstrap replicates of whole customers, shared by all models.

    Parameters
    ----------
    customer_id : array-like of str, shape (n,)
        A customer may be in several rows, such as several test days.
    judged : mapping of str to mapping of str to numpy.ndarray, shape (n,)
        Of `judge_lists`, by model and metric.
    rng : numpy.random.Generator
    replicates : int
    metrics : sequence of str

    Returns
    -------
    Evaluation
        In the view ``"pooled"``.

    Raises
    ------
    InputError
        If a model lacks a metric, or lengths differ.
    """
    ids, customer = np.unique(np.asarray(customer_id, dtype=str), return_inverse=True)
    counts = draw_counts(rng, len(ids), replicates).astype(float)
    replicated: dict[tuple[str, str, Over], Floats] = {}
    weight = counts @ np.bincount(customer, minlength=len(ids))
    for model, values in judged.items():
        missing = [name for name in metrics if name not in values or len(values[name]) != len(customer)]
        if missing:
            raise InputError(f"lists of {model}: no {', '.join(missing)} for each of {len(customer):,} rows")
        for name in metrics:
            sums = counts @ np.bincount(customer, values[name], minlength=len(ids))
            replicated[model, name, "pooled"] = sums / weight
    return Evaluation(replicated, tuple(judged), tuple(metrics), customers=len(ids))


def describe_lists(
    items: npt.ArrayLike, popularity: npt.ArrayLike, category: npt.ArrayLike, k: int = 10
) -> dict[str, float]:
    """Return properties of lists other than their accuracy.

    Parameters
    ----------
    items : array-like of int, shape (n, m)
    popularity : array-like of float, shape (n_items,)
        Events of each item before the lists were made.
    category : array-like, shape (n_items,)
    k : int

    Returns
    -------
    dict of str to float
        ``coverage``: share of items that are in any list. ``novelty``: mean ``-log2`` of an item's share of
        events. ``categories``: mean share of distinct categories among the places of a list.
        ``popularity_bias``: share of places taken by the most popular decile of items; of items as popular
        as the last one of it, each counts by the share of them that it has room for.

    References
    ----------
    .. [1] Castells, Hurley and Vargas (2015). Novelty and diversity in recommender systems. Recommender
       Systems Handbook, sections 26.2 and 26.3.
    """
    lists, events = np.asarray(items, dtype=np.int64)[:, :k], np.asarray(popularity, dtype=float)
    taken = lists[lists != NONE]
    share = np.maximum(events, 0.5) / np.maximum(events, 0.5).sum()
    names = np.unique(np.asarray(category).astype(str), return_inverse=True)[1]
    different = [len(set(names[row[row != NONE]])) / max(1, (row != NONE).sum()) for row in lists]
    return {
        "coverage": len(np.unique(taken)) / len(events),
        "novelty": float(-np.log2(share[taken]).mean()),
        "categories": float(np.mean(different)),
        "popularity_bias": float(_top_decile(events)[taken].mean()),
    }


def _top_decile(events: Floats) -> Floats:
    """Return how far each item belongs to the most popular decile: 1, 0, or a share of the last ties."""
    room = max(1, len(events) // 10)
    least = np.sort(events)[-room]
    above, same = events > least, events == least
    return np.asarray(np.where(same, (room - above.sum()) / same.sum(), above.astype(float)))


def _above_zero(relevant: "csr_array") -> "csr_array":
    clean = relevant.copy()
    clean.sum_duplicates()
    clean.data = (clean.data > 0).astype(np.int8)
    clean.eliminate_zeros()
    return clean


def _check(lists: npt.NDArray[np.int64], relevant: "csr_array") -> None:
    empty = int((np.diff(relevant.indptr) == 0).sum()) if relevant.shape[0] == len(lists) else 0
    ordered = np.sort(lists, axis=1)
    twice = int((((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NONE)).any(axis=1)).sum())
    breaches = (
        [] if relevant.shape[0] == len(lists) else [f"{len(lists):,} lists, {relevant.shape[0]:,} customers"]
    )
    breaches += [f"{empty:,} customers have no relevant item; leave them out"] if empty else []
    beyond = int(((lists < NONE) | (lists >= relevant.shape[1])).sum())
    breaches += [f"{beyond:,} places hold none of {relevant.shape[1]:,} items"] if beyond else []
    breaches += [f"{twice:,} lists repeat an item"] if twice else []
    if breaches:
        raise InputError(f"lists: {'; '.join(breaches)}")


def _hits(lists: npt.NDArray[np.int64], relevant: "csr_array") -> npt.NDArray[np.bool_]:
    rows = np.repeat(np.arange(len(lists)), lists.shape[1])
    places = lists.ravel()
    hit = np.zeros(len(places), dtype=bool)
    filled = places != NONE
    hit[filled] = np.asarray(relevant[rows[filled], places[filled]]).ravel() > 0
    return hit.reshape(lists.shape)

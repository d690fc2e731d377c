"""Pairs of customers and items that the two heads judge, with the scores of simpler models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.ease import EASE
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.item_knn import ItemKNN
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommender import fitted
from crm_ml.recommend.top_k import NONE, top_k

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK = 256


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs in the order of customers.

    Parameters
    ----------
    rows, items : numpy.ndarray of int, shape (n,)
        Numbers of customers and items.
    scores : mapping of str to numpy.ndarray, shape (n,)
        0 where a model gives none.
    """

    rows: Ints
    items: Ints
    scores: Mapping[str, Floats]

    @staticmethod
    def of(rows: Ints, items: Ints, scores: Mapping[str, Floats]) -> "ScoredPairs":
        """Take pairs from the dense scores of all customers and items by the names of models."""
        values = {name: dense[rows, items] for name, dense in scores.items()}
        return ScoredPairs(
            rows, items, {n: np.where(np.isfinite(part), part, 0.0) for n, part in values.items()}
        )

    @staticmethod
    def join(parts: "Sequence[ScoredPairs]") -> "ScoredPairs":
        """Put pairs of one block of customers after those of another, whose rows count on."""
        rows = [part.rows + number * _BLOCK for number, part in enumerate(parts)]
        scores = {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores}
        return ScoredPairs(np.concatenate(rows), np.concatenate([part.items for part in parts]), scores)


def scored_pairs(
    data: Interactions,
    frequency: "csr_array",
    own: int,
    candidates: int,
    l2: float,
    half_life_days: float,
    memo: Memo,
) -> tuple[ScoredPairs, ScoredPairs]:
    """Return pairs of all customers with items that they had before, and with new candidates.

    Every customer is scored once by each source: an autoencoder, an item-kNN, and what is popular.

    Parameters
    ----------
    data : Interactions
    frequency : scipy.sparse.csr_array, shape (n_customers, n_items)
        By which the items that a customer had are chosen.
    own, candidates : int
        Pairs per customer, and per customer and source.
    l2, half_life_days : float
        Of the sources.
    memo : Memo
    """
    sources = {
        "ease": EASE(l2=l2, half_life_days=half_life_days),
        "knn": ItemKNN(half_life_days=half_life_days / 2, neighbours=200, shrink=20.0),
    }
    models = {name: fitted(source, data, memo=memo) for name, source in sources.items()}
    seen, popularity = models["ease"].seen_, models["ease"].popularity_
    recent = np.bincount(data.item[data.days <= 7], minlength=len(data.items)) + 1e-6 * popularity
    had, new = [], []
    for start in range(0, len(data.customers), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(data.customers)))
        scores = {name: model.scores(block) for name, model in models.items()}
        had.append(_had(frequency[block], scores, own))
        scores["popular"] = np.broadcast_to(recent, (len(block), len(recent)))
        new.append(_new(scores, seen[block], candidates))
    return ScoredPairs.join(had), ScoredPairs.join(new)


def _had(frequency: "csr_array", scores: Mapping[str, Floats], own: int) -> ScoredPairs:
    dense = frequency.toarray()
    best, _ = top_k(np.where(dense > 0, dense, -np.inf), min(own, dense.shape[1]))
    rows, places = np.nonzero(best != NONE)
    return ScoredPairs.of(rows, best[rows, places], scores)


def _new(scores: Mapping[str, Floats], seen: "csr_array", candidates: int) -> ScoredPairs:
    """Return the candidates of all sources, each once, with its place in the list of each."""
    n, places = seen.shape[1], {}
    for name, dense in scores.items():
        best, _ = top_k(dense, min(candidates, n), seen)
        row, place = np.nonzero(best != NONE)
        places[name] = row * n + best[row, place], place
    pairs = np.unique(np.concatenate([keys for keys, _ in places.values()]))
    chosen = ScoredPairs.of(*np.divmod(pairs, n), scores)
    values: dict[str, Floats] = {}
    for name, (keys, place) in places.items():
        in_list = np.full(len(pairs), float(candidates))
        in_list[np.searchsorted(pairs, keys)] = place
        values |= {name: chosen.scores[name], f"{name}_place": in_list}
    return ScoredPairs(chosen.rows, chosen.items, values)

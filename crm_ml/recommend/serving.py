"""Recommendation lists block by block: scores of the model, exploration and fallbacks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from crm_ml.recommend.applied_rules import AppliedRules
from crm_ml.recommend.interactions import Floats, Ids, Ints, index_of, places
from crm_ml.recommend.segment_popularity import SegmentPopularity
from crm_ml.recommend.top_k import NONE, Caps, Mask, extend, top_k

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

SCORES_AT_ONCE = 5_000_000  # 20 to 40 MB
BY_MODEL, EXPLORED, BY_SEGMENT, BY_POPULARITY = range(4)
FALLBACK = "popular, for want of a score"


class Scoring(Protocol):
    """The part of a fitted recommender that lists are made from."""

    gives_probabilities: ClassVar[bool]
    customers_: Ids
    items_: Ids
    seen_: "csr_array"
    popularity_: Floats

    def scores(self, rows: Ints) -> Floats:
        """Return the score of each item for known customers, shape (b, n_items); -inf where there is none."""
        ...

    def reasons(self, rows: Ints, items: Ints) -> list[str]:
        """Return the reason of each pair of customer and item, given by numbers."""
        ...


def block_rows(items: int) -> int:
    """Return how many customers are scored at once; no list depends on it."""
    return max(16, SCORES_AT_ONCE // items)


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of some customers.

    Parameters
    ----------
    customers : numpy.ndarray of str, shape (b,)
    numbers : numpy.ndarray of int, shape (b,)
        Numbers of the customers, -1 for unknown ones.
    items : numpy.ndarray of int, shape (b, k)
        Numbers of items, -1 for an empty place.
    scores : numpy.ndarray, shape (b, k)
        Of the model; NaN where the item has another origin.
    source : numpy.ndarray of int8, shape (b, k)
        Origin of the item: the model, exploration, popularity in the segment or among all customers.
    """

    customers: Ids
    numbers: Ints
    items: Ints
    scores: Floats
    source: "np.ndarray[tuple[int, int], np.dtype[np.int8]]"

    @staticmethod
    def empty(customers: Ids, numbers: Ints, k: int) -> "Lists":
        """Return lists without any item."""
        shape = (len(customers), k)
        items, scores = np.full(shape, NONE, dtype=np.int64), np.full(shape, np.nan)
        return Lists(customers, numbers, items, scores, np.zeros(shape, dtype=np.int8))


@dataclass(frozen=True, eq=False)
class _Rules:
    """Constraints on the lists of a block; see `crm_ml.recommend.top_k.top_k`."""

    seen: "csr_array | None"
    allowed: Mask | None
    caps: Caps | None


@dataclass(frozen=True, eq=False)
class _Draft:
    """Lists that are being filled."""

    lists: Lists
    rules: _Rules

    def fill(self, name: int, order: Floats, width: int, most: int | None = None) -> None:
        """Fill free places among the first ones by an order of items."""
        items, rules = self.lists.items[:, :width], self.rules
        filled = extend(items, order, rules.seen, rules.allowed, rules.caps, most)
        self.lists.source[:, :width][filled] = name
        if name == BY_MODEL:
            scores = np.take_along_axis(order, np.maximum(items, 0), axis=1)
            self.lists.scores[:, :width][filled] = scores[filled]

    def begin(self, order: Floats, width: int) -> None:
        """Fill the first places of empty lists by the scores of the model."""
        rules = self.rules
        items, scores = top_k(order, width, rules.seen, rules.allowed, rules.caps)
        self.lists.items[:, :width] = items
        self.lists.scores[:, :width] = np.where(items == NONE, np.nan, scores)


@dataclass(frozen=True, eq=False)
class Serving:
    """A model with the constraints on its lists.

    Parameters
    ----------
    model : Scoring
    k : int
    exclude_seen : bool
    allowed : numpy.ndarray of bool, shape (n,), optional
        Items that may be recommended at all, cold ones last.
    bound : AppliedRules, optional
    """

    model: Scoring
    k: int
    exclude_seen: bool
    allowed: Mask | None
    bound: AppliedRules | None

    @property
    def items(self) -> Ids:
        """Ids by the numbers of lists."""
        return self.model.items_ if self.bound is None else self.bound.items

    def blocks(self, wanted: Ids) -> Iterator[Lists]:
        """Yield the lists of customers, block by block."""
        rows = block_rows(len(self.items))
        for start in range(0, len(wanted), rows):
            yield self._block(wanted[start : start + rows])

    def table(self, lists: Lists) -> "pd.DataFrame":
        """Return lists as rows with reasons; see `Recommender.recommend`."""
        import pandas as pd

        filled = lists.items != NONE
        place, rank = np.nonzero(filled)
        return pd.DataFrame(
            {
                "customer_id": lists.customers[place],
                "rank": rank + 1,
                "item_id": self.items[lists.items[filled]],
                "score": lists.scores[filled],
                "reason": self.reasons(lists),
            }
        )

    def _block(self, wanted: Ids) -> Lists:
        numbers = places(self._customers, wanted)
        ages = self._ages(numbers)
        caps = None if self.bound is None else self.bound.caps
        rules = _Rules(ages if self.exclude_seen else None, self._allowed(wanted, ages), caps)
        draft = _Draft(Lists.empty(wanted, numbers, self.k), rules)
        scores, exploring = self._scores(numbers), 0 if self.bound is None else self.bound.exploring
        main = self.k - exploring
        draft.begin(scores, main)
        for name, order in self._fallbacks(wanted, scores):
            draft.fill(name, order, main)
        if exploring:
            draft.fill(EXPLORED, self._explored(scores), self.k, exploring)
            draft.fill(BY_MODEL, scores, self.k)
            for name, order in self._fallbacks(wanted, scores):
                draft.fill(name, order, self.k)
            draft.fill(BY_POPULARITY, np.zeros(scores.shape), self.k)  # what is left are new items
        return draft.lists

    def _fallbacks(self, wanted: Ids, scores: Floats) -> Iterator[tuple[int, Floats]]:
        """Yield the fallback orders for places that the model leaves empty, in turn."""
        if self._popular is not None and self.bound is not None:
            yield BY_SEGMENT, self._wide(self._popular.order(self.bound.segments(wanted)))
        popular = self._wide(self.model.popularity_[None, :])
        yield BY_POPULARITY, np.broadcast_to(popular, scores.shape)

    def _explored(self, scores: Floats) -> Floats:
        assert self.bound is not None and self.bound.cold is not None
        order = np.full(scores.shape, -np.inf)
        fitted = len(self.model.items_)
        order[:, fitted:] = self.bound.cold.scores(scores[:, :fitted])
        return order

    def _scores(self, numbers: Ints) -> Floats:
        known = numbers >= 0
        fitted = self.model.scores(numbers[known])
        if known.all() and fitted.shape[1] == len(self.items):
            return fitted
        scores = np.full((len(numbers), len(self.items)), -np.inf, dtype=fitted.dtype)
        scores[known, : fitted.shape[1]] = fitted
        return scores

    def _ages(self, numbers: Ints) -> "csr_array":
        from scipy.sparse import csr_array

        rows = self._extended[np.where(numbers < 0, len(self.model.customers_), numbers)]
        return csr_array(rows)

    @cached_property
    def _customers(self) -> "pd.Index[Any]":
        return index_of(self.model.customers_)

    @cached_property
    def _extended(self) -> "csr_array":
        """Items seen by each customer, with an empty last row for unknown customers."""
        from scipy.sparse import csr_array

        seen = self.model.seen_
        starts = np.append(seen.indptr, seen.indptr[-1])
        return csr_array((seen.data, seen.indices, starts), shape=(seen.shape[0] + 1, seen.shape[1]))

    def _allowed(self, wanted: Ids, ages: "csr_array") -> Mask | None:
        if self.bound is None:
            return self.allowed
        mask = self.bound.allowed(wanted, ages)
        return mask if self.allowed is None else mask & self.allowed

    @cached_property
    def _popular(self) -> SegmentPopularity | None:
        if self.bound is None or not self.bound.offer.segments:
            return None
        model = self.model
        return SegmentPopularity.of(self.bound.segments(model.customers_), model.seen_, model.popularity_)

    def _wide(self, order: Floats) -> Floats:
        cold = np.full((len(order), len(self.items) - order.shape[1]), -np.inf)
        return np.hstack([order, cold])

    def reasons(self, lists: Lists) -> Ids:
        """Return the reason of each listed item, list by list; empty places are left out."""
        place, rank = np.nonzero(lists.items != NONE)
        items, source = lists.items[place, rank], lists.source[place, rank]
        texts = np.full(len(items), FALLBACK, dtype=object)
        own = np.flatnonzero(source == BY_MODEL)
        if len(own):
            texts[own] = self.model.reasons(lists.numbers[place[own]], items[own])
        if self.bound is None:
            return texts
        segments = self.bound.segments(lists.customers)
        for cell in np.flatnonzero(source == BY_SEGMENT):
            texts[cell] = f"popular in segment {segments[place[cell]]}, for want of a score"
        for cell in np.flatnonzero(items >= len(self.model.items_)):
            texts[cell] = self._reason_of_new(int(items[cell]))
        return texts

    def _reason_of_new(self, item: int) -> str:
        assert self.bound is not None and self.bound.cold is not None
        common = self.bound.cold.shared_labels[item - len(self.model.items_)]
        return f"explores what is new, like others of {common}" if common else "explores what is new"

"""Features of pairs of a customer and an item, at the end of the data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.recommend.history import History
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Reals = npt.NDArray[np.float32]
HALF_LIVES = (10, 30, 60, 120)
WINDOWS = (7, 28, 84)
CUSTOMER = ("days_28", "days_84", "days_365", "last_day", "items", "new_share")
ITEM = ("popular_7", "popular_28", "popular_84", "popular", "buyers", "repeats", "trend")


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Features of customers, items and pairs at the end of `data`.

    Parameters
    ----------
    data : Interactions
    category : numpy.ndarray of int, shape (n_items,)
        Number of each item's category; all zero where there are none.
    """

    data: Interactions
    category: Ints

    def repeats(self, rows: Ints, items: Ints, scores: Mapping[str, Floats]) -> tuple[Reals, list[str]]:
        """Return features of pairs that the customer had before, shape (n, k), and their names."""
        columns = {**self._repeat(rows, items), **self._shared(rows, items), **scores}
        return _stacked(columns.values(), len(rows)), list(columns)

    def new(self, rows: Ints, items: Ints, scores: Mapping[str, Floats]) -> tuple[Reals, list[str]]:
        """Return features of pairs that are new, with the scores of other models by name."""
        columns = {**scores, **self._shared(rows, items)}
        return _stacked(columns.values(), len(rows)), list(columns)

    @property
    def decayed_frequency(self) -> "csr_array":
        """Decayed count of each pair, of the longest half-life."""
        return self._decayed[HALF_LIVES[-1]]

    @cached_property
    def history(self) -> History:
        """History of all pairs."""
        return History.of(self.data)

    def _repeat(self, rows: Ints, items: Ints) -> dict[str, Floats]:
        history, customers, place = self.history, self._of_customers, self._places(rows, items)
        columns = {"count": history.count.data[place]}
        for half_life, decayed in self._decayed.items():
            columns[f"decayed_{half_life}"] = decayed.data[place]
        last, first = history.last.data[place], history.first.data[place]
        times = columns["count"] - 1
        gap = np.divide(first - last, times, out=np.full(len(rows), np.nan), where=times > 0)
        columns |= {"last": last, "first": first, "gap": gap}
        columns["due"] = np.divide(last, gap, out=np.full(len(rows), np.nan), where=gap > 0)
        columns["quantity"] = self._quantity.data[place] / np.maximum(columns["count"], 1)
        for half_life in (30, 120):
            days = customers[f"decayed_days_{half_life}"][rows]
            columns[f"share_{half_life}"] = columns[f"decayed_{half_life}"] / np.maximum(days, 0.1)
        return columns

    def _places(self, rows: Ints, items: Ints) -> Ints:
        """Return where pairs that the customers had stand in the pattern that all matrices share."""
        pattern, n = self.history.count, len(self.data.items)
        return np.searchsorted(_rows(pattern) * n + pattern.indices, rows * n + items)

    def _shared(self, rows: Ints, items: Ints) -> dict[str, Floats]:
        """Return the features of a pair's customer, item and category."""
        customers, of_items = self._of_customers, self._of_items
        columns = {f"customer_{name}": customers[name][rows] for name in CUSTOMER}
        columns |= {f"item_{name}": of_items[name][items] for name in ITEM}
        category = self.category[items]
        decayed, had = self._categories
        columns["category_decayed"] = decayed[rows, category]
        total = np.maximum(decayed.sum(axis=1)[rows], 1e-9)
        columns["category_share"] = columns["category_decayed"] / total
        columns["category_items"] = had[rows, category]
        popular = np.bincount(self.category, self._of_items["popular_84"])
        columns["category_popular"] = of_items["popular_84"][items] / np.maximum(popular[category], 1.0)
        return columns

    @cached_property
    def _decayed(self) -> "dict[int, csr_array]":
        return {half_life: self.data.matrix(np.exp2(-self.data.days / half_life)) for half_life in HALF_LIVES}

    @cached_property
    def _quantity(self) -> "csr_array":
        return self.data.matrix(self.data.quantity)

    @cached_property
    def _of_customers(self) -> dict[str, Floats]:
        data, n = self.data, len(self.data.customers)
        day = data.at // DAY_S
        new = (np.diff(data.customer) != 0) | (np.diff(day) != 0)  # events stand in the order of both
        first = np.flatnonzero(np.append(True, new))
        who, age = data.customer[first], data.ends_at / DAY_S - day[first]
        columns = {
            f"days_{days}": np.bincount(who[age <= days], minlength=n).astype(float) for days in (28, 84, 365)
        }
        last = np.full(n, np.inf)
        np.minimum.at(last, who, age)
        had = np.diff(self.history.count.indptr).astype(float)
        newer = np.bincount(_rows(self.history.first), self.history.first.data <= 28, minlength=n)
        recent = np.bincount(_rows(self.history.last), self.history.last.data <= 28, minlength=n)
        columns |= {"last_day": last, "items": had, "new_share": newer / np.maximum(recent, 1)}
        for half_life in (30, 120):
            columns[f"decayed_days_{half_life}"] = np.bincount(who, np.exp2(-age / half_life), minlength=n)
        return columns

    @cached_property
    def _of_items(self) -> dict[str, Floats]:
        data, n = self.data, len(self.data.items)
        columns = {
            f"popular_{days}": np.bincount(data.item[data.days <= days], minlength=n).astype(float)
            for days in WINDOWS
        }
        columns["popular"] = np.bincount(data.item, minlength=n).astype(float)
        columns["buyers"] = np.bincount(self.history.count.indices, minlength=n).astype(float)
        columns["repeats"] = columns["popular"] / np.maximum(columns["buyers"], 1)
        columns["trend"] = columns["popular_28"] / np.maximum(columns["popular_84"], 1)
        return columns

    @cached_property
    def _categories(self) -> tuple[Floats, Floats]:
        """Decayed events and number of different items of each customer in each category."""
        n, kinds = len(self.data.customers), int(self.category.max()) + 1
        events = self.data.customer * kinds + self.category[self.data.item]
        weight = np.exp2(-self.data.days / 60)
        decayed = np.asarray(np.bincount(events, weight, minlength=n * kinds), dtype=np.float64)
        pattern = self.history.count
        pairs = _rows(pattern) * kinds + self.category[pattern.indices]
        had: Floats = np.bincount(pairs, minlength=n * kinds).astype(float)
        return decayed.reshape(n, kinds), had.reshape(n, kinds)


def _stacked(columns: Collection[Floats], rows: int) -> Reals:
    X = np.empty((rows, len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        X[:, place] = column
    return X


def _rows(matrix: "csr_array") -> Ints:
    """Return the row of each entry of a sparse matrix."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))

"""What every recommender shares: ids, what was seen, the order of items, fallbacks, and its files."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend import files
from crm_ml.recommend.interactions import Floats, Ids, Interactions, Ints, as_interactions, lookup
from crm_ml.recommend.selection import NONE, fill, top_k

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

BLOCK_ROWS = 256  # the same shape for every product, so that no score depends on who stands beside whom
POPULAR_DAYS = 28
FALLBACK = "popular, for want of a score"


@dataclass(kw_only=True, eq=False)
class Recommender(ABC):
    """An order of items for each customer.

    After `fit`: ``customers_`` and ``items_`` (ids in ascending order), ``seen_`` (customers x items, number
    of events) and ``popularity_`` (events of the last 28 days, of all time where there were none).
    """

    customers_: Ids = field(init=False, repr=False)
    items_: Ids = field(init=False, repr=False)
    seen_: "csr_array" = field(init=False, repr=False)
    popularity_: Floats = field(init=False, repr=False)

    def fit(self, interactions: "pd.DataFrame | Interactions") -> Self:
        """Learn from events; earlier fits are forgotten.

        Parameters
        ----------
        interactions : pandas.DataFrame or Interactions
            Columns customer_id, item_id, occurred_at and optionally quantity.

        Raises
        ------
        InputError
            As `crm_ml.recommend.interactions.as_interactions`.
        """
        data = as_interactions(interactions)
        self.customers_, self.items_, self.seen_ = data.customers, data.items, data.matrix()
        recent = np.bincount(data.item[data.days <= POPULAR_DAYS], minlength=len(data.items))
        ever = np.bincount(data.item, minlength=len(data.items))
        self.popularity_ = (recent if recent.any() else ever) + ever / (1.0 + ever.sum())
        self._fit(data)
        return self

    def recommend(
        self,
        customers: npt.ArrayLike,
        k: int = 10,
        exclude_seen: bool = True,
        allowed_items: npt.ArrayLike | None = None,
    ) -> "pd.DataFrame":
        """Return the best items of each customer.

        Parameters
        ----------
        customers : array-like of str
            Each once. Whoever is unknown gets the most popular items.
        k : int
            Items a customer; fewer only where fewer are left to recommend.
        exclude_seen : bool
            Whether items that the customer had before are left out.
        allowed_items : array-like of str, optional
            Items that may be recommended; all without it.

        Returns
        -------
        pandas.DataFrame
            Columns customer_id, rank (from 1), item_id, score, reason; in the order of `customers` and rank.
            Items without a score of the model fill the rest by popularity, with score NaN and a reason that
            says so.

        Raises
        ------
        InputError
            If nothing is fitted, k is below 1, a customer is missing or stands twice, or no allowed item is
            known.
        """
        import pandas as pd

        found, values = self.top(customers, k, exclude_seen, allowed_items)
        wanted = np.array([str(one) for one in np.asarray(customers, dtype=object).ravel()], dtype=object)
        ids, items, scores = np.repeat(wanted, k), found.ravel(), values.ravel()
        kept = items != NONE
        rows = np.repeat(lookup(self.customers_, wanted), k)
        table = pd.DataFrame(
            {
                "customer_id": ids[kept],
                "rank": np.tile(np.arange(1, k + 1), len(wanted))[kept],
                "item_id": self.items_[items[kept]],
                "score": scores[kept],
            }
        )
        table["reason"] = self._told(rows[kept], items[kept], scores[kept])
        return table

    def top(
        self,
        customers: npt.ArrayLike,
        k: int = 10,
        exclude_seen: bool = True,
        allowed_items: npt.ArrayLike | None = None,
    ) -> tuple[Ints, Floats]:
        """Return what `recommend` does as numbers of items (-1 for none) and scores, shape (n, k)."""
        wanted = self._wanted(customers, k)
        allowed = self._allowed(allowed_items)
        parts = list(self._blocks(wanted, k, exclude_seen, allowed))
        items, scores = (np.concatenate([part[number] for part in parts]) for number in (0, 1))
        return items, scores

    def scores(self, rows: Ints) -> Floats:
        """Return the score of each item for known customers, shape (b, n_items); -inf where there is none."""
        self._check_fitted()
        return self._scores(rows)

    def reasons(self, rows: Ints, items: Ints) -> list[str]:
        """Say why each item is recommended to the customer of the same place, by numbers."""
        return self._reasons(rows, items)

    @abstractmethod
    def _fit(self, data: Interactions) -> None: ...

    @abstractmethod
    def _scores(self, rows: Ints) -> Floats: ...

    @abstractmethod
    def _reasons(self, rows: Ints, items: Ints) -> list[str]: ...

    @abstractmethod
    def _arrays(self) -> Mapping[str, Any]:
        """Return what was learned: arrays and sparse matrices by name."""

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        """Take back what `_arrays` gave."""
        for name, value in arrays.items():
            setattr(self, name, value)

    def save(self, folder: Path) -> None:
        """Write parameters and arrays into an existing folder."""
        self._check_fitted()
        shared = {"customers": self.customers_, "items": self.items_, "popularity": self.popularity_}
        files.write(folder, self.parameters, {**shared, "seen": self.seen_, **self._arrays()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; check its manifest before."""
        parameters, arrays = files.read(folder)
        found = cls(**parameters)
        for name in ("customers", "items", "popularity", "seen"):
            setattr(found, f"{name}_", arrays.pop(name))
        found._restore(arrays)
        return found

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init}

    def _check_fitted(self) -> None:
        if not hasattr(self, "customers_"):
            raise InputError(f"{type(self).__name__} is not fitted; call fit first")

    def _wanted(self, customers: npt.ArrayLike, k: int) -> Ids:
        import pandas as pd

        self._check_fitted()
        wanted = np.asarray(customers, dtype=object).ravel()
        missing, twice = int(pd.isna(wanted).sum()), int(pd.Series(wanted).duplicated().sum())
        breaches = [f"k is {k}; give at least 1"] if k < 1 else []
        breaches += [f"{missing:,} of {len(wanted):,} customers are missing"] if missing else []
        breaches += [f"{twice:,} of {len(wanted):,} customers stand more than once"] if twice else []
        breaches += [] if len(wanted) else ["there is no customer"]
        if breaches:
            raise InputError(f"recommend: {'; '.join(breaches)}")
        return np.array([str(one) for one in wanted], dtype=object)

    def _allowed(self, allowed_items: npt.ArrayLike | None) -> npt.NDArray[np.bool_] | None:
        if allowed_items is None:
            return None
        given = np.asarray(allowed_items, dtype=object)
        found = lookup(self.items_, given)
        if not (found >= 0).any():
            raise InputError(
                f"allowed_items: none of {len(given):,} is among {len(self.items_):,} items that were fitted"
            )
        mask = np.zeros(len(self.items_), dtype=bool)
        mask[found[found >= 0]] = True
        return mask

    def _blocks(
        self, wanted: Ids, k: int, exclude_seen: bool, allowed: npt.NDArray[np.bool_] | None
    ) -> Iterator[tuple[Ints, Floats]]:
        numbers = lookup(self.customers_, wanted)
        for start in range(0, len(numbers), BLOCK_ROWS):
            block = numbers[start : start + BLOCK_ROWS]
            yield self._block(block, k, exclude_seen, allowed)

    def _block(
        self, block: Ints, k: int, exclude_seen: bool, allowed: npt.NDArray[np.bool_] | None
    ) -> tuple[Ints, Floats]:
        known = block >= 0
        scores = np.full((len(block), len(self.items_)), -np.inf)
        if known.any():
            padded = np.zeros(BLOCK_ROWS, dtype=np.int64)
            padded[: known.sum()] = block[known]
            scores[known] = self._scores(padded)[: known.sum()]
        seen = self._seen(block) if exclude_seen else None
        items, values = top_k(scores, k, seen, allowed)
        fill(items, values, self.popularity_, seen, allowed)
        return items, values

    def _seen(self, block: Ints) -> "csr_array":
        from scipy.sparse import csr_array, vstack

        empty = csr_array((1, len(self.items_)))
        extended = csr_array(vstack([self.seen_, empty], format="csr"))
        return csr_array(extended[np.where(block < 0, len(self.customers_), block)])

    def _told(self, rows: Ints, items: Ints, scores: Floats) -> Sequence[str]:
        told = np.full(len(rows), FALLBACK, dtype=object)
        own = np.flatnonzero(~np.isnan(scores))
        if len(own):
            told[own] = self._reasons(rows[own], items[own])
        return list(told)

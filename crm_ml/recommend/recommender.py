"""The base class of recommenders: ids, seen items, lists with fallbacks, and files."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.estimator import Estimator
from crm_ml.recommend import files
from crm_ml.recommend.applied_rules import AppliedRules
from crm_ml.recommend.array_sizes import check_sizes
from crm_ml.recommend.interactions import (
    CUSTOMER,
    ITEM,
    Floats,
    Ids,
    Interactions,
    Ints,
    as_given,
    as_interactions,
)
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.offer import Offer
from crm_ml.recommend.refreshing import Before
from crm_ml.recommend.serving import Serving
from crm_ml.recommend.top_k import Mask
from crm_ml.storage.identity import identity
from crm_ml.tables.column_kinds import as_ids, level_name
from crm_ml.tables.part_file import AnotherVersion

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

POPULAR_DAYS = 28
_INTEGERS = "integers"
_SHARED = ("customers", "items", "popularity", "seen", "learned_from")


@dataclass(kw_only=True, eq=False)
class Recommender(Estimator, ABC):
    """A model that ranks items for each customer.

    After `fit`: ``customers_`` and ``items_`` (ids as texts, in ascending order), ``seen_`` (customers x
    items, days since the last event), ``popularity_`` (events of the last 28 days, of all time where there
    were none) and ``integers_`` (whether customers and items had integers as ids, which lists return then).
    """

    gives_probabilities: ClassVar[bool] = False  # whether scores are P(buy within a horizon)
    uses_categories: ClassVar[bool] = False  # whether it learns from the categories of items
    learned_from_: str = field(init=False, repr=False)
    customers_: Ids = field(init=False, repr=False)
    items_: Ids = field(init=False, repr=False)
    seen_: "csr_array" = field(init=False, repr=False)
    popularity_: Floats = field(init=False, repr=False)
    integers_: "npt.NDArray[np.bool_]" = field(init=False, repr=False)

    def fit(
        self,
        interactions: "pd.DataFrame | Interactions",
        categories: Mapping[str, str] | None = None,
        *,
        memo: Memo | None = None,  # noqa: ARG002  (of models that are made of others)
    ) -> Self:
        """Learn from events; earlier fits are forgotten.

        Parameters
        ----------
        interactions : pandas.DataFrame or Interactions
            Columns customer_id, item_id, occurred_at and optionally quantity.
        categories : mapping of str to str, optional
            Category of an item, for models that learn from it.
        memo : Memo, optional
            Parts of earlier fits, which a model takes over where they follow from the same.

        Raises
        ------
        InputError
            As `crm_ml.recommend.interactions.as_interactions`.
        """
        self._fit(self._known(interactions, categories))
        return self

    def refresh(
        self, interactions: "pd.DataFrame | Interactions", categories: Mapping[str, str] | None = None
    ) -> Self:
        """Update the model with later events; what was learned from labels stays as it is.

        Parameters and errors as `fit`; a model without labels is fitted again, but for `EASE` where few
        customers have new items. Where nothing differs from what the model was fitted to, nothing is done.
        """
        self._check_fitted()
        data = as_interactions(interactions)
        if self.learns_from(data, categories) != self.learned_from_:
            before = Before(self.customers_, self.items_)
            self._refresh(self._known(data, categories), before)
        return self

    def learns_from(self, data: Interactions, categories: Mapping[str, str] | None) -> str:
        """Return the sum of what a fit to events would follow from, beside the parameters."""
        return identity([data.content, dict(categories or {}) if self.uses_categories else None])

    def _known(
        self, interactions: "pd.DataFrame | Interactions", categories: Mapping[str, str] | None
    ) -> Interactions:
        """Set the attributes that all models derive from events."""
        data = as_interactions(interactions)
        self._categories = dict(categories or {})
        self.learned_from_ = self.learns_from(data, categories)
        self.customers_, self.items_, self.seen_ = data.customers, data.items, data.ages()
        self.popularity_ = popularity_within(data, POPULAR_DAYS)
        self.integers_ = np.array([data.integer_customers, data.integer_items])
        return data

    def recommend(
        self,
        customers: npt.ArrayLike,
        k: int = 10,
        exclude_seen: bool = True,
        allowed_items: npt.ArrayLike | None = None,
        offer: Offer | None = None,
    ) -> "pd.DataFrame":
        """Return the best items of each customer.

        Parameters
        ----------
        customers : array-like of str
            Each once; 7, 7.0 and "7" are one id. Unknown customers get the most popular items, of their
            segment where they have one.
        k : int
            Items per customer; fewer only where fewer are left to recommend.
        exclude_seen : bool
            Whether items that the customer bought before are left out.
        allowed_items : array-like of str, optional
            Items that may be recommended; all without it. Ids that the model does not know have no effect.
        offer : Offer, optional
            Rules, the catalogue and segments.

        Returns
        -------
        pandas.DataFrame
            Columns customer_id, rank (from 1), item_id, score, reason; in the order of `customers` and rank.
            A list is shorter than k only where no more items may be recommended. Items without a score of the
            model fill the rest by popularity, with score NaN and a reason that says so; so do those that are
            explored.

        Raises
        ------
        InputError
            If nothing is fitted, k is below 1, a customer is missing or stands twice, no allowed item is
            known, or exploration would take the whole list.
        """
        import pandas as pd

        serving = self.serving(k, exclude_seen, allowed_items, offer)
        wanted = self._wanted(customers, k)
        table = pd.concat([serving.table(lists) for lists in serving.blocks(wanted)], ignore_index=True)
        for column, integers in zip((CUSTOMER, ITEM), self.integers_, strict=True):
            table[column] = as_given(table[column].to_numpy(), bool(integers))
        return table

    def top(self, customers: npt.ArrayLike, k: int = 10, exclude_seen: bool = True) -> tuple[Ints, Floats]:
        """Return the lists of `recommend` as item numbers (-1 for none) and scores, shape (n, k)."""
        wanted = self._wanted(customers, k)
        parts = list(self.serving(k, exclude_seen).blocks(wanted))
        return np.concatenate([lists.items for lists in parts]), np.concatenate(
            [lists.scores for lists in parts]
        )

    def serving(
        self,
        k: int = 10,
        exclude_seen: bool = True,
        allowed_items: npt.ArrayLike | None = None,
        offer: Offer | None = None,
    ) -> Serving:
        """Return an object that makes lists block by block; parameters and errors as `recommend`."""
        self._check_fitted()
        bound = None if offer is None else AppliedRules.of(offer, self.items_, k)
        items = self.items_ if bound is None else bound.items
        return Serving(self, k, exclude_seen, _allowed(items, allowed_items), bound)

    def scores(self, rows: Ints) -> Floats:
        """Return the score of each item for known customers, shape (b, n_items); -inf where there is none."""
        self._check_fitted()
        return self._scores(rows)

    def number_of(self, item_id: str | int) -> int:
        """Return the number of an item.

        Raises
        ------
        InputError
            If it is unknown.
        """
        self._check_fitted()
        places = np.flatnonzero(self.items_ == level_name(item_id))
        if not len(places):
            raise InputError(f"item {item_id!r} is none of the {len(self.items_):,} items that were fitted")
        return int(places[0])

    def customer_number_of(self, customer_id: str | int) -> int:
        """Return the number of a customer; raises as `number_of`."""
        self._check_fitted()
        places = np.flatnonzero(self.customers_ == level_name(customer_id))
        if not len(places):
            raise InputError(
                f"the customer is none of the {len(self.customers_):,} customers that were fitted"
            )
        return int(places[0])

    def item_ids(self, numbers: Ints) -> npt.NDArray[Any]:
        """Return the ids of items as they were given, texts or integers."""
        return as_given(self.items_[numbers], bool(self.integers_[1]))

    def customer_ids(self, numbers: Ints) -> npt.NDArray[Any]:
        """Return the ids of customers as they were given, texts or integers."""
        return as_given(self.customers_[numbers], bool(self.integers_[0]))

    def _items_with(self, numbers: Ints, weights: Floats) -> list[tuple[Any, float]]:
        return list(zip(self.item_ids(numbers).tolist(), weights.tolist(), strict=True))

    def _customers_with(self, numbers: Ints, weights: Floats) -> list[tuple[Any, float]]:
        return list(zip(self.customer_ids(numbers).tolist(), weights.tolist(), strict=True))

    def reasons(self, rows: Ints, items: Ints) -> list[str]:
        """Return the reason of each pair of customer and item, given by numbers."""
        return self._reasons(rows, items)

    @abstractmethod
    def _fit(self, data: Interactions) -> None: ...

    def _refresh(self, data: Interactions, before: Before) -> None:  # noqa: ARG002  (of those that go on)
        self._fit(data)

    @abstractmethod
    def _scores(self, rows: Ints) -> Floats: ...

    @abstractmethod
    def _reasons(self, rows: Ints, items: Ints) -> list[str]: ...

    @abstractmethod
    def _arrays(self) -> Mapping[str, Any]:
        """Return the fitted state: arrays, sparse matrices and texts by name."""

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        """Restore the fitted state from `_arrays`."""
        for name, value in arrays.items():
            setattr(self, name, value)

    def save(self, folder: Path) -> None:
        """Write parameters, but for the number of threads, and arrays into an existing folder."""
        self._check_fitted()
        parameters = {name: value for name, value in self.parameters.items() if name != "num_threads"}
        shared = {name: getattr(self, f"{name}_") for name in (*_SHARED, _INTEGERS)}
        files.write(folder, parameters, {**shared, **self._arrays()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; check its manifest before.

        Raises
        ------
        InputError
            If an earlier version wrote it.
        """
        parameters, arrays = files.read(folder, cls)
        model = cls(**parameters)
        missing = [name for name in _SHARED if name not in arrays]
        if missing:
            raise AnotherVersion(
                f"{folder}: it has no {', '.join(missing)}: of another version; train it again"
            )
        check_sizes(folder, arrays)
        for name in _SHARED:
            setattr(model, f"{name}_", arrays.pop(name))
        model.integers_ = arrays.pop(_INTEGERS, np.zeros(2, dtype=np.bool_))  # none in an earlier version
        model._restore(arrays)
        return model

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""
        return {parameter.name: getattr(self, parameter.name) for parameter in fields(self) if parameter.init}

    def _check_fitted(self) -> None:
        if not hasattr(self, "customers_"):
            raise self._not_fitted()

    def _wanted(self, customers: npt.ArrayLike, k: int) -> Ids:
        import pandas as pd

        self._check_fitted()
        wanted = as_ids(customers)
        missing, twice = int(pd.isna(wanted).sum()), int(pd.Series(wanted).duplicated().sum())
        breaches = [f"k is {k}; give at least 1"] if k < 1 else []
        breaches += [f"{missing:,} of {len(wanted):,} customers are missing"] if missing else []
        breaches += [f"{twice:,} of {len(wanted):,} customers stand more than once"] if twice else []
        breaches += [] if len(wanted) else ["there is no customer"]
        if breaches:
            raise InputError(f"recommend: {'; '.join(breaches)}")
        return wanted


def popularity_within(data: Interactions, days: float) -> Floats:
    """Return the events of each item within some days, of all time where there are none; these break ties."""
    recent = np.bincount(data.item[data.days <= days], minlength=len(data.items))
    ever = np.bincount(data.item, minlength=len(data.items))
    return np.asarray((recent if recent.any() else ever) + ever / (1.0 + ever.sum()))


def fitted(
    model: Recommender,
    data: Interactions,
    categories: Mapping[str, str] | None = None,
    *,
    memo: Memo,
) -> Recommender:
    """Return the model, fitted, or an equal one that was fitted to the same events before."""
    ingredients = [type(model).__qualname__, model.parameters, model.learns_from(data, categories)]
    return memo.once("fit", ingredients, lambda: model.fit(data, categories, memo=memo))


def _allowed(items: Ids, allowed_items: npt.ArrayLike | None) -> Mask | None:
    if allowed_items is None:
        return None
    mask: Mask = np.isin(items.astype(str), as_ids(allowed_items).astype(str))
    if not mask.any():
        raise InputError(
            f"allowed_items: none of {np.size(allowed_items):,} is among {len(items):,} items of the model"
        )
    return mask

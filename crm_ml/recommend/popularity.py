"""The baseline: items with the most recent events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommender import Recommender, popularity_within

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class Popularity(Recommender):
    """Events of an item within some days, of all customers or of those of the same segment.

    Customers without a past get the items in the order of all customers within these days.

    Parameters
    ----------
    days : float
        Length of the window, above 0.
    """

    days: float = 28.0

    def fit(
        self,
        interactions: "pd.DataFrame | Interactions",
        categories: Mapping[str, str] | None = None,
        segments: Mapping[str, str] | None = None,
        *,
        memo: Memo | None = None,
    ) -> Self:
        """Count; see `Recommender.fit`.

        Parameters
        ----------
        interactions : pandas.DataFrame or Interactions
        categories : mapping of str to str, optional
            Not used.
        segments : mapping of str to str, optional
            Segment of a customer. Customers without one get the counts of all customers.
        memo : Memo, optional
            Not used.

        Raises
        ------
        InputError
            If `days` is not above 0, and as `Recommender.fit`.
        """
        if not self.days > 0:
            raise InputError(f"popularity: days is {self.days}; give a number above 0")
        self._segments = {str(customer): str(name) for customer, name in (segments or {}).items()}
        return super().fit(interactions, categories, memo=memo)

    def _fit(self, data: Interactions) -> None:
        names = [self._segments.get(str(customer), "") for customer in data.customers]
        known = sorted(set(names) | {""})
        self.segment_ = np.array([known.index(name) for name in names], dtype=np.int64)
        recent = data.days <= self.days
        counts = np.zeros((len(known), len(data.items)))
        np.add.at(counts, (self.segment_[data.customer[recent]], data.item[recent]), 1.0)
        counts[0] = np.bincount(data.item[recent], minlength=len(data.items))
        self.counts_ = counts
        self.popularity_ = popularity_within(data, self.days)

    def _scores(self, rows: Ints) -> Floats:
        counts: Floats = self.counts_[self.segment_[rows]]
        return np.where(counts > 0, counts, -np.inf)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        counts = self.counts_[self.segment_[rows], items]
        return [f"bought {count:,.0f} times within {self.days:g} days" for count in counts]

    def _arrays(self) -> Mapping[str, Any]:
        segments = np.array(sorted(self._segments.items()), dtype=object).reshape(-1, 2)
        return {"counts_": self.counts_, "segment_": self.segment_, "_segments": segments}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        super()._restore({**arrays, "_segments": dict(arrays["_segments"].tolist())})

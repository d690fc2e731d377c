"""What most customers took lately: the baseline that every other order must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from crm_ml.recommend.interactions import Floats, Interactions, Ints, as_interactions
from crm_ml.recommend.recommender import Recommender

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True, eq=False)
class Popularity(Recommender):
    """Events of an item within some days, of all customers or of those of the same segment.

    Parameters
    ----------
    days : float
        Length of the window.
    """

    days: float = 28.0

    def fit(
        self, interactions: "pd.DataFrame | Interactions", segments: Mapping[str, str] | None = None
    ) -> Self:
        """Count; see `Recommender.fit`.

        Parameters
        ----------
        interactions : pandas.DataFrame or Interactions
        segments : mapping of str to str, optional
            Segment of a customer. Those without one, and all without it, take the counts of everybody.
        """
        data = as_interactions(interactions)
        names = [(segments or {}).get(str(one), "") for one in data.customers]
        self._names = sorted(set(names) | {""})
        self._segment = np.array([self._names.index(name) for name in names], dtype=np.int64)
        return super().fit(data)

    def _fit(self, data: Interactions) -> None:
        recent = data.days <= self.days
        shape = (len(self._names), len(data.items))
        counts = np.zeros(shape)
        np.add.at(counts, (self._segment[data.customer[recent]], data.item[recent]), 1.0)
        counts[0] = np.bincount(data.item[recent], minlength=shape[1])
        self.counts_, self.segment_ = counts, self._segment

    def _scores(self, rows: Ints) -> Floats:
        found: Floats = self.counts_[self.segment_[rows]]
        return np.where(found > 0, found, -np.inf)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        counts = self.counts_[self.segment_[rows], items]
        return [f"bought {count:,.0f} times within {self.days:g} days" for count in counts]

    def _arrays(self) -> Mapping[str, Any]:
        return {"counts_": self.counts_, "segment_": self.segment_}

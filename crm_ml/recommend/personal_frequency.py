"""Repeat purchases: decayed counts of the customer's own events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crm_ml.recommend.history import History
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.recommender import Recommender

_TIE = 1e-9


@dataclass(kw_only=True, eq=False)
class PersonalFrequency(Recommender):
    """``sum 0.5^(age / half_life)`` over the customer's own events of an item, ties by popularity.

    An item that the customer never bought has no score, so this is a model of repeats: recommend with
    ``exclude_seen=False``.

    Parameters
    ----------
    half_life_days : float, optional
        None counts every event alike.

    References
    ----------
    .. [1] Hu, He, Gao and Zhang (2020). Modeling personalized item frequency information for next-basket
       recommendation. SIGIR, section 3.
    """

    half_life_days: float | None = 120.0

    def _fit(self, data: Interactions) -> None:
        half_life = np.inf if self.half_life_days is None else self.half_life_days
        self.frequency_ = data.matrix(np.exp2(-data.days / half_life))
        self.history_ = History.of(data)

    def _scores(self, rows: Ints) -> Floats:
        own = self.frequency_[rows].toarray()
        tie = _TIE * self.popularity_ / self.popularity_.max()
        return np.where(own > 0, own + tie, -np.inf)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        return self.history_.texts(rows, items)

    def _arrays(self) -> Mapping[str, Any]:
        return {"frequency_": self.frequency_, **self.history_.arrays}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self.frequency_, self.history_ = arrays["frequency_"], History.from_arrays(arrays)

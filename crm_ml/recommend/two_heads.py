"""Two tasks, two heads, one list: what the customer will buy again, and what for the first time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from crm_ml.errors import InputError
from crm_ml.models.booster_params import check_params
from crm_ml.recommend.head_models import Heads, head_params, more_params, pairs_of
from crm_ml.recommend.history import History
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.memo import Memo
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.refreshing import Before
from crm_ml.recommend.training_windows import NEW, REPEAT, HeadSettings, TrainingWindow, Window

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class TwoHeads(Recommender):
    """P(buy within the horizon) of items that were bought before and of new candidates.

    The repeat head is a boosted classifier of the pairs that a customer bought before. The discovery head is
    LambdaRank on candidates of a linear autoencoder, an item-kNN and popularity, trained on new items only.
    The labels are those of the windows before the end of the data; each head's scores become probabilities by
    an isotonic regression on the newest window, of a model that was not trained on it. One list ranks
    repeats and new items by probability. `fit` needs events that reach back for all windows, with purchases
    in each; `refresh` scores the pairs of later events with the same heads.

    Parameters
    ----------
    horizon_days : int
        Length of the window in which a purchase counts.
    windows : int
        Windows that train, one after the other, the newest of which calibrates.
    own, candidates : int
        Pairs per customer that the repeat head, and each source of the discovery head, scores.
    l2 : float
        Of the autoencoder.
    half_life_days : float
        Weight of events in the autoencoder and the kNN.
    rounds, num_leaves, learning_rate
        Of both heads.
    new_rounds, new_leaves, new_learning_rate : optional
        Of the discovery head, where it has its own; up to 15 leaves without.
    new_truncation, new_min_rows, new_l2
        Truncation level of LambdaRank, rows of a leaf, and penalty of the discovery head.
    params : mapping of str to value
        Further parameters of LightGBM for both heads, see `crm_ml.models.GradientBoosting`.
    new_params : mapping of str to value
        The same for the discovery head alone, beside or in place of those of both.
    seed, num_threads : int
        The number of threads does not change the result.

    References
    ----------
    .. [1] Burges (2010). From RankNet to LambdaRank to LambdaMART: an overview. MSR-TR-2010-82, section 4.
    .. [2] Steck (2019). Embarrassingly shallow autoencoders for sparse data. WWW.
    """

    gives_probabilities: ClassVar[bool] = True
    uses_categories: ClassVar[bool] = True
    horizon_days: int = 28
    windows: int = 4
    own: int = 200
    candidates: int = 60
    l2: float = 500.0
    half_life_days: float = 60.0
    rounds: int = 300
    num_leaves: int = 63
    learning_rate: float = 0.05
    seed: int = 0
    num_threads: int = 2
    new_rounds: int | None = None
    new_leaves: int | None = None
    new_learning_rate: float | None = None
    new_truncation: int = 15
    new_min_rows: int = 200
    new_l2: float = 10.0
    params: Mapping[str, Any] = field(default_factory=dict)
    new_params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = HeadSettings.of(self)
        for head in (REPEAT, NEW):
            check_params(more_params(head, settings), head_params(head, settings))

    def fit(
        self,
        interactions: "pd.DataFrame | Interactions",
        categories: Mapping[str, str] | None = None,
        *,
        memo: Memo | None = None,
    ) -> Self:
        """Learn from events; see `Recommender.fit`.

        Windows, sources and heads that follow from the same are taken from `memo`, which changes no result.
        """
        self._learn(self._known(interactions, categories), Memo() if memo is None else memo)
        return self

    def _fit(self, data: Interactions) -> None:
        self._learn(data, Memo())

    def _learn(self, data: Interactions, memo: Memo) -> None:
        if self.windows < 2:
            raise InputError(f"windows is {self.windows}; give at least 2, one of which calibrates")
        settings = HeadSettings.of(self)
        past = [
            TrainingWindow.before(data, self._categories, settings, number, memo)
            for number in range(self.windows, 0, -1)
        ]
        self.heads_ = Heads.fit(past, settings, memo)
        self._judge(data, memo)

    def _refresh(self, data: Interactions, before: Before) -> None:  # noqa: ARG002
        self._judge(data, Memo())

    def _judge(self, data: Interactions, memo: Memo) -> None:
        now = Window.at_end(data, self._categories, HeadSettings.of(self), memo)
        self.probability_ = pairs_of(now, self.heads_)
        self.history_ = History.of(data)

    def _scores(self, rows: Ints) -> Floats:
        scores = self.probability_[rows].toarray()
        return np.where(scores > 0, scores, -np.inf)

    def probabilities(self) -> "csr_array":
        """Return P(buy) of every scored pair, shape (customers, items)."""
        self._check_fitted()
        return self.probability_

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        texts = self.history_.texts(rows, items)
        p = np.asarray(self.probability_[rows, items]).ravel()
        return [f"{text} (p {value:.3f})" for text, value in zip(texts, p, strict=True)]

    def _arrays(self) -> Mapping[str, Any]:
        return {"probability_": self.probability_, **self.history_.arrays, **self.heads_.arrays}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self.probability_, self.history_ = arrays["probability_"], History.from_arrays(arrays)
        self.heads_ = Heads.from_arrays(arrays)

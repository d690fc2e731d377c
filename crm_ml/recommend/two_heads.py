"""Two tasks, two heads, one list: what the customer will buy again, and what for the first time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.heads import Heads, pairs_of
from crm_ml.recommend.history import History
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.windows import Settings, Window

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class TwoHeads(Recommender):
    """P(buy within the horizon) of what was bought before, and of candidates that are new.

    The repeat head is a boosted classifier of the pairs that a customer had. The discovery head is LambdaRank
    on candidates that a linear autoencoder, an item-kNN and popularity give, trained on new items alone. The
    labels are those of the windows before the end of what is known; each head's scores become probabilities
    by an isotonic regression on the newest window, of a model that had not seen it. One list takes both by
    probability. `fit` needs events that reach back for all windows, with purchases in each; `refresh` judges
    the pairs of later events by the same heads.

    Parameters
    ----------
    horizon_days : int
        Length of the window in which a purchase counts.
    windows : int
        Windows that train, one after the other, the newest of which calibrates.
    own, candidates : int
        Pairs a customer that the repeat head, and each source of the discovery head, judges.
    l2 : float
        Of the autoencoder.
    half_life_days : float
        Weight of events in the autoencoder and the kNN.
    rounds, num_leaves, learning_rate
        Of both heads.
    seed, num_threads : int
        The number of threads does not change the result.

    References
    ----------
    .. [1] Burges (2010). From RankNet to LambdaRank to LambdaMART: an overview. MSR-TR-2010-82, section 4.
    .. [2] Steck (2019). Embarrassingly shallow autoencoders for sparse data. WWW.
    """

    gives_probabilities: ClassVar[bool] = True
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

    def _fit(self, data: Interactions) -> None:
        settings = Settings.of(self, self._categories)
        past = [Window.before(data, settings, number) for number in range(self.windows, 0, -1)]
        if self.windows < 2:
            raise InputError(f"windows is {self.windows}; give at least 2, one of which calibrates")
        earlier = Heads.fit(past[:-1], settings)
        self.heads_ = Heads.fit(past, settings).calibrated(earlier, past[-1])
        self._judge(data, settings)

    def _refresh(self, data: Interactions) -> None:
        self._judge(data, Settings.of(self, self._categories))

    def _judge(self, data: Interactions, settings: Settings) -> None:
        self.probability_ = pairs_of(Window.now(data, settings), self.heads_)
        self.history_ = History.of(data)

    def _scores(self, rows: Ints) -> Floats:
        found = self.probability_[rows].toarray()
        return np.where(found > 0, found, -np.inf)

    def probabilities(self) -> "csr_array":
        """Return P(buy) of every pair that was judged, shape (customers, items)."""
        self._check_fitted()
        return self.probability_

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        told = self.history_.told(rows, items)
        p = np.asarray(self.probability_[rows, items]).ravel()
        return [f"{text} (p {value:.3f})" for text, value in zip(told, p, strict=True)]

    def _arrays(self) -> Mapping[str, Any]:
        return {"probability_": self.probability_, **self.history_.arrays, **self.heads_.arrays}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self.probability_, self.history_ = arrays["probability_"], History.from_arrays(arrays)
        self.heads_ = Heads.from_arrays(arrays)

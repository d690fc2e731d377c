"""EASE: a linear autoencoder with closed form, whose items may not predict themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.score_explanations import contribution_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST = 15_000


@dataclass(kw_only=True, eq=False)
class EASE(Recommender):
    """``score = x B`` with ``B = I - P diag(1 / diag P)``, ``P = (X'X + l2 I)^-1``.

    Parameters
    ----------
    l2 : float
        The larger, the closer to popularity.
    half_life_days : float, optional
        Weight of events by age; None counts whether a customer had an item.

    References
    ----------
    .. [1] Steck (2019). Embarrassingly shallow autoencoders for sparse data. WWW, equation 8.
    """

    l2: float = 500.0
    half_life_days: float | None = None

    def _fit(self, data: Interactions) -> None:
        if len(data.items) > LARGEST:
            raise InputError(
                f"EASE: {len(data.items):,} items need a matrix of {len(data.items) ** 2 * 8 / 1e9:.1f} GB; "
                f"take at most {LARGEST:,}, such as items with more events, or an item-kNN"
            )
        own = data.matrix()
        if self.half_life_days is None:
            own.data = np.ones_like(own.data)
        else:
            own = data.matrix(np.exp2(-data.days / self.half_life_days))
            own.data = np.minimum(own.data, 1.0)
        self.own_, self.weights_ = own, _weights(own, self.l2)

    def _scores(self, rows: Ints) -> Floats:
        return np.asarray(self.own_[rows] @ self.weights_, dtype=np.float64)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        return contribution_texts(self.contributions(rows, items), self.items_)

    def contributions(self, rows: Ints, items: Ints) -> "csr_array":
        """Return the contribution of each item of the customer to the score; rows sum to the scores."""
        return self.own_[rows].multiply(self.weights_.T[items]).tocsr()

    def _arrays(self) -> Mapping[str, Any]:
        return {"own_": self.own_, "weights_": self.weights_}


def _weights(own: "csr_array", l2: float) -> "np.ndarray[Any, np.dtype[np.float32]]":
    from scipy.linalg import lapack
    from threadpoolctl import threadpool_limits

    gram = np.asfortranarray((own.T @ own).toarray(), dtype=np.float32)
    gram[np.diag_indices_from(gram)] += l2
    with threadpool_limits(1, "blas"):  # sums over threads do not repeat
        factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1)
        inverse, _ = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed:
        raise InputError(f"EASE: the items' products can't be inverted with l2 = {l2:g}; take a larger one")
    upper = np.triu(inverse)
    whole = upper + np.triu(upper, 1).T
    weights = np.asarray(whole / -np.diag(whole), dtype=np.float32)
    np.fill_diagonal(weights, 0.0)
    return weights

"""EASE whose items speak for their nearest ones only, for more items than a dense inverse has room for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.neighbours import Neighbours
from crm_ml.recommend.refreshing import items_had
from crm_ml.recommend.sparse_products import dense_product, nearest_items, rows_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class SparseEASE(Neighbours):
    """``score = x B``, where column i of B is zero but for the nearest items of i.

    Each column solves EASE's own problem among these: ``b = argmin |x_i - X_N b|^2 + l2 |b|^2``, so ``b =
    (X_N' X_N + l2 I)^-1 X_N' x_i``, where X says whether a customer had an item. With all items among the
    nearest it is EASE; with fewer it is a sparse approximation, which needs no dense matrix of items.

    Parameters
    ----------
    l2 : float
        The larger, the closer to popularity.
    neighbours : int
        Items by whose events an item is predicted: those of largest cosine.
    shrink : float
        Added to the product of the norms, against cosines of few events.
    half_life_days : float, optional
        Recency weight of the customer's own events in the score; None counts all alike.

    References
    ----------
    .. [1] Steck (2019). Markov random fields for collaborative filtering. NeurIPS, section 3 (sparse
       approximation by neighbourhoods).
    .. [2] Spišák, Bartyzal, Hoskovec, Peška and Tůma (2023). Scalable approximate nonsymmetric autoencoder
       for collaborative filtering. RecSys (a sparse approximate inverse in place of EASE's).
    """

    l2: float = 100.0
    neighbours: int = 200
    shrink: float = 10.0
    half_life_days: float | None = None

    def _fit(self, data: Interactions) -> None:
        if self.l2 <= 0 or self.neighbours < 1:
            raise InputError(
                f"SparseEASE: l2 is {self.l2:g}, neighbours {self.neighbours}; give more of them"
            )
        had = items_had(data)
        self.similar_ = _weights(had, nearest_items(had, self.neighbours, self.shrink), self.l2)
        half_life = np.inf if self.half_life_days is None else self.half_life_days
        self.own_ = data.matrix(np.exp2(-data.days / half_life))
        self.own_.data = np.minimum(self.own_.data, 1.0)

    def _scores(self, rows: Ints) -> Floats:
        return dense_product(self.own_[rows], self.similar_)


def _weights(had: "csr_array", near: "csr_array", l2: float) -> "csr_array":
    """Return B with the pattern of the nearest items in its columns, shape (n_items, n_items)."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import csr_array
    from threadpoolctl import threadpool_limits

    from crm_ml.recommend.sparse_kernels import products_among

    columns, rows = rows_of(had.T.tocsr()), rows_of(had)
    values, place = np.zeros(len(near.indices)), np.full(had.shape[1], -1)
    with threadpool_limits(1, "blas"):
        for item in range(had.shape[1]):
            inside = slice(near.indptr[item], near.indptr[item + 1])
            chosen: npt.NDArray[np.int64] = near.indices[inside].astype(np.int64)
            if not len(chosen):
                continue
            gram, towards = np.zeros((len(chosen), len(chosen))), np.zeros(len(chosen))
            products_among(columns, rows, chosen, item, place, gram, towards)
            gram[np.diag_indices_from(gram)] += l2
            values[inside] = cho_solve(cho_factor(gram, lower=True, check_finite=False), towards)
    return csr_array((values, near.indices, near.indptr), shape=near.shape).T.tocsr()

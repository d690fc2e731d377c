"""EASE: a linear autoencoder with closed form, whose items may not predict themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.ease_refresh import changed, grown
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.nearest import nearest
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.refreshing import Before, items_had
from crm_ml.recommend.score_explanations import contribution_texts
from crm_ml.recommend.sparse_products import dense_product, quadratic_forms

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST = 15_000
_BLOCK = 512
_MOVED_TO_REFIT = 8  # a fit costs less where more than one customer for so many items has moved


@dataclass(kw_only=True, eq=False)
class EASE(Recommender):
    """``score = x B`` with ``B = I - P diag(1 / diag P)``, ``P = (X'X + l2 I)^-1``.

    Where customers are fewer than items, their products are inverted in place of those of items:
    ``P = (I - X' K X) / l2`` with ``K = (X X' + l2 I)^-1``, and the rows of ``X P`` are those of ``K X``.

    `refresh` changes P for the customers who have other items than before, without inverting it again, where
    they are few and there is no half-life; a fit gives the same to single precision.

    Parameters
    ----------
    l2 : float
        The larger, the closer to popularity.
    half_life_days : float, optional
        Weight of events by age; None counts whether a customer had an item.

    References
    ----------
    .. [1] Steck (2019). Embarrassingly shallow autoencoders for sparse data. WWW, equation 8.
    .. [2] Henderson and Searle (1981). On deriving the inverse of a sum of matrices. SIAM Review 23,
       equation 17.
    """

    l2: float = 500.0
    half_life_days: float | None = None
    own_: "csr_array" = field(init=False, repr=False)
    inverse_: "npt.NDArray[np.float32]" = field(init=False, repr=False)

    def _fit(self, data: Interactions) -> None:
        size, name = min((len(data.items), "items"), (len(data.customers), "customers"))
        if size > LARGEST:
            raise InputError(
                f"EASE: {size:,} {name} need a matrix of {size**2 * 8 / 1e9:.1f} GB; "
                f"take at most {LARGEST:,}, such as items with more events, or sparse_ease"
            )
        half_life = np.inf if self.half_life_days is None else self.half_life_days
        own = data.matrix(np.exp2(-data.days / half_life))
        own.data = np.minimum(own.data, 1.0)
        inverse = _inverse(own if _by_customers(own) else own.T.tocsr(), self.l2)
        self._restore({"own_": own, "inverse_": inverse})

    def _refresh(self, data: Interactions, before: Before) -> None:
        earlier = None if self.half_life_days is not None else before.aligned(self.own_, data)
        if earlier is None or _by_customers(self.own_) or len(data.items) > min(len(data.customers), LARGEST):
            self._fit(data)
            return
        places, had = before.item_places(data), items_had(data)
        assert places is not None
        moved = np.flatnonzero(np.diff((had - earlier).tocsr().indptr))
        if len(moved) * _MOVED_TO_REFIT > len(data.items):
            self._fit(data)
            return
        inverse = grown(self.inverse_, places, len(data.items), self.l2)
        if changed(inverse, had[moved], earlier[moved], had, self.l2):
            self._restore({"own_": had, "inverse_": inverse.T})
        else:
            self._fit(data)

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        super()._restore(arrays)
        self._columns = self.own_.T.tocsr()
        if _by_customers(self.own_):
            self._diagonal = (1.0 - quadratic_forms(self._columns, self.inverse_)) / self.l2
        else:
            self._diagonal = np.diag(self.inverse_)

    def _scores(self, rows: Ints) -> Floats:
        own = self.own_[rows]
        if _by_customers(self.own_):
            through_all = dense_product(self._columns, np.ascontiguousarray(self.inverse_[rows].T)).T
        else:
            through_all = dense_product(own, self.inverse_)
        return np.asarray(own.toarray() - through_all / self._diagonal)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        return contribution_texts(self.contributions(rows, items), self.items_)

    def contributions(self, rows: Ints, items: Ints) -> "csr_array":
        """Return the contribution of each item of the customer to the score; rows sum to the scores."""
        from scipy.sparse import vstack

        wanted, place = np.unique(items, return_inverse=True)
        order = np.argsort(place, kind="stable")
        parts = []
        for start in range(0, len(wanted), _BLOCK):
            weights = self.weights(wanted[start : start + _BLOCK]).T
            block = order[slice(*np.searchsorted(place[order], [start, start + _BLOCK]))]
            parts.append(self.own_[rows[block]].multiply(weights[place[block] - start]).tocsr())
        return vstack(parts, format="csr")[np.argsort(order)]

    def weights(self, items: Ints) -> Floats:
        """Return the columns of B of some items, shape (n_items, n)."""
        if _by_customers(self.own_):
            towards = np.ascontiguousarray(dense_product(self._columns[items], self.inverse_).T)
            columns = dense_product(self._columns, towards) / (self.l2 * self._diagonal[items])
        else:
            columns = self.inverse_[:, items] / -self._diagonal[items].astype(np.float64)
        columns[items, np.arange(len(items))] = 0.0
        return columns

    def similar(self, item_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the items that an item speaks most for, with the weight in B.

        Raises
        ------
        InputError
            If the item is unknown.
        """
        number = self.number_of(item_id)
        towards = self.weights(np.array([number]))[:, 0] * self._diagonal[number] / self._diagonal
        order = np.argsort(-towards, kind="stable")[:k]
        order = order[towards[order] > 0]
        return self._items_with(order, towards[order])

    def similar_customers(self, customer_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the customers with the most similar events, with the cosine of both.

        Raises
        ------
        InputError
            If the customer is unknown.
        """
        number = self.customer_number_of(customer_id)
        return self._customers_with(*nearest(self.own_, number, k))

    def _arrays(self) -> Mapping[str, Any]:
        return {"own_": self.own_, "inverse_": self.inverse_}


def _by_customers(own: "csr_array") -> bool:
    return bool(own.shape[0] < own.shape[1])


def _inverse(rows: "csr_array", l2: float) -> npt.NDArray[np.float32]:
    """Return ``(R R' + l2 I)^-1``."""
    from scipy.linalg import lapack
    from threadpoolctl import threadpool_limits

    gram = np.asfortranarray(dense_product(rows, rows.T.tocsr()), dtype=np.float32)
    gram[np.diag_indices_from(gram)] += l2
    with threadpool_limits(1, "blas"):  # sums over threads do not repeat
        factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1)
        inverse, _ = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed:
        raise InputError(f"EASE: the products can't be inverted with l2 = {l2:g}; take a larger one")
    upper = np.triu(inverse)
    return np.ascontiguousarray(upper + np.triu(upper, 1).T)

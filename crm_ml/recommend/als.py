"""Alternating least squares on implicit feedback."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.extras import require
from crm_ml.recommend.interactions import Floats, Interactions, Ints
from crm_ml.recommend.matrix_factorisation import MatrixFactorisation
from crm_ml.recommend.score_explanations import contribution_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class ALS(MatrixFactorisation):
    """``min sum c(u, i) (p(u, i) - x_u . y_i)^2 + l2``, with confidence by the number of events.

    References
    ----------
    .. [1] Hu, Koren and Volinsky (2008). Collaborative filtering for implicit feedback datasets. ICDM,
       equation 3, and section 5 (the contribution of each item to a score).
    """

    own_: "csr_array" = field(init=False, repr=False)

    def contributions(self, rows: Ints, items: Ints) -> "csr_array":
        """Return the contribution of each item of the customer to the score of a pair, shape (n, n_items).

        Parameters
        ----------
        rows, items : numpy.ndarray of int, shape (n,)
            Numbers of customers and items.

        Notes
        -----
        ``y_i' W_u y_j c(u, j)`` with ``W_u = (Y' C_u Y + l2 I)^-1``, section 5 of [1]_. Rows sum to the score
        with the factors of the customer solved for those of the items. The score of a list has the factors of
        the last iteration, which differ by what a further one would change.
        """
        from scipy.sparse import csr_array
        from threadpoolctl import threadpool_limits

        factors = self.item_factors_.astype(np.float64)
        parts: list[tuple[Ints, Ints, Floats]] = [(np.empty(0, int), np.empty(0, int), np.empty(0))] * len(
            rows
        )
        with threadpool_limits(1, "blas"):
            base = factors.T @ factors + self.regularization * np.eye(factors.shape[1])
            order = np.argsort(rows, kind="stable")
            for places in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1) if len(rows) else ():
                customer = int(rows[places[0]])
                own, weight = self._events_of(customer)
                each = self._of_customer(base, factors[own], weight, factors[items[places]])
                for place, values in zip(places, each, strict=True):
                    parts[place] = values
        of_pairs = self.own_[rows]
        values = np.concatenate([np.empty(0), *parts])
        return csr_array((values, of_pairs.indices, of_pairs.indptr), shape=of_pairs.shape)

    def _events_of(self, customer: int) -> tuple[Ints, Floats]:
        inside = slice(self.own_.indptr[customer], self.own_.indptr[customer + 1])
        return self.own_.indices[inside].astype(np.int64), self.own_.data[inside].astype(np.float64)

    def _of_customer(self, base: Floats, own: Floats, weight: Floats, wanted: Floats) -> Floats:
        """Return the contributions of a customer's items to the scores of some items, shape (wanted, own)."""
        system = base + (own * (weight - 1)[:, None]).T @ own
        return np.asarray(np.linalg.solve(system, wanted.T).T @ own.T * weight)

    def _fit(self, data: Interactions) -> None:
        super()._fit(data)
        self.own_ = self._weights(data)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        if not hasattr(self, "own_"):  # of an earlier version
            return super()._reasons(rows, items)
        return contribution_texts(self.contributions(rows, items), self.items_)

    def _arrays(self) -> Mapping[str, Any]:
        own = {"own_": self.own_} if hasattr(self, "own_") else {}  # none of an earlier version
        return {**super()._arrays(), **own}

    def _class(self) -> Any:
        require("implicit.cpu.als", "fitting als")
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares

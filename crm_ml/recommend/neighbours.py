"""The base class of models whose score is a sum over the customer's own items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.recommend.interactions import Floats, Ints
from crm_ml.recommend.nearest import nearest
from crm_ml.recommend.recommender import Recommender
from crm_ml.recommend.score_explanations import contribution_texts
from crm_ml.recommend.sparse_products import dense_product

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(kw_only=True, eq=False)
class Neighbours(Recommender):
    """``score(u, i) = sum_j own(u, j) similar(j, i)`` over the items j of the customer.

    After `fit`: ``own_`` (customers x items) and ``similar_`` (items x items, both sparse).
    """

    own_: "csr_array" = field(init=False, repr=False)
    similar_: "csr_array" = field(init=False, repr=False)

    def similar(self, item_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the items most similar to an item, with their weight.

        Raises
        ------
        InputError
            If the item is unknown.
        """
        row = self.similar_[[self.number_of(item_id)]].tocoo()
        order = np.lexsort((row.coords[1], -row.data))[:k]
        return self._items_with(row.coords[1][order], row.data[order])

    def similar_customers(self, customer_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the customers with the most similar events, with the cosine of both.

        Raises
        ------
        InputError
            If the customer is unknown.
        """
        number = self.customer_number_of(customer_id)
        return self._customers_with(*nearest(self.own_, number, k))

    def contributions(self, rows: Ints, items: Ints) -> "csr_array":
        """Return the contribution of each item of the customer to the score; rows sum to the scores."""
        return self.own_[rows].multiply(self.similar_.T.tocsr()[items]).tocsr()

    def _scores(self, rows: Ints) -> Floats:
        scores = dense_product(self.own_[rows], self.similar_)
        return np.where(scores > 0, scores, -np.inf)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:
        return contribution_texts(self.contributions(rows, items), self.items_)

    def _arrays(self) -> Mapping[str, Any]:
        return {"similar_": self.similar_, "own_": self.own_}

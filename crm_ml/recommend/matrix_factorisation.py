"""Matrix factorisation by the library implicit; the score is the product of customer and item factors."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from crm_ml.recommend.deterministic_matmul import packed, products
from crm_ml.recommend.interactions import Interactions, Ints
from crm_ml.recommend.nearest import nearest
from crm_ml.recommend.recommender import Recommender

if TYPE_CHECKING:
    from scipy.sparse import csr_array

REASON = "bought by customers of a similar past"


@dataclass(kw_only=True, eq=False)
class MatrixFactorisation(Recommender):
    """The base class of ALS and BPR.

    Parameters
    ----------
    factors, iterations : int
    regularization : float
    half_life_days : float, optional
        Weight of events by age; None counts all alike.
    seed : int
    """

    needs: ClassVar[tuple[str, ...]] = ("implicit",)  # libraries of an extra; fitting takes them

    factors: int = 64
    iterations: int = 15
    regularization: float = 0.05
    half_life_days: float | None = None
    seed: int = 0
    customer_factors_: npt.NDArray[np.float32] = field(init=False, repr=False)
    item_factors_: npt.NDArray[np.float32] = field(init=False, repr=False)

    @abstractmethod
    def _class(self) -> Any:
        """Return the class of implicit."""

    def _fit(self, data: Interactions) -> None:
        from threadpoolctl import threadpool_limits

        weights = self._weights(data)
        implementation = self._class()  # imported before the limit, so that it holds for its libraries too
        with threadpool_limits(1, "blas"):
            model = implementation(
                factors=self.factors,
                iterations=self.iterations,
                regularization=self.regularization,
                num_threads=1,  # several do not repeat
                random_state=self.seed,
            )
            model.fit(_as_matrix(weights), show_progress=False)
        factors = {"customer_factors_": model.user_factors, "item_factors_": model.item_factors}
        self._restore({name: np.asarray(part, dtype=np.float32) for name, part in factors.items()})

    def _weights(self, data: Interactions) -> "csr_array":
        """Return the weight of each customer's events of an item, as implicit takes them."""
        half_life = np.inf if self.half_life_days is None else self.half_life_days
        return data.matrix(np.exp2(-data.days / half_life)).astype(np.float32)

    def similar(self, item_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the items whose factors point the same way as an item's, with the cosine of both.

        Raises
        ------
        InputError
            If the item is unknown.
        """
        return self._items_with(*nearest(self.item_factors_, self.number_of(item_id), k))

    def similar_customers(self, customer_id: str | int, k: int = 10) -> list[tuple[Any, float]]:
        """Return the customers whose factors point the same way as a customer's, with the cosine of both.

        Raises
        ------
        InputError
            If the customer is unknown.
        """
        number = self.customer_number_of(customer_id)
        return self._customers_with(*nearest(self.customer_factors_, number, k))

    def _scores(self, rows: Ints) -> npt.NDArray[Any]:
        return products(self.customer_factors_[rows], self._packed)

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        super()._restore(arrays)
        self._packed = packed(self.item_factors_)

    def _reasons(self, rows: Ints, items: Ints) -> list[str]:  # noqa: ARG002  (points say nothing of a pair)
        return [REASON] * len(rows)

    def _arrays(self) -> Mapping[str, Any]:
        return {"customer_factors_": self.customer_factors_, "item_factors_": self.item_factors_}


def _as_matrix(weights: Any) -> Any:
    """Return the older sparse class, which implicit knows."""
    from scipy.sparse import csr_matrix

    return csr_matrix(weights, dtype=np.float32)

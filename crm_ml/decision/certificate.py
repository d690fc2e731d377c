"""How good the allocation of a list is: its bound, its prices, and what simpler ways would have earned."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.greedy_baselines import simple_ways
from crm_ml.allocation.solution import PartedAllocation
from crm_ml.decision.allocation_limits import LIST, ListLimits

COMPARED_ROWS = 200_000
Values = npt.NDArray[np.float64]


class Sampled(Protocol):
    """Values, ids and draws of some customers of a part."""

    @property
    def values(self) -> Values:
        """Values of who is not explored, shape (k, m)."""

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the customers."""

    @property
    def draws(self) -> npt.NDArray[Any]:
        """Draws of the customers, shape (k,)."""


@dataclass(frozen=True)
class Certificate:
    """How good the allocation of a list is.

    Amounts are priorities in cents, which are money where nothing weighs the actions.

    Parameters
    ----------
    value_cents : int
        Sum of the priorities of all rows, explored ones included.
    upper_bound_cents : float
        No list with these explored rows is worth more.
    gap : float
        Part of the bound that is not reached for certain.
    prices_cents : mapping of str to float
        What one more unit of a cap, minimum or budget would be worth; those that do not bind have none.
    list_price_cents : float
        What one more row of the list would be worth.
    compared_cents : mapping of str to int
        What simpler ways earn within the same limits, with the same explored rows.
    compared_customers : int
        On how many customers, those of the smallest draws, with their share of the limits.
    """

    value_cents: int
    upper_bound_cents: float
    gap: float
    prices_cents: Mapping[str, float]
    list_price_cents: float
    compared_cents: Mapping[str, int]
    compared_customers: int

    @property
    def facts(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def certify(
    allocation: PartedAllocation, explored: float, limits: ListLimits, compared: tuple[dict[str, int], int]
) -> Certificate:
    """Say how good an allocation is.

    Parameters
    ----------
    allocation : PartedAllocation
        Of who is not explored.
    explored : float
        Value of the explored rows.
    limits : ListLimits
        What the explored rows leave.
    compared : tuple of dict and int
        See `compared`.
    """
    value, bound = allocation.value + explored, allocation.upper_bound + explored
    budgets = {f"budget {number}": f"budget {budget.name}" for number, budget in enumerate(limits.budgets)}
    prices = {
        budgets.get(name, name.removeprefix("cap of ")): price
        for name, price in allocation.prices.items()
        if price > 0
    }
    return Certificate(
        value_cents=round(value),
        upper_bound_cents=bound,
        gap=max(0.0, (bound - value) / max(abs(bound), 1e-12)),
        prices_cents=prices,
        list_price_cents=prices.get(LIST, 0.0),
        compared_cents=compared[0],
        compared_customers=compared[1],
    )


def compared(
    samples: Sequence[Sampled], n: int, limits: ListLimits, costs: Values, explored: float
) -> tuple[dict[str, int], int]:
    """Return what simpler ways earn on the customers of the smallest draws, and the number of these.

    Parameters
    ----------
    samples : sequence of Sampled
        Of each part; at most `COMPARED_ROWS` in all are compared.
    n : int
        Customers of all parts.
    limits : ListLimits
        What the explored rows leave.
    costs : numpy.ndarray, shape (m,)
    explored : float
        Value of the explored rows.
    """
    values = np.concatenate([sample.values for sample in samples])
    draws = np.concatenate([sample.draws for sample in samples])
    ids = np.array([name for sample in samples for name in sample.ids], dtype=object)
    few = np.lexsort((ids, draws))[:COMPARED_ROWS]
    few = few[np.argsort(ids[few])]
    share = len(few) / max(n, 1)
    earnings = simple_ways(values[few], limits.usage, limits.caps * share, costs)
    return {name: round(earned + share * explored) for name, earned in earnings.items()}, len(few)

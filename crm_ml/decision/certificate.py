"""How good the allocation of a list is: its bound, its prices, and what simpler ways would have earned."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.allocate import Allocation
from crm_ml.allocation.greedy_baselines import simple_ways
from crm_ml.decision.allocation_limits import LIST, ListLimits

COMPARED_ROWS = 200_000
Values = npt.NDArray[np.float64]


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
        On how many customers, evenly spaced, with their share of the limits.
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
    allocation: Allocation, explored: float, values: Values, limits: ListLimits, costs: Values
) -> Certificate:
    """Say how good an allocation is.

    Parameters
    ----------
    allocation : Allocation
        Of who is not explored.
    explored : float
        Value of the explored rows.
    values : numpy.ndarray, shape (n, m)
        Of all open pairs of who is not explored, NaN for the others.
    limits : ListLimits
        What the explored rows leave.
    costs : numpy.ndarray, shape (m,)
    """
    compared = _compared(values, limits, costs, explored)
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


def _compared(
    values: Values, limits: ListLimits, costs: Values, explored: float
) -> tuple[dict[str, int], int]:
    """Return what simpler ways earn, and on how many customers."""
    n = len(values)
    few = np.unique(np.linspace(0, max(n - 1, 0), min(n, COMPARED_ROWS)).astype(np.int64))
    share = len(few) / max(n, 1)
    earnings = simple_ways(np.asarray(values[few]), limits.usage, limits.caps * share, costs)
    return {name: round(earned + share * explored) for name, earned in earnings.items()}, len(few)

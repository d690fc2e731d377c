"""An allocation over parts: resources brought to one scale, searched, dealt to the customers and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from crm_ml.allocation.dealing import ALLOCATED
from crm_ml.allocation.fixed_point import above, power_above
from crm_ml.allocation.problem import Floats, Ints, Problem
from crm_ml.allocation.sample import surveyed
from crm_ml.allocation.search import Search
from crm_ml.allocation.value_parts import ValuePart, ValueParts


@dataclass(frozen=True, eq=False)
class PartedAllocation:
    """Value, bound, prices and use of each resource; the actions of the customers lie in their parts.

    Parameters
    ----------
    value : float
        Sum of the values of all chosen pairs.
    upper_bound : float
        No allocation within the limits has a greater value.
    prices : mapping of str to float
        Value of one more unit of each resource, by its name.
    used, limits : mapping of str to float
        Use and limit of each resource; minimums are negative.
    row_prices : numpy.ndarray, shape (m,)
        Price of one row of each action: of all it uses, except costs that differ between customers.
    """

    value: float
    upper_bound: float
    prices: Mapping[str, float]
    used: Mapping[str, float]
    limits: Mapping[str, float]
    row_prices: Floats

    @property
    def gap(self) -> float:
        """Greatest possible loss against the best allocation, as a share of the upper bound."""
        return max(0.0, (self.upper_bound - self.value) / max(abs(self.upper_bound), 1e-12))


def solved(problem: Problem, parts: ValueParts) -> PartedAllocation:
    """Allocate the actions of all customers, and keep them in the parts.

    Raises
    ------
    InputError
        If the limits can't be met together.
    """
    signed = bool((problem.A < 0).any())
    customers, sample = surveyed(parts, problem.layers, signed)
    of_column = np.append(np.ones(problem.actions), customers.cost_scale)
    unit = _units(problem, sample.typical_costs())
    tightest = _tightest(problem)
    A, b = problem.A * of_column / unit[:, None], problem.b / unit
    scaled = replace(problem, A=A[tightest], b=b[tightest])
    search = Search(scaled, customers, sample.typical(customers))
    rounded = search.run(sample) if customers.n else None
    prices, bound, value, use = np.zeros(len(unit)), Fraction(0), Fraction(0), np.zeros(len(unit))
    if rounded is None:
        parts.map(_Nothing(problem.most))
    else:
        value, bound = search.dealt(rounded), search.bound
        prices[tightest] = rounded.state.prices
        use = problem.A @ (rounded.usage * of_column)
    _check(problem, use)
    return PartedAllocation(
        value=float(value),
        upper_bound=above(bound),
        prices=dict(zip(problem.names, (prices / unit).tolist(), strict=True)),
        used=dict(zip(problem.names, use.tolist(), strict=True)),
        limits=dict(zip(problem.names, problem.b.tolist(), strict=True)),
        row_prices=(problem.A.T @ (prices / unit))[: problem.actions],
    )


@dataclass(frozen=True)
class _Nothing:
    most: int

    def __call__(self, part: ValuePart) -> None:
        part.kept[ALLOCATED] = np.empty((len(part.values), self.most), dtype=np.int16)


def _tightest(problem: Problem) -> Ints:
    """Return the resources, of several with the same use only the one of the least limit."""
    order = np.lexsort((problem.b, *problem.A.T))
    rows = problem.A[order]
    first = np.append(True, (np.diff(rows, axis=0) != 0).any(axis=1)) if len(order) else order
    return np.sort(order[first])


def _units(problem: Problem, typical_costs: Sequence[float]) -> Floats:
    """Return about the use of each resource by one row, a power of two: prices are of the size of values."""
    typical = np.abs(problem.A) * np.append(np.ones(problem.actions), typical_costs)
    return np.array([power_above(row[row > 0].mean()) if (row > 0).any() else 1.0 for row in typical])


def _check(problem: Problem, used: Floats) -> None:
    over = used > problem.b + 1e-6 * np.maximum(1.0, np.abs(problem.b))
    assert not over.any(), f"over: {[problem.names[int(place)] for place in np.flatnonzero(over)]}"

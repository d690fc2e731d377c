"""One pass over customers: the value of the dual, the use of each resource, and its change with prices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from crm_ml.allocation.fixed_point import BITS, above, added, floats, power_above
from crm_ml.allocation.problem import Floats, Ints, Problem
from crm_ml.allocation.value_parts import Array, ValuePart, ValueParts

ACTIONS, MARGIN = "best_actions", "margin"


@dataclass(frozen=True, eq=False)
class Customers:
    """The customers of a problem, and what their amounts are measured by.

    Parameters
    ----------
    parts : ValueParts
    n : int
    largest : float
        Greatest value; greatest amount, where minimums may need values below 0.
    cost_scale : tuple of float
        Of each layer of costs, a power of two that no cost is above.
    """

    parts: ValueParts
    n: int
    largest: float
    cost_scale: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Smooth:
    """The smoothed dual at some prices.

    Parameters
    ----------
    value : float
    gradient : numpy.ndarray, shape (r,)
    hessian : numpy.ndarray, shape (r, r)
    """

    value: float
    gradient: Floats
    hessian: Floats


def smooth(problem: Problem, customers: Customers, prices: Floats, temperature: float) -> Smooth:
    """Return ``D_T(prices) = prices b + sum_i T log sum_j exp(reduced_ij / T)`` with its derivatives.

    The sum over j has the reduced values ``v_ij - prices A usage_ij`` of a customer's actions and 0 for none.
    """
    priced = problem.A.T @ prices
    m = problem.actions
    scale = power_above(customers.largest + float(np.abs(priced).max()) + temperature * math.log(m + 1.0))
    work = _Smoothed(priced, problem.group, problem.most, temperature, scale, customers.cost_scale)
    value, usage, curvature = (added(pairs) for pairs in zip(*customers.parts.map(work), strict=True))
    d = len(priced)
    spread = floats(curvature, 0.25).reshape(d, d) / temperature
    worth = float(floats(value, scale)[0])
    gradient = problem.b - problem.A @ floats(usage, 1.0)
    return Smooth(float(prices @ problem.b) + worth, gradient, problem.A @ spread @ problem.A.T)


@dataclass(frozen=True, eq=False)
class _Smoothed:
    priced: Floats
    group: Ints
    most: int
    temperature: float
    scale: float
    cost_scale: tuple[float, ...]

    def __call__(self, part: ValuePart) -> tuple[Array, Array, Array]:
        from crm_ml.allocation import numba_kernels

        d = len(self.priced)
        value, usage, curvature = (np.zeros((size, 2), dtype=np.int64) for size in (1, d, d * d))
        for _, values, mask, costs in part.chunks(self.cost_scale):
            numba_kernels.smooth(
                values, mask, costs, self.priced, self.group, self.most,
                self.temperature, self.scale, value, usage, curvature,
            )  # fmt: skip
        return value, usage, curvature


@dataclass(frozen=True, eq=False)
class Exact:
    """The best actions at some prices, kept in the parts, and what they come to.

    Parameters
    ----------
    prices : numpy.ndarray, shape (r,)
    bound : Fraction
        Value of the dual, rounded up: no allocation has a greater value.
    value : int
        Value of the actions in whole numbers of 2^-60 times the scale, rounded down.
    usage : numpy.ndarray, shape (m + layers,)
    margins : numpy.ndarray of int
        Customers by the leading bits of their margin: the smallest change of a reduced value that changes
        the customer's actions.
    rates : Rates
    slot : int
        Under which of two names actions and margins are kept.
    """

    prices: Floats
    bound: Fraction
    value: int
    usage: Floats
    margins: Ints
    rates: "Rates"
    slot: int


@dataclass(frozen=True, eq=False)
class Rates:
    """Prices of actions and costs, in whole numbers of 2^-60 times a scale and as floats.

    Parameters
    ----------
    units : numpy.ndarray of int, shape (m,)
        Rounded down.
    layers : numpy.ndarray, shape (layers,)
        Rounded down.
    priced : numpy.ndarray, shape (m + layers,)
    scale : float
        A power of two above all values and prices.
    cost_scale : tuple of float
    """

    units: Ints
    layers: Floats
    priced: Floats
    scale: float
    cost_scale: tuple[float, ...]

    @property
    def unit(self) -> float:
        """What one of the whole numbers stands for."""
        return self.scale * 2.0**-BITS

    def reduced(self, values: Array, mask: Array, costs: Array) -> Ints:
        """Return what each action of each customer is worth beyond its price, in whole numbers."""
        from crm_ml.allocation import exact_kernels

        whole: Ints = exact_kernels.reduced(values, mask, costs, self.units, self.layers, self.scale)
        return whole


def exact(problem: Problem, customers: Customers, prices: Floats, slot: int = 0) -> Exact:
    """Find each customer's best actions at prices, keep them in the parts, and prove the bound."""
    rates, fixed = _rates(problem, customers, prices)
    results = customers.parts.map(_Exactly(rates, problem.group, problem.most, slot))
    worth, value = added(sums for sums, *_ in results)
    count = sum(counts for _, counts, *_ in results)
    spent = floats(added(pairs for *_, pairs, _ in results), 1.0)
    steps: Any = sum(steps for *_, steps in results)
    bound = fixed + Fraction(int(worth)) * Fraction(rates.scale) / (1 << BITS)
    usage = np.append(np.asarray(count, dtype=np.float64), spent)
    return Exact(prices, bound, int(value), usage, steps, rates, slot)


def _rates(problem: Problem, customers: Customers, prices: Floats) -> tuple[Rates, Fraction]:
    """Return prices of actions and costs, rounded down, and of all limits together."""
    exact_prices = [Fraction(price) for price in prices.tolist()]
    rows: Sequence[Sequence[float]] = problem.A.T.tolist()
    of_use = [_dot(exact_prices, row) for row in rows]
    priced = np.array([float(price) for price in of_use])
    m = problem.actions
    scale = power_above(customers.largest + float(np.abs(priced).sum()))
    units = [math.floor(price * (1 << BITS) / Fraction(scale)) for price in of_use[:m]]
    layers = np.array([-above(-price) for price in of_use[m:]])
    rates = Rates(np.array(units, dtype=np.int64), layers, priced, scale, customers.cost_scale)
    return rates, _dot(exact_prices, problem.b.tolist())


def _dot(prices: Sequence[Fraction], amounts: Sequence[float]) -> Fraction:
    pairs = zip(prices, amounts, strict=True)
    return sum((price * Fraction(amount) for price, amount in pairs if price), Fraction(0))


@dataclass(frozen=True, eq=False)
class _Exactly:
    rates: Rates
    group: Ints
    most: int
    slot: int

    def __call__(self, part: ValuePart) -> tuple[Array, Array, Array, Array]:
        from crm_ml.allocation import exact_kernels

        n, m = part.values.shape
        rates = self.rates
        actions = np.full((n, self.most), -1, dtype=np.int16)
        margin = np.empty(n, dtype=np.float32)
        sums, count = np.zeros((2, 2), dtype=np.int64), np.zeros(m, dtype=np.int64)
        spent = np.zeros((len(rates.layers), 2), dtype=np.int64)
        steps = np.zeros(exact_kernels.STEPS, dtype=np.int64)
        for rows, values, mask, costs in part.chunks(rates.cost_scale):
            exact_kernels.exact(
                values, mask, costs, rates.units, rates.layers, rates.scale,
                self.group, actions[rows], margin[rows], sums, count, spent, steps,
            )  # fmt: skip
        part.kept[f"{ACTIONS}_{self.slot}"], part.kept[f"{MARGIN}_{self.slot}"] = actions, margin
        return sums, count, spent, steps

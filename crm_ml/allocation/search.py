"""From prices to whole numbers: integer programs of the near-ties, more where fewer were not enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from crm_ml.allocation import integer_rounding
from crm_ml.allocation.dealing import deal, turns_of
from crm_ml.allocation.dual_prices import prices_of
from crm_ml.allocation.fixed_point import BITS
from crm_ml.allocation.integer_program import Tied
from crm_ml.allocation.lagrangian import Customers, Exact, exact
from crm_ml.allocation.near_ties import NearTies, near_ties
from crm_ml.allocation.problem import Floats, Ints, Problem
from crm_ml.allocation.sample import Sample
from crm_ml.errors import InputError

_NEAR, _MORE = 300, 5  # customers in the first integer program, and how many times more where not enough
_GROUPS = 2_000  # most groups of customers with equal choices
_LAST = 30_000  # customers in it where fewer could not keep the limits at all
_SMALL = 500  # up to so many customers, all are in the integer program
_STEP_BITS = 19  # of a margin in single precision that its count leaves out


@dataclass(frozen=True, eq=False)
class Rounded:
    """Whole numbers of a state.

    Parameters
    ----------
    state : Exact
    near : NearTies
    tied : Tied
    count : numpy.ndarray of int, shape (pairs,)
        How many customers of each group get each action.
    value : float
        About what the actions of all customers come to.
    """

    state: Exact
    near: NearTies
    tied: Tied
    count: Ints
    value: float

    @property
    def usage(self) -> Floats:
        """Rows of each action and costs of each layer, of all customers, shape (m + layers,)."""
        layers = self.tied.cost.T @ self.count
        rows = np.bincount(self.tied.action, self.count, minlength=len(self.near.usage) - len(layers))
        usage: Floats = self.state.usage - self.near.usage + np.append(rows, layers)
        return usage


class Search:
    """The best whole numbers within all limits, and the least bound.

    Parameters
    ----------
    problem : Problem
    customers : Customers
    typical : float
        Typical value of an action.
    """

    def __init__(self, problem: Problem, customers: Customers, typical: float) -> None:
        self._problem, self._customers, self._typical = problem, customers, typical
        self._held: dict[int, Exact] = {}  # the states whose actions lie in the parts
        self._collected: NearTies | None = None  # the near-ties whose groups lie in the parts
        self.bound = Fraction(0)

    def run(self, sample: Sample) -> Rounded:
        """Search from prices of the sample.

        Raises
        ------
        InputError
            If the limits can't be met together.
        """
        problem, n, best = self._problem, self._customers.n, None
        resources = len(problem.b)
        prices = prices_of(problem, self._customers, sample, self._typical) if resources else np.zeros(0)
        state = self._exact(prices, 0)
        for near in self._sizes():
            ties = self._near(state, self._slack(state, near), max(_GROUPS, _SMALL))
            if ties is None:  # more would be too many too
                break
            state, rounded = self._shared_out(state, ties, near)
            best = _better(best, rounded)
            if best is not None and state.bound - Fraction(best.value) <= _enough(n) * abs(state.bound):
                break
        if best is None and n > _SMALL:
            last = self._near(state, self._slack(state, min(_LAST, n)), 2 * _LAST)
            state, best = (state, None) if last is None else self._shared_out(state, last, min(_LAST, n))
        self.bound = state.bound
        if best is None:
            raise InputError(
                "allocate: the limits can't be met together; lower the minimums, or raise caps and budgets"
            )
        return best

    def dealt(self, rounded: Rounded) -> Fraction:
        """Deal the actions to the customers in their parts; return the exact value, rounded down."""
        state, near = rounded.state, rounded.near
        if self._held.get(state.slot) is not state:
            state = self._exact(state.prices, state.slot)
            self._collected = None
        if self._collected is not near:
            again = self._near(state, near.slack, len(near.size))
            assert again is not None
            near = again
        turns = turns_of(self._problem, rounded.tied, rounded.count)
        value = deal(self._customers.parts, state, near, turns)
        return Fraction(value) * Fraction(state.rates.scale) / (1 << BITS)

    def _sizes(self) -> Iterator[int]:
        """Yield how many customers are near."""
        n, near = self._customers.n, _NEAR
        while n > _SMALL and near < n:
            yield near
            near *= _MORE
        yield n

    def _exact(self, prices: Floats, slot: int) -> Exact:
        state = exact(self._problem, self._customers, prices, slot)
        self._held[slot] = state
        return state

    def _near(self, state: Exact, slack: float, most: int) -> NearTies | None:
        parts = self._customers.parts
        self._collected = near_ties(parts, self._problem, state, slack, self._typical, most)
        return self._collected

    def _shared_out(self, state: Exact, ties: NearTies, near: int) -> tuple[Exact, Rounded | None]:
        """Solve the integer program of the near-ties; return tighter prices and counts."""
        problem, n = self._problem, self._customers.n
        tied = integer_rounding.tied_of(problem, state, ties)
        relaxed = integer_rounding.relaxed(problem, tied, state.prices)
        if relaxed is None:
            return state, None
        then = self._exact(relaxed[0], 1 - state.slot)
        if then.bound <= state.bound:
            tighter = self._near(then, self._slack(then, near), max(len(ties.size), _GROUPS))
            tied_then = None if tighter is None else integer_rounding.tied_of(problem, then, tighter)
            again = None if tied_then is None else integer_rounding.relaxed(problem, tied_then, then.prices)
            if tighter is not None and tied_then is not None and again is not None:
                state, ties, tied, relaxed = then, tighter, tied_then, again
        room = 0.0 if n <= _SMALL else 0.5 * _enough(n) * abs(float(state.bound))
        count = integer_rounding.whole(problem, tied, relaxed, room)
        if count is None:
            return state, None
        return state, Rounded(state, ties, tied, count, _value(problem, state, ties, tied, count))

    def _slack(self, state: Exact, near: int) -> float:
        """Return the margin that about `near` customers are below."""
        if near >= self._customers.n:
            return np.inf
        step = int(np.searchsorted(np.cumsum(state.margins), near))
        end = np.array([(step + 1) << _STEP_BITS], dtype=np.uint32).view(np.float32)
        return float(end[0]) + 1e-9 * self._typical


def _value(problem: Problem, state: Exact, ties: NearTies, tied: Tied, count: Ints) -> float:
    """Return the bound less what counts lose against it: worse choices, and limits that are not used up."""
    of_group = [ties.units[:, problem.group == group].max(axis=1) for group in np.unique(problem.group)]
    top = np.sort(np.maximum(np.column_stack(of_group), 0), axis=1)[:, -problem.most :].sum(axis=1)
    lost = float((top * state.rates.unit) @ ties.size - tied.reduced @ count)
    unused = float(state.prices @ (tied.left - tied.usage @ count))
    return float(state.bound) - lost - unused


def _better(best: Rounded | None, rounded: Rounded | None) -> Rounded | None:
    """Return the one of greater value, the first of equal ones."""
    if best is None or rounded is None:
        return rounded if best is None else best
    return rounded if rounded.value > best.value else best


def _enough(n: int) -> float:
    """Return the gap at which the integer program is large enough."""
    return float(np.clip(2e-5 * (1e4 / n) ** 1.2, 8e-8, 2e-5))

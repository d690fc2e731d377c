"""Which customer gets which action: the best total value within all limits, with prices and a bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.integer_rounding import State
from crm_ml.allocation.problem import ActionGroup, Floats, Ints, Problem, ProblemLimits, problem_of
from crm_ml.errors import InputError

__all__ = ["ActionGroup", "Allocation", "allocate"]
_NEAR = (300, 1_500, 6_000, 25_000)  # customers in the integer program, more where fewer were not enough
_GROUPS, _ALIKE = 2_000, 2_000_000  # most groups of alike customers, and most customers searched for them
_LAST = 30_000  # customers in it where fewer could not keep the limits at all
_SMALL = 500  # up to so many customers, all are in the integer program


@dataclass(frozen=True, eq=False)
class Allocation:
    """The action of each customer, with value, bound, prices and what is used of each resource.

    Parameters
    ----------
    action : numpy.ndarray of int, shape (n,) or (n, max_actions)
        -1 for none; in ascending order where there may be several.
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

    action: Ints
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


def allocate(
    values: npt.NDArray[Any],
    costs: Any = None,
    *,
    eligible: npt.NDArray[np.bool_] | None = None,
    action_caps: Sequence[float | None] | None = None,
    action_minimums: Sequence[float | None] | None = None,
    channels: Sequence[str] | None = None,
    channel_caps: Mapping[str, float] | None = None,
    budgets: float | Sequence[float] | None = None,
    max_actions: int = 1,
    groups: Sequence[ActionGroup] = (),
) -> Allocation:
    """Choose the actions of greatest total value within all limits, and bound the distance to the best.

    ``max sum_ij v_ij x_ij`` with x in {0, 1}, at most `max_actions` actions a customer (and at most one of a
    channel), and every cap, minimum and budget. Prices minimise the dual ``lambda b + sum_i max_j (v_ij -
    lambda usage_ij, 0)``, whose value bounds every allocation; customers who are not nearly indifferent at
    them keep their best actions, and those of the others are chosen by an integer program.

    Parameters
    ----------
    values : array, shape (n_customers, n_actions)
        Value of an action beyond its cost; not finite where it is not eligible. May lie on disk
        (`numpy.memmap`). Values of 0 or less are chosen only to meet a minimum.
    costs : array-like, optional
        One for each action, or for each pair, shape (n, m), or a list of such layers; for `budgets`.
    eligible : array of bool, shape (n, m), optional
    action_caps, action_minimums : sequence, optional
        Greatest and least number of customers of each action; None or infinite for no limit.
    channels : sequence of str, optional
        Channel of each action.
    channel_caps : mapping of str to float, optional
    budgets : float or sequence of float, optional
        Greatest sum of costs, one for each layer of costs.
    max_actions : int
    groups : sequence of ActionGroup
        Caps and minimums of several actions together.

    Returns
    -------
    Allocation
        The same bytes for the same input.

    Raises
    ------
    InputError
        With all that is wrong with the input, or if the limits can't be met together.

    References
    ----------
    .. [1] Fisher (1981). The Lagrangian relaxation method for solving integer programming problems.
       Management Science 27, sections 2 and 3.

    Examples
    --------
    >>> result = allocate(np.array([[3.0, 2.0], [2.5, 0.5], [1.0, 0.9]]), action_caps=[1, 1])
    >>> result.action.tolist(), result.value, result.gap
    ([1, 0, -1], 4.5, 0.0)
    """
    limits = ProblemLimits(action_caps, action_minimums, channels, channel_caps, budgets, max_actions, groups)
    problem = problem_of(np.asanyarray(values), costs, eligible, limits)
    if not problem.shape[0]:
        limits_of = dict(zip(problem.names, problem.b.tolist(), strict=True))
        nothing = dict.fromkeys(problem.names, 0.0)
        none, nothing_paid = np.empty((0, problem.most), dtype=np.int16), np.zeros(problem.shape[1])
        return Allocation(_shown(none, max_actions), 0.0, 0.0, nothing, nothing, limits_of, nothing_paid)
    scale, unit = _scale(problem), _units(problem)
    tightest = _tightest(problem)
    scaled = replace(problem, A=(problem.A / unit[:, None])[tightest], b=(problem.b / unit)[tightest])
    actions, scaled_prices, bound = _solved(scaled, scale)
    prices = np.zeros(len(unit))
    prices[tightest] = scaled_prices
    value, used = _recounted(problem, actions)
    _check(problem, used)
    return Allocation(
        action=_shown(actions, max_actions),
        value=value,
        upper_bound=max(bound, value),
        prices=dict(zip(problem.names, (prices / unit).tolist(), strict=True)),
        used=dict(zip(problem.names, used.tolist(), strict=True)),
        limits=dict(zip(problem.names, problem.b.tolist(), strict=True)),
        row_prices=(problem.A.T @ (prices / unit))[: problem.shape[1]],
    )


def _solved(problem: Problem, scale: float) -> tuple[Ints, Floats, float]:
    """Return actions within the limits, prices and the bound, from integer programs of growing size."""
    from crm_ml.allocation.dual_prices import prices_of
    from crm_ml.allocation.lagrangian import exact

    n, _ = problem.shape
    prices = prices_of(problem, scale) if len(problem.b) else np.zeros(0)
    state = State(prices, *exact(problem, prices))
    best, value = None, -np.inf
    for near in (n,) if n <= _SMALL else (*(count for count in _NEAR if count < n), _LAST):
        alike = near == _LAST and _few_kinds(state, scale)
        if near == _LAST and best is not None and not alike:
            break
        state, actions = _shared_out(problem, state, n if alike else min(near, n), scale)
        reached = -np.inf if actions is None else _recounted(problem, actions)[0]
        if reached > value:
            best, value = actions, reached
        if state.bound - value <= _enough(n) * abs(state.bound):
            break
    if best is None:
        raise InputError(
            "allocate: the limits can't be met together; lower the minimums, or raise caps and budgets"
        )
    return best, state.prices, state.bound


def _shared_out(problem: Problem, state: State, near: int, scale: float) -> tuple[State, Ints | None]:
    """Solve the integer program of the customers nearest to a change; return tighter prices and actions."""
    from crm_ml.allocation import integer_rounding
    from crm_ml.allocation.lagrangian import exact

    tied = integer_rounding.tied_of(problem, state, *_nearly_tied(state.margin, near, scale), scale)
    if not len(tied.of):
        return state, state.actions
    if len(tied.size) > _GROUPS and near in _NEAR:
        return state, None
    relaxed = integer_rounding.relaxed(problem, tied)
    if relaxed is None:
        return state, None
    then = State(relaxed[0], *exact(problem, relaxed[0]))
    if then.bound < state.bound:
        tighter = integer_rounding.tied_of(problem, then, *_nearly_tied(then.margin, near, scale), scale)
        again = integer_rounding.relaxed(problem, tighter)
        if again is not None:
            state, tied, relaxed = then, tighter, again
    room = 0.0 if problem.shape[0] <= _SMALL else 0.5 * _enough(problem.shape[0]) * abs(state.bound)
    count = integer_rounding.whole(problem, tied, relaxed[1], room)
    if count is None:
        return state, None
    actions = state.actions.copy()
    actions[tied.rows] = integer_rounding.dealt(problem, tied, count)
    return state, actions


def _few_kinds(state: State, scale: float) -> bool:
    """Tell whether the customers are so much alike that all of them make a small problem."""
    if len(state.margin) > _ALIKE:
        return False
    return len(np.unique(np.rint(state.margin / (1e-6 * scale)))) <= _GROUPS


def _enough(n: int) -> float:
    """Return the gap at which the integer program is large enough."""
    return min(2e-5, max(5e-7, 0.2 / n))


def _nearly_tied(margin: Floats, near: int, scale: float) -> tuple[Ints, float]:
    """Return the customers nearest to a change, at least `near` of them, and their greatest margin."""
    if near >= len(margin):
        return np.arange(len(margin)), np.inf
    slack = float(np.partition(margin, near)[near]) + 1e-9 * scale
    return np.flatnonzero(margin <= slack), slack


def _scale(problem: Problem) -> float:
    """Return the mean of the values above 0, from a sample."""
    few = problem.rows(np.unique(np.linspace(0, problem.shape[0] - 1, 20_000).astype(np.int64)))
    values = np.asarray(few.values, dtype=np.float64)
    usable = np.isfinite(values) & (values > 0)
    if few.eligible is not None:
        usable &= few.eligible
    return float(values[usable].mean()) if usable.any() else 1.0


def _tightest(problem: Problem) -> Ints:
    """Return the resources, of several with the same use only the one of the least limit."""
    order = np.lexsort((problem.b, *problem.A.T))
    rows = problem.A[order]
    first = np.append(True, (np.diff(rows, axis=0) != 0).any(axis=1)) if len(order) else order
    return np.sort(order[first])


def _units(problem: Problem) -> Floats:
    """Return a typical use of each resource, so that all prices are of the size of values."""
    typical = np.abs(problem.A)
    m = problem.shape[1]
    for number, layer in enumerate(problem.layers):
        some = np.asarray(layer[: 1 << 16], dtype=np.float64)
        typical[:, m + number] *= float(some[some > 0].mean()) if (some > 0).any() else 1.0
    return np.array([row[row > 0].mean() if (row > 0).any() else 1.0 for row in typical])


def _recounted(problem: Problem, actions: Ints) -> tuple[float, Floats]:
    """Return value and use of actions, summed anew from the values and costs."""
    from crm_ml.allocation.integer_rounding import used

    total = 0.0
    for column in range(actions.shape[1]):
        some = np.flatnonzero(actions[:, column] >= 0)
        total += float(np.asarray(problem.values[some, actions[some, column]], dtype=np.float64).sum())
    return total, used(problem, actions, np.arange(problem.shape[0]))


def _check(problem: Problem, used: Floats) -> None:
    over = used > problem.b + 1e-6 * np.maximum(1.0, np.abs(problem.b))
    assert not over.any(), f"over: {[problem.names[int(place)] for place in np.flatnonzero(over)]}"


def _shown(actions: Ints, max_actions: int) -> Ints:
    if max_actions == 1:
        return actions[:, 0].astype(np.int64)
    wide = np.full((len(actions), max_actions), -1, dtype=np.int64)
    ordered = np.sort(np.where(actions < 0, np.iinfo(np.int16).max, actions), axis=1)
    wide[:, : actions.shape[1]] = np.where(ordered == np.iinfo(np.int16).max, -1, ordered)
    return wide

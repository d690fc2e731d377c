"""Integer program of the customers who are nearly indifferent at the prices; the others keep their best."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.problem import Floats, Ints, Problem

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_SLIP = 1e-9
_NODES, _MANY = 20, 100_000  # of branch and bound, where a small loss is allowed and where none is
_GRID = 1e-9  # of the scale: values that differ by less count as equal


@dataclass(frozen=True, eq=False)
class State:
    """The best actions of all customers at given prices.

    Parameters
    ----------
    prices : numpy.ndarray, shape (resources,)
    bound : float
        Value of the dual.
    actions : numpy.ndarray of int, shape (n, most)
    margin : numpy.ndarray, shape (n,)
        Smallest change of a reduced value that changes the customer's actions.
    """

    prices: Floats
    bound: float
    actions: Ints
    margin: Floats


@dataclass(frozen=True, eq=False)
class Tied:
    """The integer program: customers with equal choices are one group, with a count of each action.

    Parameters
    ----------
    rows : numpy.ndarray of int, shape (k,)
        Customers, ordered by group.
    starts : numpy.ndarray of int, shape (groups + 1,)
        Position in `rows` where each group begins.
    of, action : numpy.ndarray of int, shape (pairs,)
        Group and action of each pair that may be chosen.
    value : numpy.ndarray, shape (pairs,)
    usage : scipy.sparse.csr_array, shape (resources, pairs)
    left : numpy.ndarray, shape (resources,)
        Of each resource, what the actions of all other customers leave.
    """

    rows: Ints
    starts: Ints
    of: Ints
    action: Ints
    value: Floats
    usage: "csr_array"
    left: Floats

    @property
    def size(self) -> Ints:
        """Customers of each group."""
        return np.diff(self.starts)


def tied_of(problem: Problem, state: State, rows: Ints, slack: float, scale: float) -> Tied:
    """Return the integer program of some customers, each with the actions within `slack` of its best.

    Parameters
    ----------
    problem : Problem
    state : State
    rows : numpy.ndarray of int
    slack, scale : float
    """
    few = problem.rows(rows)
    values = np.array(few.values, dtype=np.float64)
    if few.eligible is not None:
        values[~few.eligible] = -np.inf
    values[~np.isfinite(values)] = -np.inf
    layers = [np.asarray(layer, dtype=np.float64) for layer in few.layers]
    costs = np.stack(layers, axis=2) if layers else None
    m = problem.shape[1]
    priced = problem.A.T @ state.prices
    reduced = values - priced[:m] - (0.0 if costs is None else costs @ priced[m:])
    best = np.full((len(rows), int(problem.group.max()) + 1), 0.0)
    for group in range(best.shape[1]):
        best[:, group] = np.maximum(reduced[:, problem.group == group].max(axis=1), 0.0)
    near = (reduced >= best[:, problem.group] - slack) & (reduced >= -slack) & np.isfinite(reduced)
    order, starts = _alike(values, costs, near, scale)
    first = order[starts[:-1]]
    of, action = np.nonzero(near[first])
    use = _use(problem, costs, first[of], action)
    others = np.ones(problem.shape[0], dtype=np.bool_)
    others[rows] = False
    left = problem.b - used(problem, state.actions, np.flatnonzero(others))
    return Tied(rows[order], starts, of, action, values[first[of], action], use, left)


def used(problem: Problem, actions: Ints, rows: Ints) -> Floats:
    """Return the use of each resource by the actions of some customers."""
    m = problem.shape[1]
    usage = np.zeros(problem.A.shape[1])
    for column in range(actions.shape[1]):
        taken = actions[rows, column]
        some = taken >= 0
        usage[:m] += np.bincount(taken[some], minlength=m)
        for number, layer in enumerate(problem.layers):
            usage[m + number] += float(np.asarray(layer[rows[some], taken[some]], dtype=np.float64).sum())
    return problem.A @ usage


def relaxed(problem: Problem, tied: Tied) -> tuple[Floats, Floats] | None:
    """Return prices, and the count of each pair, from the linear relaxation; None if infeasible."""
    from scipy.optimize import linprog

    A, b = _rows(problem, tied)
    size = tied.size[tied.of]
    bounds = np.column_stack([np.zeros(len(size)), size])
    solution = linprog(-tied.value, A, b, bounds=bounds, method="highs-ds")
    if not solution.success:
        return None
    prices = np.asarray(solution.ineqlin.marginals[: len(tied.left)], dtype=np.float64)
    return np.maximum(-prices, 0.0), np.asarray(solution.x, dtype=np.float64)


def whole(problem: Problem, tied: Tied, share: Floats, room: float) -> Ints | None:
    """Return how often each pair is chosen, as whole numbers; None where the limits can't be met.

    Counts of the relaxation are rounded down and the rest is filled up; branch and bound runs where that
    loses more than `room`.
    """
    count = _filled(problem, tied, share)
    short = float(tied.value @ share) - float(tied.value @ count)
    feasible = bool((tied.usage @ count <= tied.left + _SLIP * np.maximum(1.0, np.abs(tied.left))).all())
    if feasible and short <= room:
        return count
    better = _program(problem, tied, room)
    if better is None:
        return count if feasible else None
    return count if feasible and tied.value @ count >= tied.value @ better else better


def _filled(problem: Problem, tied: Tied, share: Floats) -> Ints:
    """Round counts down and add pairs, the greatest remainders first, while all limits are met."""
    A, b = _rows(problem, tied)
    count = np.floor(share + 1e-7).astype(np.int64)
    free, columns = b - A @ count, A.tocsc()
    order = np.lexsort((-tied.value, -(share - count)))
    for pair in order[tied.value[order] > 0]:
        part = slice(columns.indptr[pair], columns.indptr[pair + 1])
        rows, use = columns.indices[part], columns.data[part]
        if (use <= free[rows] + 1e-9).all():
            count[pair] += 1
            free[rows] -= use
    filled: Ints = count
    return filled


def _program(problem: Problem, tied: Tied, room: float) -> Ints | None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    A, b = _rows(problem, tied)
    gap = room / max(float(tied.value.sum()), room, 1e-12)
    with _quiet():
        solution = milp(
            -tied.value,
            integrality=np.ones(len(tied.value)),
            bounds=Bounds(np.zeros(len(tied.of)), tied.size[tied.of].astype(float)),
            constraints=LinearConstraint(A, ub=b),
            options={"mip_rel_gap": gap, "node_limit": _NODES if room else _MANY},
        )
    return None if solution.x is None else np.asarray(np.rint(solution.x), dtype=np.int64)


def dealt(problem: Problem, tied: Tied, count: Ints) -> Ints:
    """Deal the counted actions to the customers of each group in turn; return them, shape (k, most)."""
    actions = np.full((len(tied.rows), problem.most), -1, dtype=np.int16)
    filled = np.zeros(len(tied.rows), dtype=np.int64)
    turn = np.zeros(len(tied.size), dtype=np.int64)
    order = np.lexsort((tied.action, problem.group[tied.action], tied.of))
    for pair in order[count[order] > 0]:
        group, start = tied.of[pair], tied.starts[tied.of[pair]]
        places = start + (turn[group] + np.arange(count[pair])) % tied.size[group]
        actions[places, filled[places]] = tied.action[pair]
        filled[places] += 1
        turn[group] += count[pair]
    return actions


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what the solver prints to standard output past Python, whatever its options say."""
    sys.stdout.flush()
    with Path(os.devnull).open("wb") as nowhere:
        standard_output = os.dup(1)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(standard_output, 1)
            os.close(standard_output)


def _alike(
    values: Floats, costs: Floats | None, near: npt.NDArray[np.bool_], scale: float
) -> tuple[Ints, Ints]:
    """Order customers by near actions, values and costs; equal ones are a group. Return group starts too."""
    parts = [np.where(near, np.rint(np.where(near, values, 0.0) / (_GRID * scale)), -1.0)]
    if costs is not None:
        parts += [np.where(near, costs[:, :, layer], -1.0) for layer in range(costs.shape[2])]
    columns = np.hstack(parts)
    order = np.lexsort(columns.T[::-1])
    changes = (np.diff(columns[order], axis=0) != 0).any(axis=1)
    return order, np.append(np.flatnonzero(np.append(True, changes)), len(order))


def _use(problem: Problem, costs: Floats | None, rows: Ints, action: Ints) -> "csr_array":
    from scipy.sparse import csr_array

    m = problem.shape[1]
    use = problem.A[:, action].copy()
    if costs is not None:
        use += problem.A[:, m:] @ costs[rows, action].T
    return csr_array(use)


def _rows(problem: Problem, tied: Tied) -> "tuple[csr_array, Floats]":
    """Return the constraints: resources, then per customer one action of a channel and `most` in all."""
    from scipy.sparse import csr_array, vstack

    groups = int(problem.group.max()) + 1
    pairs, k = np.arange(len(tied.of)), len(tied.size)
    exclusive = tied.of * groups + problem.group[tied.action]
    once = csr_array((np.ones(len(pairs)), (exclusive, pairs)), shape=(k * groups, len(pairs)))
    parts, b = [tied.usage, once], [tied.left, np.repeat(tied.size, groups).astype(float)]
    if problem.most < groups:
        parts.append(csr_array((np.ones(len(pairs)), (tied.of, pairs)), shape=(k, len(pairs))))
        b.append((problem.most * tied.size).astype(float))
    return csr_array(vstack(parts, format="csr")), np.concatenate(b)

"""Integer program of the customers who are nearly indifferent at the prices; the others keep their best."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.allocation.exchanges import improved
from crm_ml.allocation.integer_program import SLIP, Tied
from crm_ml.allocation.lagrangian import Exact
from crm_ml.allocation.near_ties import NearTies
from crm_ml.allocation.problem import Floats, Ints, Problem

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LOOSER = 1e-6
_NODES, _MANY = 20, 100_000  # of branch and bound, where a small loss is allowed and where none is


def tied_of(problem: Problem, state: Exact, near: NearTies) -> Tied:
    """Return the integer program of the customers who are nearly indifferent at the prices of a state."""
    from scipy.sparse import csr_array

    m, priced = problem.actions, state.rates.priced
    of, action = np.nonzero(near.is_near)
    cost = near.costs[of, action]
    units = near.units[of, action]
    value = (units + state.rates.units[action]) * state.rates.unit + cost @ priced[m:]
    use = problem.A[:, action] + problem.A[:, m:] @ cost.T
    left = problem.b - problem.A @ (state.usage - near.usage)
    return Tied(
        near.size,
        of,
        action,
        value,
        np.asarray(units * state.rates.unit, np.float64),
        cost,
        csr_array(use),
        left,
    )


def relaxed(problem: Problem, tied: Tied, prices: Floats) -> tuple[Floats, Floats] | None:
    """Return prices, and the count of each pair, from the linear relaxation; None if infeasible.

    Limits are a little looser, so that of several prices that are right those of one more unit are returned.
    Where there is no pair, prices stay as they are.
    """
    from scipy.optimize import linprog

    if not len(tied.of):
        feasible = (tied.left >= -SLIP * np.maximum(1.0, np.abs(tied.left))).all()
        return (prices, np.zeros(0)) if feasible else None
    A, b = _rows(problem, tied)
    size = tied.size[tied.of]
    bounds = np.column_stack([np.zeros(len(size)), size])
    b[: len(tied.left)] += _LOOSER
    solution = linprog(-tied.value, A, b, bounds=bounds, method="highs-ds")
    if not solution.success:
        return None
    negative = np.asarray(solution.ineqlin.marginals[: len(tied.left)], dtype=np.float64)
    return np.maximum(-negative, 0.0), np.asarray(solution.x, dtype=np.float64)


def whole(problem: Problem, tied: Tied, solution: tuple[Floats, Floats], room: float) -> Ints | None:
    """Return how often each pair is chosen, as whole numbers; None where the limits can't be met.

    Counts of the relaxation are rounded down and the rest is filled up; where that loses more than `room`,
    they are exchanged if customers get one action each, or branch and bound runs.
    """
    prices, share = solution
    count = _filled(problem, tied, share)
    short = float(tied.value @ share) - float(tied.value @ count) - 1.001 * _LOOSER * float(prices.sum())
    feasible = bool((tied.usage @ count <= tied.left + SLIP * np.maximum(1.0, np.abs(tied.left))).all())
    if feasible and room and problem.group.max() == 0:
        return improved(tied, count, short, room)[0]
    if feasible and short <= room:
        return count
    better = _program(problem, tied, room)
    if better is None:
        return count if feasible else None
    return count if feasible and tied.value @ count >= tied.value @ better else better


def _filled(problem: Problem, tied: Tied, share: Floats) -> Ints:
    """Round counts down and add pairs, the greatest remainders first, while all limits are met."""
    A, b = _rows(problem, tied)
    count = np.floor(share + 10 * _LOOSER).astype(np.int64)
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

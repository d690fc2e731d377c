"""The loops over customers, compiled; import this module only where they run.

A piece of customers is given as values (b, m), eligibility (b, m; no row where all are), costs (layers, b,
m), the price of each use (m + layers), the group of each action and the most actions a customer gets.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Numbers = npt.NDArray[Any]
_FAR = 40.0  # exp(-40) adds nothing to 1


@numba.njit(cache=True, nogil=True)
def _reduce(row: int, values: Array, mask: Array, costs: Array, priced: Array, out: Array) -> None:
    """Write what each action of a customer is worth beyond its price; minus infinity if not eligible."""
    m = values.shape[1]
    for j in range(m):
        value = values[row, j] - priced[j]
        for layer in range(costs.shape[0]):
            value -= priced[m + layer] * costs[layer, row, j]
        usable = np.isfinite(value) and (mask.shape[0] == 0 or mask[row, j])
        out[j] = value if usable else -np.inf


@numba.njit(cache=True, nogil=True)
def _chosen(worth: Array, most: int, taken: Numbers) -> None:
    """Mark the groups of greatest worth above 0, at most so many; of equal ones the first."""
    taken[:] = 0
    for _ in range(most):
        best = -1
        for g in range(len(worth)):
            if taken[g] == 0 and worth[g] > 0 and (best < 0 or worth[g] > worth[best]):
                best = g
        if best < 0:
            return
        taken[best] = 1


@numba.njit(cache=True, nogil=True)
def _best(reduced: Array, group: Numbers, worth: Array, second: Array, first: Numbers) -> None:
    """Write the best and the second best of each group, and which action is the best."""
    worth[:], second[:], first[:] = -np.inf, -np.inf, -1
    for j in range(len(reduced)):
        g = group[j]
        if reduced[j] > worth[g]:
            second[g], worth[g], first[g] = worth[g], reduced[j], j
        elif reduced[j] > second[g]:
            second[g] = reduced[j]


@numba.njit(cache=True, nogil=True)
def smooth(
    values: Array, mask: Array, costs: Array, priced: Array, group: Numbers,
    most: int, temperature: float, usage: Array, curvature: Array,
) -> float:  # fmt: skip
    """Add expected use and its covariance over the temperature; return the sum of smoothed maxima."""
    m, groups, far = values.shape[1], int(group.max()) + 1, _FAR * temperature
    reduced, q = np.empty(m), np.zeros(m)
    worth, second = np.empty(groups), np.empty(groups)
    first, taken = np.empty(groups, dtype=np.int64), np.empty(groups, dtype=np.int64)
    total = 0.0
    for row in range(values.shape[0]):
        _reduce(row, values, mask, costs, priced, reduced)
        _best(reduced, group, worth, second, first)
        clear = groups == 1 and (worth[0] < -far or worth[0] - max(second[0], 0.0) > far)
        if clear:
            if worth[0] > 0:
                total += worth[0]
                usage[first[0]] += 1.0
                for layer in range(costs.shape[0]):
                    usage[m + layer] += costs[layer, row, first[0]]
            continue
        _soften(reduced, group, temperature, worth, q)
        _chosen(worth, most, taken)
        for g in range(groups):
            total += worth[g] if taken[g] else 0.0
        _spread(row, q, costs, group, taken, temperature, usage, curvature)
    return total


@numba.njit(cache=True, nogil=True)
def _soften(reduced: Array, group: Numbers, temperature: float, worth: Array, q: Array) -> None:
    """Turn the best of each group into its smoothed maximum with 0, and write probabilities of actions."""
    top = np.maximum(worth, 0.0)
    worth[:] = np.exp(-top / temperature)
    for j in range(len(reduced)):
        below = (reduced[j] - top[group[j]]) / temperature
        q[j] = np.exp(below) if below > -_FAR else 0.0
        worth[group[j]] += q[j]
    for j in range(len(reduced)):
        q[j] /= worth[group[j]]
    worth[:] = top + temperature * np.log(worth)


@numba.njit(cache=True, nogil=True)
def _spread(
    row: int, q: Array, costs: Array, group: Numbers, taken: Numbers,
    temperature: float, usage: Array, curvature: Array,
) -> None:  # fmt: skip
    """Add mean and covariance of one customer's use, whose action j has the probability q of its group."""
    m, layers = len(q), costs.shape[0]
    for j in range(m):
        if q[j] == 0.0 or taken[group[j]] == 0:
            continue
        usage[j] += q[j]
        for layer in range(layers):
            usage[m + layer] += q[j] * costs[layer, row, j]
        if q[j] == 1.0:
            continue
        for other in range(m):
            if q[other] == 0.0 or group[other] != group[j]:
                continue
            weight = ((q[j] if other == j else 0.0) - q[j] * q[other]) / temperature
            curvature[j, other] += weight
            for layer in range(layers):
                cost = costs[layer, row, other] * weight
                curvature[j, m + layer] += cost
                curvature[m + layer, j] += cost
                for second in range(layers):
                    curvature[m + second, m + layer] += cost * costs[second, row, j]


@numba.njit(cache=True, nogil=True)
def exact(
    values: Array, mask: Array, costs: Array, priced: Array, group: Numbers, actions: Numbers, margin: Array
) -> float:
    """Write each customer's best actions and how far they are from changing; return the sum of maxima."""
    m, most = values.shape[1], actions.shape[1]
    groups = int(group.max()) + 1
    reduced, worth, second = np.empty(m), np.empty(groups), np.empty(groups)
    first, taken = np.empty(groups, dtype=np.int64), np.empty(groups, dtype=np.int64)
    total = 0.0
    for row in range(values.shape[0]):
        _reduce(row, values, mask, costs, priced, reduced)
        _best(reduced, group, worth, second, first)
        _chosen(worth, most, taken)
        count, least = 0, np.inf
        for g in range(groups):
            if taken[g]:
                actions[row, count] = first[g]
                count += 1
                total += worth[g]
                least = min(least, worth[g])
        near = np.inf
        out = least if count == most else 0.0  # what a group must exceed to come in
        for g in range(groups):
            near = min(near, worth[g] - max(second[g], 0.0) if taken[g] else out - worth[g])
        margin[row] = near
    return total


@numba.njit(cache=True, nogil=True)
def taken(rows: Numbers, actions: Numbers, worth: Array, usage: Array, left: Array, n: int) -> float:
    """Take pairs in their order, one a customer, while all that a pair uses is left; return their value."""
    done = np.zeros(n, dtype=np.bool_)
    total = 0.0
    for k in range(len(rows)):
        if done[rows[k]]:
            continue
        fits = True
        for r in range(len(left)):
            if usage[r, actions[k]] > left[r] + 1e-9:
                fits = False
                break
        if fits:
            done[rows[k]] = True
            total += worth[k]
            for r in range(len(left)):
                left[r] -= usage[r, actions[k]]
    return total

"""The loops over customers, compiled; import this module only where they run.

A piece of customers is given as values (b, m), eligibility (b, m; no row where all are), costs (layers, b, m), the
price of each use (m + layers), the group of each action and the most actions a customer gets.
"""

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
_FAR = 40.0  # exp(-40) adds nothing to 1


@numba.njit(cache=True, nogil=True)
def _reduce(row: int, values: Array, mask: Array, costs: Array, priced: Array, out: Array) -> None:
    """Write what each action of a customer is worth beyond its price, minus infinity where it is not eligible."""
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
def smooth(
    values: Array, mask: Array, costs: Array, priced: Array, group: Numbers,
    most: int, temperature: float, usage: Array, curvature: Array,
) -> float:  # fmt: skip
    """Add expected use and its covariance over the temperature; return the sum of smoothed maxima."""
    m, layers = values.shape[1], costs.shape[0]
    groups = int(group.max()) + 1
    reduced, q, top = np.empty(m), np.zeros(m), np.empty(groups)
    worth, taken = np.empty(groups), np.empty(groups, dtype=np.int64)
    total = 0.0
    for row in range(values.shape[0]):
        _reduce(row, values, mask, costs, priced, reduced)
        top[:] = 0.0
        for j in range(m):
            top[group[j]] = max(top[group[j]], reduced[j])
        for g in range(groups):
            worth[g] = np.exp(-top[g] / temperature) if top[g] < _FAR * temperature else 0.0
        for j in range(m):
            far = reduced[j] < top[group[j]] - _FAR * temperature
            q[j] = 0.0 if far else np.exp((reduced[j] - top[group[j]]) / temperature)
            worth[group[j]] += q[j]
        for j in range(m):
            q[j] /= worth[group[j]]
        for g in range(groups):
            worth[g] = top[g] + temperature * np.log(worth[g])
        _chosen(worth, most, taken)
        for g in range(groups):
            total += worth[g] if taken[g] else 0.0
        _spread(row, q, costs, group, taken, temperature, usage, curvature)
    return total


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
        worth[:], second[:], first[:] = -np.inf, -np.inf, -1
        for j in range(m):
            g = group[j]
            if reduced[j] > worth[g]:
                second[g], worth[g], first[g] = worth[g], reduced[j], j
            elif reduced[j] > second[g]:
                second[g] = reduced[j]
        _chosen(worth, most, taken)
        count, least, out = 0, np.inf, 0.0
        for g in range(groups):
            if taken[g]:
                actions[row, count] = first[g]
                count += 1
                total += worth[g]
                least = min(least, worth[g])
        near = np.inf
        out = least if count == most else 0.0  # what a group must exceed to come in
        for g in range(groups):
            if taken[g]:
                near = min(near, worth[g] - max(second[g], 0.0))
            else:
                near = min(near, out - worth[g])
        margin[row] = near
    return total

"""The loops over customers at real prices, compiled; import this module only where they run.

A piece of customers is given as values (b, m), eligibility (b, m; no row where all are), costs (layers, b, m)
in [0, 1], the price of each use (m + layers), the group of each action and the most actions a customer gets.
Every customer's amounts are rounded to whole numbers before they are added (`crm_ml.allocation.fixed_point`).
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from crm_ml.allocation.fixed_point import BITS, MASK, SHIFT, UNIT

Array = npt.NDArray[Any]
Numbers = npt.NDArray[Any]
_FAR = 40.0  # exp(-40) adds nothing to 1
_ONE = 1 << (BITS - SHIFT)  # what one adds to the upper half of a sum


@numba.njit(cache=True, nogil=True)
def _add(pairs: Numbers, place: int, amount: float) -> None:
    """Add an amount in [-2, 2] to a sum."""
    units = np.int64(np.floor(amount * UNIT))
    pairs[place, 0] += units >> SHIFT
    pairs[place, 1] += units & MASK


@numba.njit(cache=True, nogil=True)
def largest(values: Array, mask: Array, signed: bool) -> float:
    """Return the greatest finite value of an eligible pair, or amount if signed; 0 if there is none."""
    greatest = 0.0
    for row in range(values.shape[0]):
        for j in range(values.shape[1]):
            value = abs(float(values[row, j])) if signed else float(values[row, j])
            if value > greatest and value < np.inf and (mask.shape[0] == 0 or mask[row, j]):
                greatest = value
    return greatest


@numba.njit(cache=True, nogil=True)
def _top_two(row: int, values: Array, priced: Array) -> tuple[float, float, int]:
    """Return the best and the second best value beyond its price, and which action is the best."""
    best, second, first = -np.inf, -np.inf, -1
    for j in range(values.shape[1]):
        value = values[row, j] - priced[j]
        if value > second and value < np.inf:
            if value > best:
                second, best, first = best, value, j
            else:
                second = value
    return best, second, first


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
def choose(worth: Numbers, most: int, taken: Numbers) -> Any:
    """Mark the groups of greatest worth above 0, of equal ones the first; return what one must exceed."""
    taken[:] = 0
    least = 0
    for _ in range(most):
        best = -1
        for g in range(len(worth)):
            if taken[g] == 0 and worth[g] > 0 and (best < 0 or worth[g] > worth[best]):
                best = g
        if best < 0:
            return 0
        taken[best] = 1
        least = worth[best]
    return least


@numba.njit(cache=True, nogil=True)
def _best(reduced: Array, group: Numbers, worth: Array) -> None:
    """Write the best of each group."""
    worth[:] = -np.inf
    for j in range(len(reduced)):
        worth[group[j]] = max(worth[group[j]], reduced[j])


@numba.njit(cache=True, nogil=True)
def smooth(
    values: Array, mask: Array, costs: Array, priced: Array, group: Numbers, most: int,
    temperature: float, scale: float, value: Numbers, usage: Numbers, curvature: Numbers,
) -> None:  # fmt: skip
    """Add smoothed maxima (by the scale, a power of two), expected use, and its covariance times 4."""
    m, groups, far = values.shape[1], int(group.max()) + 1, _FAR * temperature
    simple = groups == 1 and mask.shape[0] == 0 and costs.shape[0] == 0
    reduced, q, worth = np.empty(m), np.zeros(m), np.empty(groups)
    taken = np.empty(groups, dtype=np.int64)
    for row in range(values.shape[0]):
        if simple:
            best, second, first = _top_two(row, values, priced)
            if best < -far:
                continue
            if best - max(second, 0.0) > far:
                _add(value, 0, best / scale)
                usage[first, 0] += _ONE
                continue
        _reduce(row, values, mask, costs, priced, reduced)
        _best(reduced, group, worth)
        _soften(reduced, group, temperature, worth, q)
        choose(worth, most, taken)
        for g in range(groups):
            if taken[g]:
                _add(value, 0, worth[g] / scale)
        _spread(row, q, costs, group, taken, usage, curvature)


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
    row: int, q: Array, costs: Array, group: Numbers, taken: Numbers, usage: Numbers, curvature: Numbers
) -> None:
    """Add mean and covariance of a customer's use, whose action j has probability q of its group."""
    m, layers = len(q), costs.shape[0]
    d = m + layers
    for j in range(m):
        if q[j] == 0.0 or taken[group[j]] == 0:
            continue
        _add(usage, j, q[j])
        for layer in range(layers):
            _add(usage, m + layer, q[j] * costs[layer, row, j])
        if q[j] == 1.0:
            continue
        for other in range(m):
            if q[other] == 0.0 or group[other] != group[j]:
                continue
            weight = 4.0 * ((q[j] if other == j else 0.0) - q[j] * q[other])
            _add(curvature, j * d + other, weight)
            for layer in range(layers):
                cost = costs[layer, row, other] * weight
                _add(curvature, j * d + m + layer, cost)
                _add(curvature, (m + layer) * d + j, cost)
                for second in range(layers):
                    _add(curvature, (m + second) * d + m + layer, cost * costs[second, row, j])


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

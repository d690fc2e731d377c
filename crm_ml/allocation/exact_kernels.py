"""The loops over customers in whole numbers, compiled; import this module only where they run.

A value is rounded up and a price down to whole numbers of 2^-60 times a scale that is above all of them:
their differences are exact, and never below what they stand for, so that their sum proves a bound.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from crm_ml.allocation.fixed_point import MASK, SHIFT, UNIT
from crm_ml.allocation.numba_kernels import choose

Array = npt.NDArray[Any]
Numbers = npt.NDArray[Any]
NOT = -(1 << 62)  # not eligible
_LEAST = -(1 << 61)
_SHORT = 1.0 - 2.0**-51  # a product of floats times this is not above the true one
DROPPED_BITS = 19  # of a margin in single precision: 4,096 steps, 6 % apart
STEPS = 1 << (31 - DROPPED_BITS)


@numba.njit(cache=True, nogil=True)
def _reduce(
    row: int, values: Array, mask: Array, costs: Array, prices: Numbers, layer_prices: Array, scale: float,
    out: Numbers,
) -> None:  # fmt: skip
    """Write what each action of a customer is worth beyond its price."""
    unit = UNIT / scale
    for j in range(values.shape[1]):
        value = values[row, j] * unit
        if not np.isfinite(value) or (mask.shape[0] > 0 and not mask[row, j]):
            out[j] = NOT
            continue
        units = np.int64(np.ceil(value)) if value > _LEAST else _LEAST
        for layer in range(costs.shape[0]):
            units -= np.int64(np.floor(layer_prices[layer] * costs[layer, row, j] * _SHORT * unit))
        out[j] = units - prices[j]


@numba.njit(cache=True, nogil=True)
def reduced(
    values: Array, mask: Array, costs: Array, prices: Numbers, layer_prices: Array, scale: float
) -> Numbers:
    """Return what each action of each customer is worth beyond its price."""
    out = np.empty(values.shape, dtype=np.int64)
    for row in range(values.shape[0]):
        _reduce(row, values, mask, costs, prices, layer_prices, scale, out[row])
    return out


@numba.njit(cache=True, nogil=True)
def exact(
    values: Array, mask: Array, costs: Array, prices: Numbers, layer_prices: Array, scale: float,
    group: Numbers, actions: Numbers, margin: Array, sums: Numbers, count: Numbers, spent: Numbers,
    steps: Numbers,
) -> None:  # fmt: skip
    """Write each customer's best actions and how far they are from changing, and add what they come to.

    Sums are worth beyond prices and value; then rows of each action, costs of each layer, and customers by
    margin.
    """
    m, groups, unit = values.shape[1], int(group.max()) + 1, UNIT / scale
    q = np.empty(m, dtype=np.int64)
    worth, second = np.empty(groups, dtype=np.int64), np.empty(groups, dtype=np.int64)
    first, taken = np.empty(groups, dtype=np.int64), np.empty(groups, dtype=np.int64)
    for row in range(values.shape[0]):
        _reduce(row, values, mask, costs, prices, layer_prices, scale, q)
        if groups == 1:
            _top(q, worth, second, first)
            near = float(abs(worth[0] - max(second[0], 0)) if worth[0] > 0 else -worth[0])
            taken[0] = 1 if worth[0] > 0 else 0
        else:
            _best(q, group, worth, second, first)
            least_taken = choose(worth, actions.shape[1], taken)
            near = _margin(worth, second, least_taken, taken)
        place = 0
        for g in range(groups):
            if taken[g]:
                j = first[g]
                actions[row, place] = j
                place += 1
                count[j] += 1
                _add(sums, 0, worth[g])
                _add(sums, 1, np.int64(np.floor(values[row, j] * unit)))
                for layer in range(costs.shape[0]):
                    _add(spent, layer, np.int64(np.floor(costs[layer, row, j] * UNIT)))
        margin[row] = near / unit if near < -float(_LEAST) else np.inf
    bits = margin.view(np.uint32)
    for row in range(len(bits)):
        steps[bits[row] >> DROPPED_BITS] += 1


@numba.njit(cache=True, nogil=True)
def _add(pairs: Numbers, place: int, units: Any) -> None:
    pairs[place, 0] += units >> SHIFT
    pairs[place, 1] += units & MASK


@numba.njit(cache=True, nogil=True)
def _top(q: Numbers, worth: Numbers, second: Numbers, first: Numbers) -> None:
    """Write the best and the second best, and which action is the best."""
    best, next_best, place = np.int64(NOT), np.int64(NOT), -1
    for j in range(len(q)):
        if q[j] > next_best:
            if q[j] > best:
                next_best, best, place = best, q[j], j
            else:
                next_best = q[j]
    worth[0], second[0], first[0] = best, next_best, place


@numba.njit(cache=True, nogil=True)
def _best(q: Numbers, group: Numbers, worth: Numbers, second: Numbers, first: Numbers) -> None:
    """Write the best and the second best of each group, and which action is the best."""
    worth[:], second[:], first[:] = NOT, NOT, -1
    for j in range(len(q)):
        g = group[j]
        if q[j] > worth[g]:
            second[g], worth[g], first[g] = worth[g], q[j], j
        elif q[j] > second[g]:
            second[g] = q[j]


@numba.njit(cache=True, nogil=True)
def _margin(worth: Numbers, second: Numbers, out: int, taken: Numbers) -> float:
    """Return the smallest change of a worth that changes what is taken."""
    near = np.inf
    for g in range(len(worth)):
        near = min(near, float(worth[g] - max(second[g], 0)) if taken[g] else float(out - worth[g]))
    return near


@numba.njit(cache=True, nogil=True)
def grouped(keys: Numbers, most: int) -> tuple[Numbers, Numbers]:
    """Return the numbers of equal rows, keys (k, columns), and first rows; no number beyond `most`."""
    size = 1
    while size < 2 * min(len(keys), most + 1) + 2:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    number, firsts = np.empty(len(keys), dtype=np.int64), np.empty(most + 1, dtype=np.int64)
    groups = 0
    for row in range(len(keys)):
        mixed = np.uint64(0)
        for column in range(keys.shape[1]):
            mixed = (mixed ^ np.uint64(keys[row, column])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        slot = np.int64(mixed & np.uint64(size - 1))
        while table[slot] >= 0 and not np.array_equal(keys[firsts[table[slot]]], keys[row]):
            slot = (slot + 1) % size
        if table[slot] < 0:
            if groups > most:
                return number[:0], firsts
            table[slot], firsts[groups] = groups, row
            groups += 1
        number[row] = table[slot]
    return number, firsts[:groups]


@numba.njit(cache=True, nogil=True)
def least(number: Numbers, units: Numbers, groups: int) -> Numbers:
    """Return the least of each column of each group."""
    out = np.full((groups, units.shape[1]), np.iinfo(np.int64).max)
    for row in range(len(number)):
        for column in range(units.shape[1]):
            if units[row, column] < out[number[row], column]:
                out[number[row], column] = units[row, column]
    return out

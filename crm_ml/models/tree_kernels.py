"""Compiled trees: rows in blocks, which leaf each reaches by comparisons alone; imported where one runs."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.cpython.unsafe.numbers import trailing_zeros

from crm_ml.models.tree_codes import BY_CATEGORY, BY_NAN, BY_ZERO, ZERO
from crm_ml.models.tree_steps import TreeSteps

Array = npt.NDArray[Any]
BLOCK = 256  # rows whose codes and leaves stay in the cache while all trees pass
_ONE = np.uint64(1)
_lowest_bit: Any = trailing_zeros  # has no types


@numba.njit(cache=True, nogil=True)
def add_leaves(columns: Array, steps: TreeSteps, total: Array) -> None:  # pragma: no cover  (compiled)
    """Add the values of all trees, in their order, to the totals of rows, whose features are `columns`."""
    codes = np.empty((len(steps.feature), BLOCK), steps.low.dtype)
    leaves, values = np.empty(BLOCK, np.uint32), np.empty(BLOCK)
    for begin in range(0, len(total), BLOCK):
        end = min(begin + BLOCK, len(total))
        encode(columns, begin, end, steps.feature, steps.missing, steps.counts, steps.thresholds, codes)
        step = 0
        for word in range(len(steps.ends)):
            _reach(
                codes, step, steps.ends[word], end - begin,
                steps.column, steps.low, steps.width, steps.keep, leaves,
            )  # fmt: skip
            step = steps.ends[word]
            _take(leaves, steps.values, word, values, steps.first[word], total, begin, end - begin)


@numba.njit(cache=True, nogil=True)
def encode(
    columns: Array,
    begin: int,
    end: int,
    feature: Array,
    missing: Array,
    counts: Array,
    thresholds: Array,
    codes: Array,
) -> None:  # pragma: no cover  (compiled)
    """Write the code of each value: how many thresholds of its column are below it; see `TreeSteps`."""
    values, below, first = np.empty(BLOCK), np.empty(BLOCK, np.uint64), np.uint64(0)
    for column in range(len(feature)):
        kind, known, source = missing[column], np.uint64(counts[column]), feature[column]
        for row in range(end - begin):
            value = columns[source, begin + row]
            if abs(value) <= ZERO or (np.isnan(value) and kind < BY_NAN):
                value = 0.0
            values[row] = np.trunc(value) if kind == BY_CATEGORY else value
        size = _count_below(values, thresholds, first, known, end - begin, below)
        for row in range(end - begin):
            code = below[row]
            if kind == BY_CATEGORY:
                code = code if code < known and thresholds[first + code] == values[row] else known
            elif kind == BY_NAN:
                code = known + _ONE if np.isnan(values[row]) else code
            elif kind == BY_ZERO:
                code = known + _ONE if values[row] == 0 else code
            codes[column, row] = code
        first += size


@numba.njit(cache=True, nogil=True)
def _count_below(
    values: Array, thresholds: Array, first: Any, known: Any, rows: int, below: Array
) -> Any:  # pragma: no cover  (compiled)
    """Write how many thresholds of a column are below each value; return how many it has, filled up.

    Its thresholds are halved for all rows at once. What is found is shifted, for a branch would be foreseen
    wrongly half of the time.
    """
    level = np.uint64(0)
    while known >> level:
        level += _ONE
    size = (_ONE << level) - _ONE
    below[:rows] = 0
    while level:
        level -= _ONE
        middle = first + (_ONE << level) - _ONE
        for row in range(rows):
            below[row] += np.uint64(thresholds[middle + below[row]] < values[row]) << level
    return size


@numba.njit(cache=True, nogil=True)
def _reach(
    codes: Array,
    step: int,
    end: int,
    rows: int,
    column: Array,
    low: Array,
    width: Array,
    keep: Array,
    leaves: Array,
) -> None:  # pragma: no cover  (compiled)
    """Write which leaves of a word each row may reach after some steps, two of them at once."""
    every, kind = np.uint32(0xFFFFFFFF), codes.dtype.type
    leaves[:rows] = every
    for now in range(step, end, 2):
        other = min(now + 1, end - 1)  # the last one twice where their number is odd
        a, low_a, width_a, keep_a = column[now], low[now], width[now], keep[now]
        b, low_b, width_b, keep_b = column[other], low[other], width[other], keep[other]
        for row in range(rows):
            leaves[row] &= (keep_a if kind(codes[a, row] - low_a) < width_a else every) & (
                keep_b if kind(codes[b, row] - low_b) < width_b else every
            )


@numba.njit(cache=True, nogil=True)
def _take(
    leaves: Array, of_words: Array, word: int, values: Array, first: bool, total: Array, begin: int, rows: int
) -> None:  # pragma: no cover  (compiled)
    """Take the value of the leftmost leaf; the words of a tree come from the right, its first one adds."""
    if first:
        for row in range(rows):
            leaf = leaves[row]
            total[begin + row] += of_words[word, _lowest_bit(leaf)] if leaf else values[row]
    else:
        for row in range(rows):
            if leaves[row]:
                values[row] = of_words[word, _lowest_bit(leaves[row])]

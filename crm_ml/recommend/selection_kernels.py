"""Compiled selections of the best items of each row; imported where one runs."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_LANES = 64  # scores that one comparison takes, and the bits of its answer
_GROUPS = 8  # of items, for each place of a list
_HALVINGS = 24
_ZERO = ir.IntType(32)(0)


def _comparison(operator: str) -> Any:
    """Return a function that compares 64 scores with a bound and sets a bit for each that passes."""

    @intrinsic
    def compare(_: Any, scores: Any, start: Any, bound: Any) -> Any:  # noqa: ARG001  (the signature names it)
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            vector = ir.VectorType(context.get_value_type(scores.dtype), _LANES)
            place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
            values = builder.load(place, align=scores.dtype.bitwidth // 8)
            nothing = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(nothing, arguments[2], _ZERO)
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
            holds = builder.fcmp_ordered(operator, values, builder.shuffle_vector(first, nothing, zeros))
            return builder.bitcast(holds, ir.IntType(64))

        return types.uint64(scores, types.int64, scores.dtype), generate

    return compare


_above, _reaching = _comparison(">"), _comparison(">=")


def _of_bits(instruction: str, *constants: Any) -> Any:
    """Return a function of 64 bits that is one instruction of the compiler."""

    @intrinsic
    def call(_: Any, bits: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(arguments[0], *constants)

        return types.int64(bits), generate

    return call


_ones, _first = _of_bits("ctpop"), _of_bits("cttz", ir.IntType(1)(0))  # how many are set, where the lowest is


@numba.njit(cache=True, nogil=True)
def best(
    scores: Floats, starts: Ints, columns: Ints, allowed: Mask, items: Ints, values: Floats
) -> None:  # pragma: no cover  (compiled)
    """Write the best items of each row, in descending order; of equal scores the first item wins.

    The largest scores of interleaved groups of items give a floor that at least k items reach. What lies
    above it, and the first k that equal it, are gathered in the order of the items and ranked by comparing
    all with all; whenever too many are gathered the k best of them stay, and only better ones follow.
    """
    k, n = items.shape[1], scores.shape[1]
    own, peaks = _empty(n, scores), _empty(_GROUPS * k, scores)
    gathered = _empty(2 * _LANES + 4 * k, scores)
    numbers = np.empty(len(gathered), np.int64)
    for row in range(len(scores)):
        _usable(scores[row], allowed[row % len(allowed)], columns[starts[row] : starts[row + 1]], own)
        floor, equal, count = _floor(own, peaks, k), k, 0
        for start in range(0, n, _LANES):
            bits = _reaching(own, start, floor)
            while bits:
                item = start + _first(bits)
                bits &= bits - np.uint64(1)
                if own[item] < floor:
                    continue
                equal -= own[item] == floor
                if equal == 0:
                    floor, equal = _next(floor), k
                gathered[count], numbers[count] = own[item], item
                count += 1
            if count > len(gathered) - _LANES:
                _rank(gathered, numbers, count, items[row], values[row])
                gathered[:k], numbers[:k] = values[row], items[row]
                floor, equal, count = _next(values[row, k - 1]), k, k
        _rank(gathered, numbers, count, items[row], values[row])


@numba.njit(cache=True, nogil=True)
def _empty(length: int, like: Floats) -> Floats:  # pragma: no cover  (compiled)
    """Return minus infinities, up to whole comparisons."""
    return np.full(-(-length // _LANES) * _LANES, -np.inf, like.dtype)


@numba.njit(cache=True, nogil=True)
def _next(score: Any) -> Any:  # pragma: no cover  (compiled)
    return np.nextafter(score, type(score)(np.inf))


@numba.njit(cache=True, nogil=True)
def _usable(scores: Floats, allowed: Mask, seen: Ints, own: Floats) -> None:  # pragma: no cover  (compiled)
    """Copy the scores of a row without those of items that may not be taken."""
    nothing = own.dtype.type(-np.inf)
    for item in range(len(scores)):
        own[item] = scores[item] if allowed[item] else nothing
    for item in seen:
        own[item] = nothing


@numba.njit(cache=True, nogil=True)
def _floor(own: Floats, peaks: Floats, k: int) -> Any:  # pragma: no cover  (compiled)
    """Return a score that at least k items reach, and seldom many more; the lowest there is without one."""
    peaks[:] = -np.inf
    for start in range(0, len(own), len(peaks)):
        part = own[start : start + len(peaks)]
        for lane in range(len(part)):
            peaks[lane] = part[lane] if part[lane] > peaks[lane] else peaks[lane]
    lowest = _next(own.dtype.type(-np.inf))
    if _count_reaching(peaks, lowest) < k:
        return lowest
    low, high = own.dtype.type(np.inf), lowest
    for peak in peaks:
        low = min(low, peak) if peak >= lowest else low
        high = max(high, peak)
    for _ in range(_HALVINGS):
        middle = own.dtype.type(low + (high - low) / 2)
        count = _count_reaching(peaks, middle)
        if count < k:
            high = middle
            continue
        low = middle
        if count <= k + k // 4:
            break
    return low


@numba.njit(cache=True, nogil=True)
def _count_reaching(scores: Floats, bound: Any) -> int:  # pragma: no cover  (compiled)
    count = 0
    for start in range(0, len(scores), _LANES):
        count += _ones(_reaching(scores, start, bound))
    return count


@numba.njit(cache=True, nogil=True)
def _rank(
    gathered: Floats, numbers: Ints, count: int, items: Ints, values: Floats
) -> None:  # pragma: no cover  (compiled)
    """Write the first ones that are gathered in their order, as far as there is place."""
    gathered[count:] = -np.inf
    items[:] = -1
    for place in range(count):
        rank = 0
        for start in range(0, count, _LANES):
            rank += _ones(_above(gathered, start, gathered[place]))
        while rank < len(items) and items[rank] >= 0:  # of equal ones
            rank += 1
        if rank < len(items):
            items[rank], values[rank] = numbers[place], gathered[place]


@numba.njit(cache=True, nogil=True)
def best_within_caps(
    scores: Floats,
    starts: Ints,
    columns: Ints,
    allowed: Mask,
    category: Ints,
    most: Ints,
    items: Ints,
    values: Floats,
) -> None:  # pragma: no cover  (compiled)
    """Keep the best items of each row in a short sorted list; a later item must be better to come in."""
    k, n = items.shape[1], scores.shape[1]
    own = _empty(n, scores)
    for row in range(len(scores)):
        _usable(scores[row], allowed[row % len(allowed)], columns[starts[row] : starts[row + 1]], own)
        filled = 0
        for start in range(0, n, _LANES):
            bits = _above(own, start, values[row, k - 1])
            while bits:
                item = start + _first(bits)
                bits &= bits - np.uint64(1)
                filled = _enter(item, own[item], category, most, filled, items[row], values[row])


@numba.njit(cache=True, nogil=True)
def _enter(
    item: int, score: Any, category: Ints, most: Ints, filled: int, items: Ints, values: Floats
) -> int:  # pragma: no cover  (compiled)
    """Put an item into a list if it is good enough; return how many the list holds then."""
    if not score > values[-1]:
        return filled
    same, place = 0, -1
    for other in range(filled):
        if category[items[other]] == category[item]:
            same, place = same + 1, other
    if same == 0 or same < most[category[item]]:
        place = min(filled, len(items) - 1)
        filled = min(filled + 1, len(items))
    elif values[place] >= score:
        return filled
    while place > 0 and values[place - 1] < score:
        items[place], values[place] = items[place - 1], values[place - 1]
        place -= 1
    items[place], values[place] = item, score
    return filled

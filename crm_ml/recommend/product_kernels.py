"""Compiled products of factors for vectors of 8 and of 16 numbers; imported where one runs."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

FactorMatrix = npt.NDArray[np.float32]
_compiler: Any = cgutils  # has no types
_FLOAT, _PLACE = ir.FloatType(), ir.IntType(64)
_CUSTOMERS = 48  # whose products are written before the next ones begin; whole tiles of each kernel


def _tile(rows: int, vectors: int, lanes: int) -> Any:
    """Return a function that writes the products of some customers and a panel of items.

    The sums stay in registers while the factors pass, each by one fused multiply-add and in their order.
    """
    vector = ir.VectorType(_FLOAT, lanes)

    @intrinsic
    def tile(_: Any, left: Any, panel: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            customers, items, products = (
                context.make_array(kind)(context, builder, array)
                for kind, array in zip(signature.args, arguments, strict=True)
            )
            name, kind = f"llvm.fma.v{lanes}f32", ir.FunctionType(vector, [vector] * 3)
            fused = _compiler.get_or_insert_function(builder.module, kind, name)
            lines = [_line(builder, customers, _PLACE(row)) for row in range(rows)]
            zero = ir.Constant(vector, [0.0] * lanes)
            sums = [[_compiler.alloca_once_value(builder, zero) for _ in range(vectors)] for _ in lines]
            with _compiler.for_range(builder, builder.extract_value(items.shape, 0)) as loop:
                places = _vectors(builder, _line(builder, items, loop.index), vectors, vector)
                loaded = [builder.load(place, align=4) for place in places]
                for line, totals in zip(lines, sums, strict=True):
                    number = _repeated(builder, builder.load(builder.gep(line, [loop.index])), vector)
                    for values, total in zip(loaded, totals, strict=True):
                        builder.store(builder.call(fused, [number, values, builder.load(total)]), total)
            for row, totals in enumerate(sums):
                places = _vectors(builder, _line(builder, products, _PLACE(row)), vectors, vector)
                for place, total in zip(places, totals, strict=True):
                    builder.store(builder.load(total), place, align=4)
            return context.get_dummy_value()

        return types.void(left, panel, out), generate

    return tile


def _line(builder: Any, array: Any, row: Any) -> Any:
    """Return the pointer to the first number of a row."""
    start = builder.mul(builder.extract_value(array.strides, 0), row)
    first = builder.bitcast(array.data, ir.IntType(8).as_pointer())
    return builder.bitcast(builder.gep(first, [start]), _FLOAT.as_pointer())


def _vectors(builder: Any, line: Any, count: int, vector: Any) -> list[Any]:
    """Return the pointers to the vectors of a row."""
    starts = [builder.gep(line, [_PLACE(part * vector.count)]) for part in range(count)]
    return [builder.bitcast(start, vector.as_pointer()) for start in starts]


def _repeated(builder: Any, number: Any, vector: Any) -> Any:
    """Return a vector that holds one number everywhere."""
    nothing, place = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(nothing, number, place(0))
    zeros = ir.Constant(ir.VectorType(place, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, nothing, zeros)


_narrow, _wide = _tile(4, 3, 8), _tile(6, 4, 16)
NARROW, WIDE = 3 * 8, 4 * 16  # items of a panel


@numba.njit(cache=True, nogil=True)
def multiply(
    left: FactorMatrix, panels: FactorMatrix, out: FactorMatrix
) -> None:  # pragma: no cover  (compiled)
    """Write the products of customers, in whole tiles, and all items; the last panel may hold fewer."""
    width, n = panels.shape[2], out.shape[1]
    last = np.empty((6, width), np.float32)
    for begin in range(0, len(left), _CUSTOMERS):
        end = min(begin + _CUSTOMERS, len(left))
        for number in range(len(panels)):
            start = number * width
            whole = start + width <= n
            if width == WIDE:
                for row in range(begin, end, 6):
                    place = out[row : row + 6, start : start + width] if whole else last
                    _wide(left[row : row + 6], panels[number], place)
                    if not whole:
                        out[row : row + 6, start:] = last[:, : n - start]
            else:
                for row in range(begin, end, 4):
                    place = out[row : row + 4, start : start + width] if whole else last
                    _narrow(left[row : row + 4], panels[number], place)
                    if not whole:
                        out[row : row + 4, start:] = last[:4, : n - start]

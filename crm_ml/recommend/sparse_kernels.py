"""Compiled products of sparse rows, each summed in the order of the left row; imported where one runs."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rows = tuple[Array, Array, Array]  # indptr, indices and data of a csr_array


@numba.njit(cache=True, nogil=True)
def multiply(left: Rows, right: Rows, out: Array) -> None:  # pragma: no cover  (compiled)
    """Write ``left @ right``."""
    for row in range(len(out)):
        _add_row(left, right, row, out[row])


@numba.njit(cache=True, nogil=True)
def _add_row(left: Rows, right: Rows, row: int, total: Array) -> None:  # pragma: no cover  (compiled)
    total[:] = 0.0
    for place in range(left[0][row], left[0][row + 1]):
        inner, value = left[1][place], left[2][place]
        for other in range(right[0][inner], right[0][inner + 1]):
            total[right[1][other]] += value * right[2][other]


@numba.njit(cache=True, nogil=True)
def multiply_dense(left: Rows, right: Array, out: Array) -> None:  # pragma: no cover  (compiled)
    """Write ``left @ right`` of a dense matrix in doubles, whatever its own precision."""
    for row in range(len(out)):
        total = out[row]
        total[:] = 0.0
        for place in range(left[0][row], left[0][row + 1]):
            value, other = left[2][place], right[left[1][place]]
            for column in range(len(total)):
                total[column] += value * other[column]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def nearest(
    columns: Rows, rows: Rows, norms: Array, shrink: float, items: Array, values: Array, count: Array
) -> None:  # pragma: no cover  (compiled)
    """Write the largest similarities of each item in the order of the items; of equal ones the first."""
    n, most = items.shape
    total, largest = np.empty(n), np.empty(most)
    for item in range(n):
        _add_row(columns, rows, item, total)
        total[item] = 0.0
        for other in range(n):
            total[other] /= norms[item] * norms[other] + shrink
        largest[:] = 0.0
        for value in total:
            if value > largest[0]:
                _replace_least(largest, value)
        least, filled = largest[0], 0
        equal = most - np.sum(largest > least) if least > 0 else 0
        for other in range(n):
            value = total[other]
            if value > least or (value == least and equal > 0):
                equal -= value == least
                items[item, filled], values[item, filled] = other, value
                filled += 1
        count[item] = filled


@numba.njit(cache=True, nogil=True)
def _replace_least(heap: Array, value: float) -> None:  # pragma: no cover  (compiled)
    """Put a value in the place of the least one, which stands first."""
    place, size = 0, len(heap)
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@numba.njit(cache=True, nogil=True)
def quadratic_forms(columns: Rows, inner: Array, out: Array) -> None:  # pragma: no cover  (compiled)
    """Write ``x' A x`` of each sparse column x."""
    for item in range(len(out)):
        start, end = columns[0][item], columns[0][item + 1]
        total = 0.0
        for place in range(start, end):
            row, partial = inner[columns[1][place]], 0.0
            for other in range(start, end):
                partial += row[columns[1][other]] * columns[2][other]
            total += partial * columns[2][place]
        out[item] = total


@numba.njit(cache=True, nogil=True)
def products_among(
    columns: Rows, rows: Rows, chosen: Array, item: int, place: Array, gram: Array, towards: Array
) -> None:  # pragma: no cover  (compiled)
    """Write ``X_N' X_N`` of some columns N of a sparse matrix, and ``X_N' x_i``, into zeros.

    Parameters
    ----------
    columns, rows : tuple of arrays
        The matrix by columns and by rows.
    chosen : numpy.ndarray of int, shape (m,)
        N.
    item : int
    place : numpy.ndarray of int
        -1 for each column, before and after.
    gram : numpy.ndarray, shape (m, m)
    towards : numpy.ndarray, shape (m,)
    """
    for number in range(len(chosen)):
        place[chosen[number]] = number
    for number in range(len(chosen)):
        start, end = columns[0][chosen[number]], columns[0][chosen[number] + 1]
        for at in range(start, end):
            row, value = columns[1][at], columns[2][at]
            for other in range(rows[0][row], rows[0][row + 1]):
                column = rows[1][other]
                if place[column] >= 0:
                    gram[number, place[column]] += value * rows[2][other]
                elif column == item:
                    towards[number] += value * rows[2][other]
    for number in range(len(chosen)):
        place[chosen[number]] = -1

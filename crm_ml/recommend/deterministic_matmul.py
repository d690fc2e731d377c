"""Matrix products of customer and item factors whose entries do not depend on the batch or the threads."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

FactorMatrix = npt.NDArray[np.float32]
_STEP = 4  # customers and factors that one pass takes together
_ITEMS = 1024  # items whose rows stay in the cache meanwhile


def transposed(items: FactorMatrix) -> FactorMatrix:
    """Return the transposed item factors for `products`, shape (f', n) with f' a multiple of 4."""
    return np.ascontiguousarray(_padded(items, 1).T)


def products(customers: FactorMatrix, items: FactorMatrix) -> FactorMatrix:
    """Return ``customers @ items``, each entry summed in the order of the factors.

    A BLAS library sums the rows of one matrix in orders that depend on their place and on its threads, so
    that equal items change places from run to run. Here no order does, at the same speed.

    Parameters
    ----------
    customers : numpy.ndarray of float32, shape (b, f)
    items : numpy.ndarray of float32, shape (f', n)
        Of `transposed`.

    Returns
    -------
    numpy.ndarray of float32, shape (b, n)

    Examples
    --------
    >>> items = transposed(np.array([[3, 4], [5, 6]], dtype=np.float32))
    >>> products(np.eye(1, 2, dtype=np.float32), items).tolist()
    [[3.0, 5.0]]
    """
    left = _padded(customers, 0, 1)
    out = np.empty((len(left), items.shape[1]), dtype=np.float32)
    _kernel()(left, items, out)
    return out[: len(customers)]


def _padded(matrix: FactorMatrix, *axes: int) -> FactorMatrix:
    """Add zeros up to whole steps."""
    missing = [(0, -matrix.shape[axis] % _STEP if axis in axes else 0) for axis in range(2)]
    return np.pad(np.asarray(matrix, dtype=np.float32), missing)


@cache
def _kernel() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True, fastmath={"contract"})(_multiply)


def _multiply(
    left: FactorMatrix, right: FactorMatrix, out: FactorMatrix
) -> None:  # pragma: no cover  (compiled)
    """Add four factors at a time to four customers, so that what is loaded once serves sixteen products."""
    for start in range(0, right.shape[1], _ITEMS):
        end = min(start + _ITEMS, right.shape[1])
        for row in range(0, left.shape[0], _STEP):
            out[row : row + _STEP, start:end] = 0.0
            o0, o1, o2, o3 = (
                out[row, start:end],
                out[row + 1, start:end],
                out[row + 2, start:end],
                out[row + 3, start:end],
            )
            for factor in range(0, right.shape[0], _STEP):
                r0, r1, r2, r3 = (
                    right[factor, start:end],
                    right[factor + 1, start:end],
                    right[factor + 2, start:end],
                    right[factor + 3, start:end],
                )
                a, b, c, d = left[row], left[row + 1], left[row + 2], left[row + 3]
                a0, a1, a2, a3 = a[factor], a[factor + 1], a[factor + 2], a[factor + 3]
                b0, b1, b2, b3 = b[factor], b[factor + 1], b[factor + 2], b[factor + 3]
                c0, c1, c2, c3 = c[factor], c[factor + 1], c[factor + 2], c[factor + 3]
                d0, d1, d2, d3 = d[factor], d[factor + 1], d[factor + 2], d[factor + 3]
                for item in range(end - start):
                    x0, x1, x2, x3 = r0[item], r1[item], r2[item], r3[item]
                    o0[item] = o0[item] + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                    o1[item] = o1[item] + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                    o2[item] = o2[item] + c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                    o3[item] = o3[item] + d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3

"""Matrix products of customer and item factors whose entries do not depend on the batch or the threads."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

FactorMatrix = npt.NDArray[np.float32]
_STEP = 12  # customers in whole tiles of each kernel


@dataclass(frozen=True, eq=False)
class PackedItems:
    """Item factors in the order in which a kernel reads them.

    Parameters
    ----------
    panels : numpy.ndarray of float32, shape (p, f, w)
        Factors of w items at a time; zeros behind the last item.
    count : int
        Number of items n.
    """

    panels: FactorMatrix
    count: int


def packed(items: FactorMatrix, width: int | None = None) -> PackedItems:
    """Return item factors for `products`.

    Parameters
    ----------
    items : numpy.ndarray of float32, shape (n, f)
    width : int, optional
        Items of a panel: ``NARROW`` or ``WIDE`` of `crm_ml.recommend.product_kernels`; without it, the one
        for the vectors of this processor. No product depends on it.
    """
    width = width or _width()
    padded = np.pad(np.asarray(items, dtype=np.float32), ((0, -len(items) % width), (0, 0)))
    panels = padded.reshape(-1, width, items.shape[1]).transpose(0, 2, 1)
    return PackedItems(np.ascontiguousarray(panels), len(items))


def products(customers: FactorMatrix, items: PackedItems) -> FactorMatrix:
    """Return ``customers @ items.T``, each entry summed in the order of the factors.

    A BLAS library sums the rows of one matrix in orders that depend on their place and on its threads, so
    that equal items change places from run to run. Here no order does, at the same speed.

    Parameters
    ----------
    customers : numpy.ndarray of float32, shape (b, f)
    items : PackedItems

    Returns
    -------
    numpy.ndarray of float32, shape (b, n)

    Examples
    --------
    >>> items = packed(np.array([[3, 4], [5, 6]], dtype=np.float32))
    >>> products(np.eye(1, 2, dtype=np.float32), items).tolist()
    [[3.0, 5.0]]
    """
    from crm_ml.recommend.product_kernels import multiply

    left = np.pad(np.asarray(customers, dtype=np.float32), ((0, -len(customers) % _STEP), (0, 0)))
    out = np.empty((len(left), items.count), dtype=np.float32)
    multiply(left, items.panels, out)
    return out[: len(customers)]


@cache
def _width() -> int:
    """Return the width of a panel for this processor: vectors of 16 numbers where it has them, or of 8."""
    from llvmlite.binding import get_host_cpu_features

    from crm_ml.recommend.product_kernels import NARROW, WIDE

    return WIDE if get_host_cpu_features().get("avx512f") else NARROW

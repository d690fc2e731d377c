"""The inverse of `EASE`, changed for the customers who have other items than before."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.recommend.interactions import Ints
from crm_ml.recommend.sparse_products import dense_product

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LARGEST_ERROR = 1e-3  # of the product of the matrix and its inverse, for one that is good enough


def grown(inverse: npt.NDArray[np.float32], places: Ints, items: int, l2: float) -> npt.NDArray[np.float32]:
    """Return an inverse in the numbers of now, in which new items stand alone."""
    grown = np.zeros((items, items), dtype=np.float32, order="F")
    grown[np.diag_indices(items)] = 1 / l2
    grown[np.ix_(places, places)] = inverse
    return grown


def changed(
    inverse: npt.NDArray[np.float32], now: "csr_array", before: "csr_array", had: "csr_array", l2: float
) -> bool:
    """Change ``(X'X + l2 I)^-1`` in place for other rows of some customers; return whether it is good enough.

    ``P - P U' (S + U P U')^-1 U P``, where U has the rows of now and those of before, and S is 1 for the
    former and -1 for the latter: equation 17 of [2]_ of `EASE`.

    Parameters
    ----------
    inverse : numpy.ndarray of float32, shape (n_items, n_items)
    now, before : scipy.sparse.csr_array, shape (moved customers, n_items)
    had : scipy.sparse.csr_array, shape (n_customers, n_items)
        All rows of now.
    l2 : float
    """
    from scipy.linalg import blas
    from scipy.sparse import csr_array, vstack
    from threadpoolctl import threadpool_limits

    rows = csr_array(vstack([now, before], format="csr"))
    through = dense_product(rows, inverse.T)  # which is equal, and has its rows in one piece
    signs = np.repeat([1.0, -1.0], [now.shape[0], before.shape[0]])
    with threadpool_limits(1, "blas"):  # sums over threads do not repeat
        inner = np.linalg.solve(
            np.diag(signs) + dense_product(rows, np.ascontiguousarray(through.T)), through
        )
        left, right = (
            np.asfortranarray(through.T, dtype=np.float32),
            np.asfortranarray(inner, dtype=np.float32),
        )
        blas.sgemm(-1.0, left, right, beta=1.0, c=inverse, overwrite_c=1)
    probe = np.ones(inverse.shape[0])
    solved = inverse @ probe.astype(np.float32)
    back = had.T @ (had @ solved.astype(np.float64)) + l2 * solved
    return bool(np.abs(back - probe).max() < _LARGEST_ERROR)

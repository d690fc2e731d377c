"""Dense products of sparse matrices, and the nearest columns of one."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.recommend.interactions import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def dense_product(left: "csr_array", right: "csr_array | npt.NDArray[Any]") -> Floats:
    """Return ``left @ right`` as a dense matrix of doubles; no entry depends on the rows beside it.

    It is several times as fast as a sparse product of which few entries are 0, and makes no copy in double
    precision of a dense matrix on the right.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> dense_product(csr_array([[1.0, 2.0]]), csr_array([[3.0, 0.0], [0.0, 4.0]])).tolist()
    [[3.0, 8.0]]
    """
    from crm_ml.recommend import sparse_kernels

    out = np.empty((left.shape[0], right.shape[1]))
    if isinstance(right, np.ndarray):
        sparse_kernels.multiply_dense(rows_of(left), right, out)
    else:
        sparse_kernels.multiply(rows_of(left), rows_of(right), out)
    return out


def nearest_items(weighted: "csr_array", neighbours: int, shrink: float) -> "csr_array":
    """Return ``s(i, j) = x_i . x_j / (|x_i| |x_j| + shrink)`` of each item and its nearest, without itself.

    Parameters
    ----------
    weighted : scipy.sparse.csr_array, shape (n_customers, n_items)
        Not negative; x_i is column i.
    neighbours : int
        Of equal similarities the first items are taken.
    shrink : float

    Returns
    -------
    scipy.sparse.csr_array, shape (n_items, n_items)
        Similarities above 0.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> weighted = csr_array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    >>> nearest_items(weighted, 1, 0.0).toarray().round(2).tolist()
    [[0.0, 0.0, 1.0], [0.71, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    from scipy.sparse import csr_array

    from crm_ml.recommend import sparse_kernels

    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=0)).ravel())
    n = weighted.shape[1]
    shape = n, min(neighbours, n)
    items, values, count = np.empty(shape, np.int32), np.empty(shape), np.zeros(n, np.int64)
    columns = rows_of(weighted.T.tocsr())
    sparse_kernels.nearest(columns, rows_of(weighted), norms, shrink, items, values, count)
    real = np.arange(shape[1]) < count[:, None]
    return csr_array((values[real], items[real], np.append(0, np.cumsum(count))), shape=(n, n))


def quadratic_forms(columns: "csr_array", inner: npt.NDArray[Any]) -> Floats:
    """Return ``x' A x`` of each sparse vector x, given as rows, and a dense matrix A.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> quadratic_forms(csr_array([[1.0, 2.0]]), np.array([[3.0, 1.0], [1.0, 5.0]])).tolist()
    [27.0]
    """
    from crm_ml.recommend import sparse_kernels

    out = np.empty(columns.shape[0])
    sparse_kernels.quadratic_forms(rows_of(columns), inner, out)
    return out


def rows_of(matrix: "csr_array") -> tuple[Any, Any, Any]:
    """Return the row starts, column numbers and values of a sparse matrix, for compiled functions."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data

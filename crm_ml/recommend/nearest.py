"""Which rows of a matrix point the same way as one of them: similar items, similar customers."""

from typing import Any

import numpy as np

from crm_ml.recommend.interactions import Floats, Ints


def nearest(vectors: Any, row: int, k: int) -> tuple[Ints, Floats]:
    """Return the k other rows with the largest cosine, of equal ones the first, and the cosine of each.

    Parameters
    ----------
    vectors : numpy.ndarray or scipy.sparse.csr_array, shape (n, d)
        A row of zeros points nowhere and is similar to none.
    row : int
    k : int
        Fewer are returned where fewer have a cosine above 0.

    Examples
    --------
    >>> rows, cosine = nearest(np.array([[1.0, 0], [2, 2], [0, 1], [0, 0]]), 0, k=3)
    >>> rows.tolist(), cosine.round(4).tolist()
    ([1], [0.7071])
    """
    cosine = _cosine(vectors, row)
    cosine[row] = 0.0
    order = np.argsort(-cosine, kind="stable")[:k]
    order = order[cosine[order] > 0]
    return order, cosine[order]


def _cosine(vectors: Any, row: int) -> Floats:
    if isinstance(vectors, np.ndarray):
        dense = vectors.astype(np.float64)
        products, size = (dense * dense[row]).sum(axis=1), np.sqrt((dense**2).sum(axis=1))
    else:
        one = vectors[[row]].astype(np.float64)
        products = np.asarray((vectors @ one.T).todense()).ravel()
        size = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1), dtype=np.float64)).ravel()
    weight = size * size[row]
    return np.asarray(np.divide(products, weight, out=np.zeros(len(size)), where=weight > 0))

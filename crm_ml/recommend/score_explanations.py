"""Scores as sums over the items of a customer, in words."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Ids

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TOP = 2


def told(contributions: "csr_array", items: Ids, top: int = TOP) -> list[str]:
    """Say which items of the customer add most to each score, with what they add.

    Parameters
    ----------
    contributions : scipy.sparse.csr_array, shape (n, n_items)
    items : numpy.ndarray of str, shape (n_items,)

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> told(csr_array(np.array([[0.0, 0.25, 0.5]])), np.array(["a", "b", "c"], dtype=object))
    ['goes with c (+0.5), b (+0.25)']
    """
    texts = []
    for row in range(contributions.shape[0]):
        part = slice(contributions.indptr[row], contributions.indptr[row + 1])
        columns, values = contributions.indices[part], contributions.data[part]
        order = np.lexsort((columns, -values))[:top]
        named = ", ".join(f"{items[columns[one]]} ({values[one]:+.3g})" for one in order if values[one])
        texts.append(f"goes with {named}" if named else "popular")
    return texts

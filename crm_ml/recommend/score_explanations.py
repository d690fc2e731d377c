"""Explanations of scores that are sums over the items of a customer."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.recommend.interactions import Ids

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TOP = 2


def contribution_texts(contributions: "csr_array", items: Ids, top: int = TOP) -> list[str]:
    """Return the items with the largest contributions to each score, in words.

    Parameters
    ----------
    contributions : scipy.sparse.csr_array, shape (n, n_items)
    items : numpy.ndarray of str, shape (n_items,)

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> contribution_texts(csr_array(np.array([[0.0, 0.25, 0.5]])), np.array(["a", "b", "c"], dtype=object))
    ['goes with c (+0.5), b (+0.25)']
    """
    texts = []
    for row in range(contributions.shape[0]):
        part = slice(contributions.indptr[row], contributions.indptr[row + 1])
        columns, values = contributions.indices[part], contributions.data[part]
        order = np.lexsort((columns, -values))[:top]
        named = ", ".join(
            f"{items[columns[place]]} ({values[place]:+.3g})" for place in order if values[place]
        )
        texts.append(f"goes with {named}" if named else "popular")
    return texts

"""Where the leaves of each tree stand from the left: a compiled loop; imported where it runs."""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@numba.njit(cache=True, nogil=True)
def leaf_places(
    leaves: Array, left: Array, right: Array, place: Array, start: Array, width: Array
) -> None:  # pragma: no cover  (compiled)
    """Write the place of each leaf from the left, and of each node where its left leaves start and how many.

    Parameters
    ----------
    leaves : numpy.ndarray of int, shape (trees,)
    left, right : numpy.ndarray of int, shape (nodes,)
        Children within their tree, behind their parent; -1 - leaf for a leaf.
    place : numpy.ndarray of int, shape (all leaves,)
    start, width : numpy.ndarray of int, shape (nodes,)
    """
    node0 = leaf0 = 0
    for count in leaves:
        nodes = count - 1
        below = np.empty(nodes, np.int64)
        for node in range(nodes - 1, -1, -1):
            child, other = left[node0 + node], right[node0 + node]
            width[node0 + node] = below[child] if child >= 0 else 1
            below[node] = width[node0 + node] + (below[other] if other >= 0 else 1)
        if nodes:
            start[node0] = 0
        else:
            place[leaf0] = 0
        for node in range(node0, node0 + nodes):
            for child, at in ((left[node], start[node]), (right[node], start[node] + width[node])):
                if child >= 0:
                    start[node0 + child] = at
                else:
                    place[leaf0 - 1 - child] = at
        node0 += nodes
        leaf0 += count

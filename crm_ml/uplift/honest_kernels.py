"""Compiled loops over the trees of a forest: which leaf a row falls into; imported where one runs."""

import numba
import numpy as np

from crm_ml.uplift.tree_nodes import Floats, Nodes, Places


@numba.njit(cache=True, nogil=True)
def count_nodes(
    matrix: Floats, y: Floats, nodes: Nodes, rows: Floats, sums: Floats
) -> None:  # pragma: no cover  (compiled)
    """Add each row of a matrix to the rows and sums of every node of one tree that it passes.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, k)
    y : numpy.ndarray, shape (n,)
    nodes : Nodes
        m of them, the first one is the root.
    rows, sums : numpy.ndarray, shape (m,)
    """
    for i in range(len(matrix)):
        node = 0
        rows[0] += 1
        sums[0] += y[i]
        while nodes.feature[node] >= 0:
            value = matrix[i, nodes.feature[node]]
            is_left = nodes.missing_left[node] if np.isnan(value) else value <= nodes.threshold[node]
            node = nodes.left[node] if is_left else nodes.right[node]
            rows[node] += 1
            sums[node] += y[i]


@numba.njit(cache=True, nogil=True)
def bag_means(
    matrix: Floats, roots: Places, nodes: Nodes, bag_size: int, out: Floats
) -> None:  # pragma: no cover  (compiled)
    """Write for each row the mean of the bags, their variance, and the mean variance within them.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, k)
    roots : numpy.ndarray of int, shape (t,)
        Those of a bag follow each other.
    nodes : Nodes
        Of all trees.
    bag_size : int
        Trees of a bag.
    out : numpy.ndarray, shape (n, 3)
    """
    bags = len(roots) // bag_size
    for i in range(len(matrix)):
        mean, spread, within = 0.0, 0.0, 0.0
        for bag in range(bags):
            middle, squares = 0.0, 0.0
            for tree in range(bag_size):
                node = roots[bag * bag_size + tree]
                while nodes.feature[node] >= 0:
                    x = matrix[i, nodes.feature[node]]
                    is_left = nodes.missing_left[node] if np.isnan(x) else x <= nodes.threshold[node]
                    node = nodes.left[node] if is_left else nodes.right[node]
                step = nodes.value[node] - middle  # Welford's update of a mean and of squares around it
                middle += step / (tree + 1)
                squares += step * (nodes.value[node] - middle)
            within += squares / (bag_size - 1)
            step = middle - mean
            mean += step / (bag + 1)
            spread += step * (middle - mean)
        out[i, 0], out[i, 1], out[i, 2] = mean, spread / (bags - 1), within / bags

"""Nodes and weights of Gauss and Legendre on the unit interval."""

from functools import cache

import numpy as np


@cache
def gauss_legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Return pairs of a node within 0..1 and its weight; the weights sum to 1.

    Examples
    --------
    >>> round(sum(weight * node**3 for node, weight in gauss_legendre(2)), 12)
    0.25
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return tuple(zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True))

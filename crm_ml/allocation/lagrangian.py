"""One pass over customers: the value of the dual, the use of each resource, and its change with prices."""

from dataclasses import dataclass

import numpy as np

from crm_ml.allocation.problem import Floats, Ints, Problem


@dataclass(frozen=True, eq=False)
class Smooth:
    """The smoothed dual at some prices.

    Parameters
    ----------
    value : float
    gradient : numpy.ndarray, shape (r,)
    hessian : numpy.ndarray, shape (r, r)
    """

    value: float
    gradient: Floats
    hessian: Floats


def smooth(problem: Problem, prices: Floats, temperature: float) -> Smooth:
    """Return ``D_T(prices) = prices b + sum_i T log sum_j exp(reduced_ij / T)`` with its derivatives.

    The sum over j has the reduced values ``v_ij - prices A usage_ij`` of a customer's actions and 0 for none.
    """
    from crm_ml.allocation import numba_kernels

    d = problem.A.shape[1]
    priced = problem.A.T @ prices
    usage, curvature, total = np.zeros(d), np.zeros((d, d)), 0.0
    for _, values, mask, costs in problem.chunks():
        total += numba_kernels.smooth(
            values, mask, costs, priced, problem.group, problem.most, temperature, usage, curvature
        )
    return Smooth(
        float(prices @ problem.b + total),
        problem.b - problem.A @ usage,
        problem.A @ curvature @ problem.A.T,
    )


def exact(problem: Problem, prices: Floats) -> tuple[float, Ints, Floats]:
    """Return the dual at prices, each customer's best actions and their margin.

    Returns
    -------
    value : float
        An upper bound of the value of every allocation.
    actions : numpy.ndarray of int, shape (n, most)
        -1 for none.
    margin : numpy.ndarray, shape (n,)
        Smallest change of a reduced value that changes the customer's actions.
    """
    from crm_ml.allocation import numba_kernels

    n, _ = problem.shape
    priced = problem.A.T @ prices
    actions = np.full((n, problem.most), -1, dtype=np.int16)
    margin, total = np.empty(n, dtype=np.float32), 0.0
    for start, values, mask, costs in problem.chunks():
        piece = slice(start, start + len(values))
        total += numba_kernels.exact(
            values, mask, costs, priced, problem.group, actions[piece], margin[piece]
        )
    return float(prices @ problem.b + total), actions, margin

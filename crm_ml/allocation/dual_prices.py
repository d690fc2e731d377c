"""Prices of resources: the smoothed dual, minimised by projected Newton steps, first on a sample."""

from dataclasses import replace

import numpy as np

from crm_ml.allocation.lagrangian import Customers, Smooth, smooth
from crm_ml.allocation.problem import Floats, Problem
from crm_ml.allocation.sample import SAMPLE, Sample

_STAGES = ((20_000, (0.3, 0.1, 0.03, 0.01)), (SAMPLE, (0.005, 0.002)))  # customers and temperatures
_STEPS, _HALVINGS = 30, 12
_PASSES = 6  # over all customers, where they are many: the integer program corrects the rest
_NEAR = 1_000.0  # customers that are about indifferent at the last temperature
_RIDGE = 1e-8
_TOLERANCE = 1e-4  # of the resources, or of the customers


def prices_of(problem: Problem, customers: Customers, sample: Sample, scale: float) -> Floats:
    """Return prices close to the optimum, one for each resource.

    Parameters
    ----------
    problem : Problem
    customers : Customers
    sample : Sample
        Those of the smallest draws; all, where they are few.
    scale : float
        Typical value of an action.

    References
    ----------
    .. [1] Bertsekas (1982). Projected Newton methods for optimization problems with simple constraints. SIAM
       J. Control Optim. 20, section 2.
    """
    n = customers.n
    prices: Floats = np.zeros(len(problem.b))
    last = float(np.clip(_NEAR / n, 1e-4, 0.03))
    for rows, temperatures in _STAGES:
        if 2 * rows < n:
            few = sample.customers(customers, rows)
            part = replace(problem, b=problem.b * few.n / n)
            for temperature in temperatures:
                prices = minimise(part, few, prices, max(temperature, last) * scale, scale)
    everyone = sample.customers(customers, n) if sample.is_whole else customers
    if n <= 2 * _STAGES[0][0]:
        for temperature in _STAGES[0][1][:2]:
            prices = minimise(problem, everyone, prices, temperature * scale, scale)
    passes = _PASSES if n > 2 * _STAGES[-1][0] else _STEPS * _HALVINGS
    return minimise(problem, everyone, prices, last * scale, scale, passes)


def minimise(
    problem: Problem,
    customers: Customers,
    start: Floats,
    temperature: float,
    scale: float,
    passes: int = _STEPS * _HALVINGS,
) -> Floats:
    """Minimise the smoothed dual over prices of at least 0, in about `passes` passes over the customers."""
    prices, now = start, smooth(problem, customers, start, temperature)
    some = 0.01 * np.abs(problem.A).max(axis=1) * customers.n
    enough = _TOLERANCE * np.maximum(np.abs(problem.b), some)
    for _ in range(_STEPS):
        if passes <= 0:
            break
        held = (prices <= 0) & (now.gradient >= 0)
        if (np.abs(now.gradient[~held]) <= enough[~held]).all():
            break
        moved = _descended(problem, customers, prices, now, _step(now, prices, scale), temperature)
        if moved is None:
            break
        prices, now, needed = moved
        passes -= needed
    return prices


def _step(now: Smooth, prices: Floats, scale: float) -> Floats:
    """Return the step to the minimum of the quadratic model over prices of at least 0.

    With ``H = L L'`` it is the least squares problem ``min |L' y - L^-1 (H prices - g)|, y >= 0``. No price
    moves by more than the scale of values, which alone limits the prices of two nearly equal resources.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    ridge = _RIDGE * max(float(np.diag(now.hessian).max()), 1e-12)
    hessian = now.hessian + ridge * np.eye(len(prices))
    lower = np.linalg.cholesky(hessian)
    wanted = solve_triangular(lower, hessian @ prices - now.gradient, lower=True)
    there, _ = nnls(lower.T, wanted)
    step: Floats = np.clip(np.asarray(there, dtype=np.float64) - prices, -scale, scale)
    return step


def _descended(
    problem: Problem, customers: Customers, prices: Floats, now: Smooth, step: Floats, temperature: float
) -> tuple[Floats, Smooth, int] | None:
    """Halve a step until the dual falls enough; return prices, dual and passes, or None if it never does."""
    length, slope = 1.0, float(now.gradient @ step)
    for passes in range(1, _HALVINGS + 1):
        there = prices + length * step
        then = smooth(problem, customers, there, temperature)
        if then.value <= now.value + 1e-4 * length * slope:
            return there, then, passes
        length /= 2
    return None

"""Prices of resources: the smoothed dual, minimised by projected Newton steps, first on a sample."""

import numpy as np

from crm_ml.score.allocation.kernel import Smooth, smooth
from crm_ml.score.allocation.problem import Floats, Problem

SAMPLE = 20_000
_SAMPLE_TEMPERATURES = (0.3, 0.1, 0.03, 0.01)
_STEPS, _HALVINGS = 30, 12
_NEAR = 1_000.0  # customers that are about indifferent at the last temperature
_TOLERANCE = 1e-4  # of the resources, or of the customers


def prices_of(problem: Problem, scale: float) -> Floats:
    """Return prices close to the optimum, one a resource.

    Parameters
    ----------
    problem : Problem
    scale : float
        Typical value of an action.

    References
    ----------
    .. [1] Bertsekas (1982). Projected Newton methods for optimization problems with simple constraints. SIAM
       J. Control Optim. 20, section 2.
    """
    n, _ = problem.shape
    found = np.zeros(len(problem.b))
    last = float(np.clip(_NEAR / n, 1e-4, 0.03)) * scale
    if n > 2 * SAMPLE:
        few = problem.rows(np.linspace(0, n - 1, SAMPLE).astype(np.int64))
        for temperature in _SAMPLE_TEMPERATURES:
            found = minimise(few, found, temperature * scale, scale)
    else:
        for temperature in _SAMPLE_TEMPERATURES[:3]:
            if temperature * scale > last:
                found = minimise(problem, found, temperature * scale, scale)
    for temperature in (10 * last, 3 * last, last) if n > 2 * SAMPLE else (last,):
        found = minimise(problem, found, temperature, scale)
    return found


def minimise(problem: Problem, start: Floats, temperature: float, scale: float) -> Floats:
    """Minimise the smoothed dual over prices that are not below 0."""
    prices, now = start, smooth(problem, start, temperature)
    enough = _TOLERANCE * np.maximum(
        np.abs(problem.b), 0.01 * np.abs(problem.A).max(axis=1) * problem.shape[0]
    )
    for _ in range(_STEPS):
        held = (prices <= 0) & (now.gradient >= 0)
        if (np.abs(now.gradient[~held]) <= enough[~held]).all():
            break
        direction = _direction(now, ~held, scale, problem)
        moved = _descended(problem, prices, now, direction, temperature)
        if moved is None:
            break
        prices, now = moved
    return prices


def _direction(
    now: Smooth, free: "np.ndarray[tuple[int], np.dtype[np.bool_]]", scale: float, problem: Problem
) -> Floats:
    """Return the Newton step of the prices that are free, none of which moves a value by more than its scale."""
    direction = np.zeros(len(free))
    hessian = now.hessian[np.ix_(free, free)]
    ridge = 1e-8 * max(float(np.diag(hessian).max()), 1e-12)
    direction[free] = -np.linalg.solve(hessian + ridge * np.eye(len(hessian)), now.gradient[free])
    longest = float(np.abs(problem.A[:, : problem.shape[1]].T @ direction).max()) if problem.shape[1] else 0.0
    return direction * min(1.0, scale / longest) if longest > 0 else direction


def _descended(
    problem: Problem, prices: Floats, now: Smooth, direction: Floats, temperature: float
) -> tuple[Floats, Smooth] | None:
    """Go along a direction, projected, until the dual has fallen enough; None where it does not."""
    length = 1.0
    for _ in range(_HALVINGS):
        there = np.maximum(prices + length * direction, 0.0)
        then = smooth(problem, there, temperature)
        if then.value <= now.value + 1e-4 * float(now.gradient @ (there - prices)):
            return there, then
        length /= 2
    return None

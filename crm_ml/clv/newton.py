"""Newton's method inside bounds: steps that do not lower the likelihood, and the Hessian."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]
BOUND = 14.0
_STEP = 1e-4
_AT_BOUND = 1e-3
_TOLERANCE = 1e-8
_ENOUGH = 1e3 * _TOLERANCE
_NEWTON = 30
_HALVINGS = 10
_NOISE = 1e-8
_NO_GAIN = 1e-10


@dataclass(frozen=True, eq=False)
class Top:
    """The point where Newton's method ended, with value, gradient and Hessian."""

    theta: Floats
    value: float
    gradient: Floats
    hessian: Floats

    @property
    def slope(self) -> float:
        """Largest slope of the parameters that are not at a bound."""
        return float(np.abs(self.gradient[free_parameters(self.theta)]).max(initial=0.0))

    @property
    def is_maximum(self) -> bool:
        """Whether the slope is near zero, or a Newton step would gain nothing."""
        free = free_parameters(self.theta)
        if not (np.isfinite(self.value) and np.isfinite(self.hessian).all()):
            return False
        step = ascent_step(self.hessian[np.ix_(free, free)], self.gradient[free])
        return self.slope < _ENOUGH or float(step @ self.gradient[free]) < _NO_GAIN


def newton(objective: Objective, theta: Floats, hessian: Floats) -> Top:
    """Take Newton steps in the parameters inside their bounds while the likelihood rises.

    The Hessian is updated by the symmetric rank-one formula, and by differences where the slope hardly falls.
    """
    value, gradient = objective(theta)
    for _ in range(_NEWTON):
        free = free_parameters(theta)
        slope = np.abs(gradient[free]).max(initial=0.0)
        if slope < _TOLERANCE / 1e3:
            break
        step = np.zeros_like(theta)
        step[free] = ascent_step(hessian[np.ix_(free, free)], gradient[free])
        moved = _uphill(objective, theta, step, value, slope)
        if moved is None:
            break
        shrunk = np.abs(moved[2][free]).max() < slope / 4
        hessian = updated_hessian(hessian, moved[0] - theta, moved[2] - gradient)
        theta, value, gradient = moved
        if np.abs(step).max() < 1e-10:
            break
        if not shrunk:
            hessian = numerical_hessian(objective, theta)
    return Top(theta, value, gradient, hessian)


def _uphill(
    objective: Objective, theta: Floats, step: Floats, value: float, slope: float
) -> tuple[Floats, float, Floats] | None:
    """Return the point after the largest part of a step that does not lower the value; None if there is none.

    Where values agree to the last digits, a smaller slope decides.
    """
    free, noise = free_parameters(theta), _NOISE * max(1.0, abs(value))
    size = min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
    for _ in range(_HALVINGS):
        moved = np.clip(theta + size * step, -BOUND, BOUND)
        new_value, gradient = objective(moved)
        flatter = new_value >= value - noise and np.abs(gradient[free]).max() < slope
        if new_value >= value - 1e-14 * abs(value) or flatter:
            return moved, new_value, gradient
        size /= 2
    return None


def ascent_step(hessian: Floats, gradient: Floats) -> Floats:
    """Return Newton's step, turned uphill where the likelihood is not concave."""
    values, vectors = np.linalg.eigh(hessian)
    curvature = np.maximum(np.abs(values), 1e-12)
    return np.asarray(vectors @ ((vectors.T @ gradient) / curvature))


def updated_hessian(hessian: Floats, change: Floats, turn: Floats) -> Floats:
    """Return a Hessian after a symmetric rank-one update from a change of point and of gradient."""
    missed = turn - hessian @ change
    along = float(missed @ change)
    if abs(along) <= 1e-8 * float(np.linalg.norm(missed) * np.linalg.norm(change)):
        return hessian
    return hessian + np.outer(missed, missed) / along


def numerical_hessian(objective: Objective, theta: Floats) -> Floats:
    """Return the matrix of second derivatives, by central differences of the gradient."""
    rows = []
    for i in range(len(theta)):
        step = np.zeros_like(theta)
        step[i] = _STEP
        up, down = objective(theta + step)[1], objective(theta - step)[1]
        rows.append((up - down) / (2 * _STEP))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def penalised(objective: Objective, weights: Floats) -> Objective:
    """Return an objective less the sum of weights times squares; as it is where all weights are 0."""

    def less(theta: Floats) -> tuple[float, Floats]:
        value, gradient = objective(theta)
        return value - float(weights @ theta**2), gradient - 2 * weights * theta

    return less if weights.any() else objective


def free_parameters(theta: Floats) -> npt.NDArray[np.bool_]:
    """Say of each parameter whether it is inside its bounds."""
    return np.asarray(np.abs(theta) < BOUND - _AT_BOUND)

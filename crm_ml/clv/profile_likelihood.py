"""Profile-likelihood intervals, asymmetric where the likelihood is."""

from dataclasses import dataclass, replace
from math import exp, inf, isclose, sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.clv.maximum_likelihood import NotConverged
from crm_ml.clv.newton import BOUND, Objective, ascent_step, numerical_hessian, updated_hessian
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_POINTS = 60
_CLIMB = 60
_ENOUGH = 1e-9
_CLOSE = 1e-6
_ABOVE = 1e-2
_LONGEST = 2.0
_HALVINGS = 20


def profile_intervals(
    model: PurchaseModel, summary: "pd.DataFrame", level: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Return profile-likelihood intervals of the parameters.

    Parameters
    ----------
    model : BetaGeo, ModifiedBetaGeo or ParetoNBD
        Fitted to `summary`; not changed.
    summary : pandas.DataFrame, shape (n, ...)
    level : float
        .95 for 95 %.

    Returns
    -------
    dict of str to (float, float)
        Lower and upper end of each parameter, in the unit of the summary. An end that is not reached within
        ``exp(-14)`` to ``exp(14)`` (times: in units of mean T), or only because another parameter is at its
        bound, is 0 or an infinity: the data do not rule it out.

    Raises
    ------
    InputError
        If the model is not fitted, `summary` is no valid summary, in another unit or not the one the model
        was fitted to, or `level` is not between 0 and 1.
    NotConverged
        If the likelihood is higher elsewhere than at the fit, or an end is not found.

    Notes
    -----
    With log-likelihood L, estimate t and quantile c of the chi-square distribution with one degree of
    freedom, the interval of parameter i holds the values u with::

        2 (L(t) - max over the other parameters of L(.., t_i = u, ..)) <= c

    around the estimate. Unlike an interval from the Hessian, it does not depend on the parametrisation. An
    end is sought by Newton's method on the square root of the left side, within a bracket; the slope of the
    profile is the partial derivative of L. The others follow by a quasi-Newton method from the last point.

    References
    ----------
    .. [1] Venzon and Moolgavkar (1988). A method for computing profile-likelihood-based confidence intervals.
       Applied Statistics 37, 87 to 94.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.clv import BetaGeo
    >>> rows = {"frequency": [0, 1, 2, 5, 0, 3], "recency": [0, 9, 20, 30, 0, 12]}
    >>> summary = pd.DataFrame(rows | {"T": [38.0, 38, 36, 35, 30, 39]})
    >>> model = BetaGeo().fit(summary)
    >>> low, high = profile_intervals(model, summary)["r"]
    >>> low < model.params_["r"] < high
    True
    >>> profile_intervals(model, summary.head(5))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: summary: the log-likelihood of BetaGeo is ... on it, but ... where it was ...
    """
    from scipy.stats import chi2
    from threadpoolctl import threadpool_limits

    model._check_fitted()
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it must be between 0 and 1, .95 for 95 %")
    likelihood, scale, shift = _likelihood(model, summary)
    drop = float(chi2.ppf(level, 1))
    with threadpool_limits(1, "blas"):
        hessian = numerical_hessian(likelihood.mean, likelihood.theta)
        top = _Point(likelihood.theta, *likelihood.mean(likelihood.theta), hessian)
        each = range(len(model.NAMES))
        ends = [[_end(likelihood, top, i, side, drop) for i in each] for side in (-1, 1)]
    low, high = (model.natural(np.array(end) * scale + shift).tolist() for end in ends)
    return dict(zip(model.NAMES, zip(low, high, strict=True), strict=True))


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """The mean log-likelihood in scaled time, the number of customers, and the maximising parameters."""

    mean: Objective
    customers: float
    theta: Floats


@dataclass(frozen=True, eq=False)
class _Point:
    """Logarithms of the parameters, the mean log-likelihood there, its gradient and about its Hessian."""

    theta: Floats
    value: float
    gradient: Floats
    hessian: Floats


def _likelihood(model: PurchaseModel, summary: "pd.DataFrame") -> tuple[_Likelihood, Floats, Floats]:
    """Return the likelihood that the model was fitted by, and scale and shift of each parameter there."""
    histories = model.histories_of(summary)
    value, _ = model._log_likelihood(model.theta_, histories)
    if not isclose(value, model.log_likelihood_, rel_tol=1e-12, abs_tol=1e-6):
        raise InputError(
            f"summary: the log-likelihood of {type(model).__name__} is {value:,.6f} on it, but "
            f"{model.log_likelihood_:,.6f} where it was fitted; give the summary that it was fitted to"
        )
    customers = float(histories.weight.sum())
    whole, turn, shift = model.search_space(histories, centred=False)
    scale = np.diag(turn)
    theta = np.clip((model.theta_ - shift) / scale, -BOUND, BOUND)
    return _Likelihood(model._mean(whole), customers, theta), scale, shift


def _end(likelihood: _Likelihood, top: _Point, i: int, side: int, drop: float) -> float:
    """Return the logarithm of parameter i at which twice the log-likelihood has dropped, or an infinity."""
    start, room = float(top.theta[i]), BOUND - side * float(top.theta[i])
    away, low, high, point = _first(likelihood, top, i, drop), 0.0, inf, top
    for _ in range(_POINTS):
        away = min(away, room)
        point = _climbed(likelihood, point, _moved(point, i, start + side * away), i)
        dropped = 2 * likelihood.customers * (top.value - point.value)
        if dropped < -_ABOVE:
            raise NotConverged(
                f"the likelihood is higher by {-dropped / 2:.2g} than at the fit where parameter {i + 1} is "
                f"moved by a factor of {exp(side * away):.4g}; fit again"
            )
        if abs(dropped - drop) < _CLOSE or high - low < _ENOUGH:
            return side * inf if _is_stopped(likelihood, point) else start + side * away
        if dropped < drop and away >= room:
            return side * inf
        low, high = (away, high) if dropped < drop else (low, away)
        slope = -side * likelihood.customers * float(point.gradient[i])
        away = _next(away, low, high, dropped, slope, drop)
    raise NotConverged(f"no end of the interval of parameter {i + 1} was found within {_POINTS} points")


def _first(likelihood: _Likelihood, top: _Point, i: int, drop: float) -> float:
    """Return the distance of the end by the curvature at the maximum, at most 1."""
    direction = np.zeros_like(top.theta)
    direction[i] = 1.0
    variance = float(ascent_step(top.hessian, direction)[i]) / likelihood.customers
    return min(sqrt(drop * variance), 1.0)


def _next(away: float, low: float, high: float, dropped: float, slope: float, drop: float) -> float:
    """Return Newton's next distance for ``sqrt(dropped) = sqrt(drop)``, or one inside the bracket."""
    far = (low + high) / 2 if high < inf else 2 * away + 1
    if dropped <= 0 or slope <= 0:
        return far
    root = sqrt(dropped)
    proposed = away + (sqrt(drop) - root) * root / slope
    return min(proposed, 2 * away + 1) if low < proposed < high else far


def _moved(point: _Point, i: int, to: float) -> Floats:
    """Move parameter i, and the others by the quadratic approximation at the point."""
    theta, change = point.theta.copy(), to - point.theta[i]
    others = _others(point, i)
    inner = point.hessian[np.ix_(others, others)]
    follow = ascent_step(inner, point.hessian[others, i] * change)
    theta[others] += np.clip(follow, -3 * abs(change), 3 * abs(change))
    theta[i] = to
    return np.clip(theta, -BOUND, BOUND)


def _climbed(likelihood: _Likelihood, point: _Point, start: Floats, i: int) -> _Point:
    """Maximise over the others with parameter i fixed, by a quasi-Newton method.

    The Hessian is updated by the symmetric rank-one formula, and recomputed where a step fails.
    """
    now = _Point(start, *likelihood.mean(start), point.hessian)
    fresh = False
    for _ in range(_CLIMB):
        others = _others(now, i)
        step = np.zeros_like(start)
        step[others] = ascent_step(now.hessian[np.ix_(others, others)], now.gradient[others])
        if 2 * likelihood.customers * float(now.gradient @ step) < _ENOUGH:
            break
        moved = _uphill(likelihood.mean, now, step)
        if moved is not None:
            now, fresh = moved, False
        elif fresh:
            break
        else:
            now, fresh = replace(now, hessian=numerical_hessian(likelihood.mean, now.theta)), True
    return now


def _uphill(mean: Objective, now: _Point, step: Floats) -> _Point | None:
    """Return the point after the largest part of a step that raises the value; None if there is none."""
    size = min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
    for _ in range(_HALVINGS):
        theta = np.clip(now.theta + size * step, -BOUND, BOUND)
        value, gradient = mean(theta)
        if value > now.value:
            hessian = updated_hessian(now.hessian, theta - now.theta, gradient - now.gradient)
            return _Point(theta, value, gradient, hessian)
        size /= 4
    return None


def _is_stopped(likelihood: _Likelihood, point: _Point) -> bool:
    """Whether the likelihood would be higher beyond the bound of a parameter."""
    out = (np.abs(point.theta) >= BOUND) & (point.gradient * point.theta > 0)
    return bool((2 * likelihood.customers * np.abs(point.gradient[out]) > _ABOVE).any())


def _others(point: _Point, i: int) -> npt.NDArray[np.intp]:
    """Return the parameters beside i that are not held at a bound by their slope."""
    held = (np.abs(point.theta) >= BOUND) & (point.gradient * point.theta >= 0)
    held[i] = True
    return np.flatnonzero(~held)

"""Draws of parameters from their posterior, which includes the ends of their range and curved ridges."""

import math
from collections.abc import Callable

import numpy as np

from crm_ml.clv.gamma_gamma import GammaGamma
from crm_ml.clv.newton import BOUND
from crm_ml.clv.parameter_priors import MEAN_SPEND, SPEND_SHAPE, SPEND_TAIL, prior_of
from crm_ml.clv.purchase_histories import Floats, Histories
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.spend_likelihood import log_likelihood
from crm_ml.clv.spend_summary import Grouped, Spend
from crm_ml.errors import InputError

Density = Callable[[Floats], float]
DRAWS = 300
_ROWS = 1_000
_ROUNDS, _SIZE, _TAIL = 4, 300, 5
_START = 3.0
_STEP = 1e-2
_FLATTEST = 0.25
_INFLATED = 1.3


def posterior_of_purchases(
    model: PurchaseModel, histories: Histories, rng: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Return draws of the logarithms of the parameters of a fitted purchase model, shape (draws, d).

    Parameters
    ----------
    model : PurchaseModel
        Fitted to these histories.
    histories : Histories
        Of more than 2,000 distinct ones every so many are taken, with the weight of all, and the draws are
        centred at the fit.
    rng : numpy.random.Generator
    draws : int

    Notes
    -----
    Priors are weak and stated in decision 88, see `crm_ml.clv.parameter_priors`.
    With hundreds of repeat purchases they do not matter; where the likelihood is flat, as where a parameter
    runs to the end of its range, they keep what is possible from being without bound.
    """
    thinned = len(histories.x) > 2 * _ROWS
    some = histories.some(_ROWS) if thinned else histories
    some = some.weighted(some.weight * (histories.weight.sum() / some.weight.sum()))
    scaled, turn, shift = model.search_space(some)

    def density(theta: Floats) -> float:
        return model._log_likelihood(theta, scaled)[0] + prior_of(model.NAMES, theta)[0]

    start = np.asarray(np.linalg.solve(turn, model.theta_ - shift), dtype=np.float64)
    drawn = sampled(density, start, rng, draws) @ turn.T + shift
    if thinned and (np.abs(start) < BOUND - 1).all():
        drawn += model.theta_ - drawn.mean(axis=0)
    return np.asarray(drawn)


def posterior_of_spend(
    model: GammaGamma, spend: Spend, rng: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Return draws of log p, log (q - 1), log v of a fitted spend model, shape (draws, 3)."""
    known = spend.known()
    unit = known.mean_of_customers
    shift = np.array([0.0, 0.0, math.log(unit)])
    if (np.abs(model.theta_ - shift) >= BOUND - 1).any():  # all spend the same
        return np.tile(model.theta_, (draws, 1))
    step = max(len(known.n) // _ROWS, 1)
    part = slice(step // 2, None, step)
    weight = known.weight[part] * (known.customers / known.weight[part].sum())
    relative = Grouped(
        known.n[part], known.mean[part] / (unit * model.levels_.of(known.n[part])), weight
    )  # spend relative to the mean of all

    def density(theta: Floats) -> float:
        p, above, v = theta.tolist()
        prior = SPEND_SHAPE.log_density(p) + SPEND_TAIL.log_density(above)
        return log_likelihood(theta, relative)[0] + prior + MEAN_SPEND.log_density(p + v - above)

    drawn = sampled(density, model.theta_ - shift, rng, draws) + shift
    return np.asarray(drawn + (model.theta_ - drawn.mean(axis=0)) if step > 1 else drawn)


def sampled(density: Density, start: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Return draws of a density over a few unbounded numbers, shape (draws, d).

    Parameters
    ----------
    density : callable
        Logarithm of the density, up to a constant.
    start : numpy.ndarray, shape (d,)
        Where to look for the mode.
    rng : numpy.random.Generator
    draws : int

    Raises
    ------
    InputError
        If the density is not finite at its mode.

    Notes
    -----
    Adaptive importance sampling: four rounds of Student's t at mean and covariance of the rounds before, the
    first at mode and curvature; all draws are weighed by the mixture of the rounds and resampled.

    References
    ----------
    .. [1] Cornuet, Marin, Mira and Robert (2012). Adaptive multiple importance sampling. Scandinavian Journal
       of Statistics 39.
    """
    mean, spread = _mode(density, np.clip(start, -_START, _START))
    points: Floats = np.empty((0, len(mean)))
    values: Floats = np.empty(0)
    proposals: list[tuple[Floats, Floats]] = []
    for _ in range(_ROUNDS):
        normal = rng.standard_normal((_SIZE, len(mean))) @ np.linalg.cholesky(spread).T
        wide = np.sqrt(_TAIL / rng.chisquare(_TAIL, _SIZE))
        fresh = np.clip(mean + normal * wide[:, None], -BOUND, BOUND)
        points = np.concatenate([points, fresh])
        values = np.concatenate([values, [density(point) for point in fresh]])
        proposals.append((mean, spread))
        weight = _weights(points, values, proposals)
        mean = weight @ points
        away = points - mean
        spread = away.T @ (away * weight[:, None]) + 1e-9 * np.eye(len(mean))
    at = (rng.random() + np.arange(draws)) / draws
    chosen = np.searchsorted(np.cumsum(weight), at * weight.sum())
    return np.asarray(points[np.minimum(chosen, len(points) - 1)])


def _mode(density: Density, start: Floats) -> tuple[Floats, Floats]:
    """Return the mode of a density, and the inverse of its curvature there, widened."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        mode = np.asarray(minimize(lambda at: -density(at), start, method="BFGS", options={"gtol": 1e-3}).x)
    if not np.isfinite(density(mode)):
        raise InputError("the likelihood is not finite around its maximum; give more customers")
    steps = _STEP * np.eye(len(mode))
    corners = [
        [
            sum(a * b * density(mode + a * one + b * other) for a in (-1, 1) for b in (-1, 1))
            for other in steps
        ]
        for one in steps
    ]
    curvature, axes = np.linalg.eigh(-np.array(corners) / (4 * _STEP**2))
    return mode, np.asarray(_INFLATED * (axes / np.maximum(curvature, _FLATTEST)) @ axes.T)


def _weights(points: Floats, values: Floats, proposals: list[tuple[Floats, Floats]]) -> Floats:
    """Return the importance weights of points, which sum to 1."""
    from scipy.stats import multivariate_t

    each = [multivariate_t(mean, spread, df=_TAIL).logpdf(points) for mean, spread in proposals]
    logs = np.where(np.isfinite(values), values, -np.inf) - np.logaddexp.reduce(each, axis=0)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())

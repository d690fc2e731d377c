"""The likelihood of Gamma-Gamma and its maximum, with a finite mean where the tail is heavy.

Parameters are log p, log (q - 1) and log v, so that q stays above 1 and the mean spend ``p v / (q - 1)`` is
finite.
"""

import logging
import math
from dataclasses import replace
from functools import cache

import numpy as np

from crm_ml.clv.maximum_likelihood import Fit, FitRecord, follow, maximise
from crm_ml.clv.newton import BOUND, Objective
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.spend_summary import Grouped

logger = logging.getLogger(__name__)
_NAMES = ("p", "q - 1", "v")
_STARTS = ((5.0, 2.0, 1.0), (1.0, 1.0, 1.0), (20.0, 8.0, 0.5))
_LARGEST_MEAN = 2.0
_CONSTANT = 1e-9


def log_likelihood(theta: Floats, known: Grouped) -> tuple[float, Floats]:
    """Return the sum of log-likelihoods and its gradient by log p, log (q - 1), log v: equation 1a of [1]_.

    Terms that depend on the number of purchases alone are computed once for each number.

    References
    ----------
    .. [1] Fader and Hardie (2013). The Gamma-Gamma model of monetary value.
    """
    from scipy.special import betaln, digamma

    p, above, v = np.exp(theta)
    q = 1 + above
    n, mean, weight = known.n, known.mean, known.weight
    times, row = np.unique(n, return_inverse=True)
    by_n = np.bincount(row, weights=weight)
    shape, whole = p * times, n * mean + v
    log_whole, log_share = np.log(whole), -np.log1p(v / (n * mean))
    total = weight.sum()
    value = total * q * theta[2] - by_n @ betaln(shape, q)
    value += weight @ (p * n * log_share - np.log(mean) - q * log_whole)
    up, down = digamma(shape + q), digamma(shape)
    slope = np.array(
        [
            (by_n * times) @ (up - down) + (weight * n) @ log_share,
            by_n @ up + total * (theta[2] - digamma(q)) - weight @ log_whole,
            total * q / v - (weight * (p * n + q)) @ (1 / whole),
        ]
    )
    return float(value), slope * np.exp(theta)


def mean_log_likelihood(known: Grouped) -> Objective:
    """Return the mean log-likelihood of a customer, and its gradient, as a function of the parameters."""

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(theta, known)
        return value / known.customers, gradient / known.customers

    return objective


def most_likely(known: Grouped, start: Floats | None, hessian: Floats | None) -> tuple[Fit, bool]:
    """Return the maximum of the likelihood, and whether the mean was tied to the observed one.

    Parameters
    ----------
    known : Grouped
        Customers with a known spend.
    start, hessian : numpy.ndarray, shape (3,) and (3, 3), optional
        A point close to the maximum, and about the matrix there; without them the standard starts are tried.

    Raises
    ------
    NotConverged
        If no start leads to a maximum of the likelihood.
    """
    unit = known.mean_of_customers
    shift = np.array([0.0, 0.0, math.log(unit)])
    relative = Grouped(known.n, known.mean / unit, known.weight)
    starts = [np.log(values) for values in _STARTS]
    if np.ptp(relative.mean) < _CONSTANT:
        _warn("spend is constant: it is expected again")
        fitted = _constant()
    elif start is None or hessian is None:
        fitted = maximise(mean_log_likelihood(relative), _NAMES, starts, known.customers)
    else:
        fitted = follow(mean_log_likelihood(relative), _NAMES, start - shift, hessian, known.customers)
    p, above, v = np.exp(fitted.theta)
    tied = bool("q - 1" in fitted.record.at_bound or p * v / above > _LARGEST_MEAN)
    if tied:
        _warn("spend has a heavy tail: its mean is held at the observed one")
        fitted = _tied(relative, [values[:2] for values in starts])
    return replace(fitted, theta=fitted.theta + shift), tied


def _constant() -> Fit:
    """Return the limit of the fit if all spend the same: mean 1 in the unit of the data, no spread."""
    theta = np.array([BOUND, 0.0, -BOUND])
    return Fit(theta, np.full((3, 3), np.nan), FitRecord((), 0, 0.0, ("p", "v"), 0.0))


def _tied(known: Grouped, starts: list[Floats]) -> Fit:
    """Fit p and q with ``v = (q - 1) / p``, which makes the mean 1, the unit of the data."""
    whole = mean_log_likelihood(known)
    spread = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]])

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient = whole(spread @ theta)
        return value, gradient @ spread

    fitted = maximise(objective, ("p", "q - 1"), starts, known.customers)
    return Fit(spread @ fitted.theta, spread @ fitted.covariance @ spread.T, fitted.record)


@cache
def _warn(text: str) -> None:
    """Warn once in a process: a bootstrap fits a hundred times."""
    logger.warning(text)

"""Pareto/NBD: a customer may drop out at any moment."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from crm_ml.clv.conditional_future import ParetoFuture
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel, of_new
from crm_ml.clv.quadrature import gauss_legendre
from crm_ml.clv.rising_factorial import log_rising, rising_slope

_NODES = 48
_LONGEST = 45.0
_CHUNK = 160


class ParetoNBD(PurchaseModel):
    """Pareto/NBD: Poisson purchases of rate lambda, and an exponential lifetime of rate mu.

    lambda ~ Gamma(r, alpha), mu ~ Gamma(s, beta). ``params_``: r, alpha, s, beta (alpha and beta are times).

    References
    ----------
    .. [1] Schmittlein, Morrison and Colombo (1987). Counting your customers: who are they and what will they
       do next? Management Science 33.
    .. [2] Fader and Hardie (2005). A note on deriving the Pareto/NBD model and related expressions, equations
       14 (likelihood as an integral over the time of dropping out), 36 (P(alive)) and 41 (expectation).

    Notes
    -----
    The likelihood is ``G (alpha + T)^-(r + x) (beta + T)^-s (1 + Q)`` with ``G = Gamma(r + x) / Gamma(r)
    alpha^r beta^s`` and the odds Q that the customer has dropped out::

        Q = integral from t_x to T of
            s / (beta + t) ((alpha + T) / (alpha + t))^(r + x) ((beta + T) / (beta + t))^s

    Q is integrated by Gauss and Legendre over ``log(c + t)``, c the smaller of alpha and beta, as far as the
    integrand falls by ``exp(-45)``. That needs no difference of hypergeometric functions and
    gives the gradient along the way.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    TIMES: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    STARTS: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.5, 0.3, 0.6, 0.4),
        (1.0, 0.5, 1.5, 3.0),
        (0.3, 0.1, 0.3, 0.1),
    )

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        r, alpha, s, beta = np.exp(theta)
        x, T, weight = histories.x, histories.T, histories.weight
        log_odds, slopes = _odds(theta, histories)
        most, total = int(x.max()), weight.sum()
        by_x = np.bincount(x, weights=weight)
        at_alpha, at_beta = np.log(alpha + T), np.log(beta + T)
        value = by_x @ log_rising(r, most) + total * (r * theta[1] + s * theta[3])
        value += weight @ (np.logaddexp(0.0, log_odds) - (r + x) * at_alpha - s * at_beta)
        slope = np.array(
            [
                by_x @ rising_slope(r, most) + total * theta[1] - weight @ at_alpha,
                total * r / alpha - weight @ ((r + x) / (alpha + T)),
                total * theta[3] - weight @ at_beta,
                total * s / beta - weight @ (s / (beta + T)),
            ]
        )
        return float(value), (slope + slopes @ weight) * np.exp(theta)

    def _future(self, theta: Floats, histories: Histories) -> ParetoFuture:
        from scipy.special import expit

        r, alpha, s, beta = np.exp(theta)
        log_odds, _ = _odds(theta, histories)
        return ParetoFuture(
            expit(-log_odds), r + histories.x, alpha + histories.T, float(s), beta + histories.T
        )

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer until some times: equation 27 of [2]_."""
        self._check_fitted()
        r, alpha, s, beta = (self.params_[name] for name in self.NAMES)
        ones = np.ones(1)
        return of_new(ParetoFuture(ones, r * ones, alpha * ones, s, beta * ones), times)


def _odds(theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
    """Return log Q, shape (k,), and the gradient of ``log(1 + Q)`` by r, alpha, s, beta, shape (4, k)."""
    parts = [slice(i, i + _CHUNK) for i in range(0, len(histories.x), _CHUNK)]
    results = [_odds_of(theta, histories.x[part], histories.t_x[part], histories.T[part]) for part in parts]
    return np.concatenate([odds for odds, _ in results]), np.hstack([slope for _, slope in results])


def _odds_of(theta: Floats, x: Ints, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:
    """Integrate over ``v = log((c + t) / (c + t_x))`` with c the smaller of alpha and beta."""
    r, alpha, s, beta = np.exp(theta)
    rule = np.array(gauss_legendre(_NODES))
    power, c = r + x[:, None], min(alpha, beta)
    t_x, left = t_x[:, None], (T - t_x)[:, None]
    falls = power * (c + t_x) / (alpha + t_x) + (1 + s) * (c + t_x) / (beta + t_x) - 1  # at least, for each v
    width = np.minimum(np.log1p(left / (c + t_x)), _LONGEST / np.maximum(falls, 1e-9))
    since = (c + t_x) * np.expm1(width * rule[:, 0])
    t, to_go = t_x + since, left - since
    up_alpha, up_beta = np.log1p(to_go / (alpha + t)), np.log1p(to_go / (beta + t))
    logs = np.log(s) + np.log((c + t) / (beta + t)) + power * up_alpha + s * up_beta
    top = logs.max(axis=1, keepdims=True)
    mass = np.exp(logs - top) * rule[:, 1] * width
    total = mass.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_odds = np.where(total > 0, top[:, 0] + np.log(total), -np.inf)
        share = np.where(total > 0, 1 / (1 + np.exp(-log_odds)) / total, 0.0)
    parts = (
        up_alpha,
        -power * to_go / ((alpha + t) * (alpha + left + t_x)),
        1 / s + up_beta,
        -s * to_go / ((beta + t) * (beta + left + t_x)) - 1 / (beta + t),
    )
    return log_odds, np.array([share * (mass * part).sum(axis=1) for part in parts])

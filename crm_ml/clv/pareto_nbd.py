"""Pareto/NBD: a customer may drop out at any moment."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from crm_ml.clv.conditional_future import ParetoFuture
from crm_ml.clv.pareto_odds import log_odds_dropped
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel, of_new
from crm_ml.clv.rising_factorial import log_rising, rising_slope


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

    Q is integrated numerically, see `crm_ml.clv.pareto_odds`.
    """

    NAMES: tuple[str, ...] = ("r", "alpha", "s", "beta")
    TIMES: tuple[str, ...] = ("alpha", "beta")
    DROPOUT_EFFECTS: ClassVar[Mapping[str, float]] = {"beta": -1.0}
    STARTS: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.5, 0.3, 0.6, 0.4),
        (1.0, 0.5, 1.5, 3.0),
        (0.3, 0.1, 0.3, 0.1),
    )

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        r, alpha, s, beta = np.exp(theta)
        x, T, weight = histories.x, histories.T, histories.weight
        log_odds, slopes = log_odds_dropped(theta, histories)
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

    def log_likelihood_each(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each history, and its gradient by the logarithms of the parameters."""
        from scipy.special import digamma, gammaln

        r, alpha, s, beta = np.exp(theta)
        x, T = histories.x, histories.T
        log_odds, slopes = log_odds_dropped(theta, histories)
        at_alpha, at_beta = np.log(alpha + T), np.log(beta + T)
        value = gammaln(r + x) - gammaln(r) + r * theta[1] + s * theta[3]
        value += np.logaddexp(0.0, log_odds) - (r + x) * at_alpha - s * at_beta
        slopes = slopes + np.array(
            [
                digamma(r + x) - digamma(r) + theta[1] - at_alpha,
                r / alpha - (r + x) / (alpha + T),
                theta[3] - at_beta,
                s / beta - s / (beta + T),
            ]
        )
        return value, slopes * np.exp(theta).reshape(4, -1)

    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return P(alive), equation 36 of [2]_ as ``1 / (1 + Q)``, and the gradient of its logarithm."""
        from scipy.special import expit

        log_odds, slopes = log_odds_dropped(theta, histories)
        return expit(-log_odds), -slopes * np.exp(theta).reshape(4, -1)

    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> ParetoFuture:
        """Return the future of customers of some frequencies and ages, alive with some probabilities."""
        r, alpha, s, beta = np.exp(theta)
        return ParetoFuture(alive, r + x, alpha + T, s, beta + T)

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer until some times: equation 27 of [2]_."""
        self._check_fitted()
        r, alpha, s, beta = (self.params_[name] for name in self.NAMES)
        ones = np.ones(1)
        return of_new(ParetoFuture(ones, r * ones, alpha * ones, s, beta * ones), times)

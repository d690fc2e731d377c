"""The beta-geometric likelihood that BG/NBD and MBG/NBD share.

A customer buys as a Poisson process of rate lambda ~ Gamma(r, alpha) and may drop out after each purchase
with probability p ~ Beta(a, b). In BG/NBD nobody drops out at the first purchase; in MBG/NBD a customer may,
so one with x repeat purchases has stayed x + 1 times. `extra` is 0 for BG/NBD and 1 for MBG/NBD.
"""

import numpy as np

from crm_ml.clv.purchase_histories import Floats, Histories
from crm_ml.clv.rising_factorial import log_rising, rising_slope


def log_odds_dropped(theta: Floats, histories: Histories, extra: int) -> tuple[Floats, Floats, Floats]:
    """Return the log-odds that a customer has dropped out since the last purchase, and logarithms of time.

    Parameters
    ----------
    theta : numpy.ndarray, shape (4,)
        Logarithms of r, alpha, a, b.
    histories : Histories
    extra : {0, 1}

    Returns
    -------
    odds, log_at_T, log_at_t_x : numpy.ndarray, shape (k,)
        ``log a - log(b + x + extra - 1) + (r + x) (log(alpha + T) - log(alpha + t_x))``, minus infinity
        where a customer could not have dropped out yet; ``log(alpha + T)`` and ``log(alpha + t_x)``.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24,
       equation 6.
    .. [2] Batislam, Denizel and Filiztekin (2007). Empirical validation and comparison of models for customer
       base analysis. IJRM 24, appendix A, equation 5.
    """
    r, alpha, a, b = np.exp(theta)
    at_T, at_t_x = np.log(alpha + histories.T), np.log(alpha + histories.t_x)
    stayed = histories.x + extra
    odds = np.log(a) - np.log(b + np.maximum(stayed, 1) - 1) + (r + histories.x) * (at_T - at_t_x)
    return np.where(stayed > 0, odds, -np.inf), at_T, at_t_x


def alive_with_slopes(theta: Floats, histories: Histories, extra: int) -> tuple[Floats, Floats]:
    """Return P(alive), shape (k,), and the gradient of its logarithm by those of r, alpha, a, b, (4, k).

    Parameters as `log_odds_dropped`, whose odds give ``1 / (1 + odds)``.
    """
    from scipy.special import expit

    r, alpha, _, b = np.exp(theta)
    odds, at_T, at_t_x = log_odds_dropped(theta, histories, extra)
    x, quiet = histories.x, histories.T - histories.t_x
    slopes = np.array(
        [
            r * (at_T - at_t_x),
            -alpha * (r + x) * quiet / ((alpha + histories.T) * (alpha + histories.t_x)),
            np.ones(len(x)),
            -b / (b + np.maximum(x + extra, 1) - 1),
        ]
    )
    return expit(-odds), -expit(odds) * slopes


def log_likelihood_each(theta: Floats, histories: Histories, extra: int) -> tuple[Floats, Floats]:
    """Return the log-likelihood of each history, (k,), and its gradient by the logarithms, (4, k).

    Parameters as `log_odds_dropped`, but that `theta` may hold the logarithms of each history, (4, k).
    """
    from scipy.special import betaln, digamma, expit, gammaln

    r, alpha, a, b = np.exp(theta)
    x, stayed = histories.x, histories.x + extra
    odds, at_T, at_t_x = log_odds_dropped(theta, histories, extra)
    value = gammaln(r + x) - gammaln(r) + r * theta[1] + betaln(a, b + stayed) - betaln(a, b)
    value += np.logaddexp(0.0, odds) - (r + x) * at_T
    gone = expit(odds)
    inverse_T, inverse_t_x = 1 / (alpha + histories.T), 1 / (alpha + histories.t_x)
    sums = digamma(a + b + stayed) - digamma(a + b)
    slopes = np.array(
        [
            digamma(r + x) - digamma(r) + theta[1] - at_T + gone * (at_T - at_t_x),
            r / alpha - (r + x) * (inverse_T - gone * (inverse_T - inverse_t_x)),
            gone / a - sums,
            digamma(b + stayed) - digamma(b) - sums - gone / (b + np.maximum(stayed, 1) - 1),
        ]
    )
    return value, slopes * np.exp(theta).reshape(4, -1)


def log_likelihood(theta: Floats, histories: Histories, extra: int) -> tuple[float, Floats]:
    """Return the sum of log-likelihoods and its gradient by the logarithms of r, alpha, a, b.

    Parameters as `log_odds_dropped`. Terms that depend on x alone are computed once for each x.
    """
    from scipy.special import expit

    r, alpha, a, b = np.exp(theta)
    x, weight = histories.x, histories.weight
    odds, at_T, at_t_x = log_odds_dropped(theta, histories, extra)
    total = weight.sum()
    largest = int(x.max()) + extra
    by_x = np.bincount(x + extra, weights=weight, minlength=largest + 1)
    bought = by_x[extra:]
    value = bought @ log_rising(r, largest - extra) + by_x @ (
        log_rising(b, largest) - log_rising(a + b, largest)
    )
    value += total * r * theta[1] + weight @ (np.logaddexp(0.0, odds) - (r + x) * at_T)

    gone = weight * expit(odds)
    inverse_T, inverse_t_x = 1 / (alpha + histories.T), 1 / (alpha + histories.t_x)
    sum_slope = by_x @ rising_slope(a + b, largest)
    slope = np.array(
        [
            bought @ rising_slope(r, largest - extra)
            + total * theta[1]
            - weight @ at_T
            + gone @ (at_T - at_t_x),
            total * r / alpha - ((r + x) * weight) @ inverse_T + ((r + x) * gone) @ (inverse_T - inverse_t_x),
            gone.sum() / a - sum_slope,
            by_x @ rising_slope(b, largest) - sum_slope - gone @ (1 / (b + np.maximum(x + extra, 1) - 1)),
        ]
    )
    return float(value), slope * np.exp(theta)

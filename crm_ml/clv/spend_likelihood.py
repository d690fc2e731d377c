"""The likelihood of Gamma-Gamma, in a form that keeps its digits where spend hardly varies."""

import numpy as np

from crm_ml.clv.histories import Floats
from crm_ml.clv.spend import Grouped

_LARGE = 30.0


def log_likelihood(theta: Floats, known: Grouped) -> tuple[float, Floats]:
    """Return the sum of log-likelihoods and its gradient by log p, log (q - 1), log v.

    Parameters
    ----------
    theta : numpy.ndarray, shape (3,)
    known : Grouped

    Notes
    -----
    Equation 1a of [1]_, for n purchases of mean m, is ``Gamma(p n + q) / (Gamma(p n) Gamma(q)) v^q (n m)^(p n) /
    (m (n m + v)^(p n + q))``. With Stirling's formula taken out of the gamma functions, and ``D = q n m - p n v``,
    its large terms are ``p n log1p(D / (p n (n m + v))) + q log1p(-D / (q (n m + v)))``, which are small together
    for any p and q. What depends on n alone is computed once for each n.

    References
    ----------
    .. [1] Fader and Hardie (2013). The Gamma-Gamma model of monetary value.
    """
    p, above, v = np.exp(theta)
    q, spent, weight = 1 + above, known.n * known.mean, known.weight
    times, row = np.unique(known.n, return_inverse=True)
    by_n = np.bincount(row, weights=weight)
    shape, whole = p * times, spent + v
    difference = (q * spent - p * known.n * v) / whole
    of_own, of_all = np.log1p(difference / shape[row]), np.log1p(-difference / q)
    each = _log_gamma(shape + q) - _log_gamma(shape) - _log_gamma(np.array(q))
    each += np.log(q / (shape + q)) / 2 + np.log(shape) / 2
    value = by_n @ each + weight @ (shape[row] * of_own + q * of_all - np.log(known.mean))
    up = _digamma(shape + q)
    slope = np.array(
        [
            (by_n * shape) @ (up - _digamma(shape)) + (weight * shape[row]) @ of_own,
            above * (by_n @ (up - _digamma(np.array(q))) + weight @ of_all),
            weight @ difference,
        ]
    )
    return float(value), slope


def _log_gamma(z: Floats) -> Floats:
    """Return ``log Gamma(z) - (z - 1/2) log z + z``."""
    from scipy.special import gammaln

    small = np.minimum(z, _LARGE)
    squared = z * z
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / squared) / squared) / squared) / z
    plain = gammaln(small) - (small - 0.5) * np.log(small) + small
    return np.where(z < _LARGE, plain, np.log(2 * np.pi) / 2 + series)


def _digamma(z: Floats) -> Floats:
    """Return ``digamma(z) - log z``."""
    from scipy.special import digamma

    small = np.minimum(z, _LARGE)
    squared = z * z
    series = -0.5 / z - (1 / 12 - (1 / 120 - (1 / 252 - 1 / 240 / squared) / squared) / squared) / squared
    return np.where(z < _LARGE, digamma(small) - np.log(small), series)

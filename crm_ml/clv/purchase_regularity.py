"""How regular purchases are: the Gamma shape of the gaps between them, whatever each customer's rate."""

import math
from dataclasses import dataclass

import numpy as np

from crm_ml.clv.purchase_calendar import Calendar
from crm_ml.clv.purchase_histories import Floats

LEAST_GAP_DAYS = 7.0
_LEAST_CUSTOMERS = 30
_Z = 1.959964
_LARGEST = 200.0


@dataclass(frozen=True)
class Regularity:
    """Gamma shape of the gaps between purchases: 1 at random, above it regular, below it in clumps.

    Parameters
    ----------
    shape, low, high : float
        With its 95 % interval.
    customers : int
        Behind it: those with two gaps or more, a week or longer on average.
    """

    shape: float
    low: float
    high: float
    customers: int


def regularity(calendar: Calendar) -> Regularity | None:
    """Estimate the shape of gaps; None with fewer than 30 customers behind it.

    Notes
    -----
    Given the number n of gaps and their sum, the shares of the gaps follow a Dirichlet distribution of the
    shape k, whatever the rate, the drop-out and the end of the data: the estimate maximises that conditional
    likelihood, ``sum of log Gamma(n k) - n log Gamma(k) + (k - 1) sum log share``, and its interval is the
    sandwich's over customers. Days are whole and one purchase a day counts, which makes short gaps look
    regular: customers whose mean gap is below a week are left out.

    References
    ----------
    .. [1] Wheat and Morrison (1990). Estimating purchase regularity with two interpurchase times. Journal of
       Marketing Research 27 (the shares of two gaps; here of all).
    """
    row, length = calendar.gaps
    n = np.bincount(row, minlength=calendar.customers)
    whole = np.bincount(row, weights=length, minlength=calendar.customers)
    use = (n > 1) & (whole >= LEAST_GAP_DAYS * n)
    if int(use.sum()) < _LEAST_CUSTOMERS:
        return None
    logs = np.bincount(row, weights=np.log(length), minlength=calendar.customers)
    count = n[use].astype(np.float64)
    log_shares = np.asarray(logs[use] - count * np.log(whole[use]), dtype=np.float64)
    log_shape = _root(count, log_shares)
    k = math.exp(log_shape)
    score = k * _slope(k, count, log_shares)
    half = _Z * math.sqrt(float(score @ score)) / max(-_second(k, count), 1e-300)
    return Regularity(k, math.exp(log_shape - half), math.exp(min(log_shape + half, 700.0)), len(count))


def _slope(k: float, n: Floats, log_shares: Floats) -> Floats:
    """Return the derivative by k of each customer's conditional log-likelihood."""
    from scipy.special import digamma

    return np.asarray(n * digamma(n * k) - n * digamma(k) + log_shares)


def _second(k: float, n: Floats) -> float:
    """Return the expected second derivative by log k, summed over customers."""
    from scipy.special import polygamma

    return float(k * k * (n * n * polygamma(1, n * k) - n * polygamma(1, k)).sum())


def _root(n: Floats, log_shares: Floats) -> float:
    """Return the logarithm of the shape at which the slopes sum to 0; the end of the range without one."""
    from scipy.optimize import brentq

    ends = math.log(1 / _LARGEST), math.log(_LARGEST)

    def total(log_k: float) -> float:
        return float(_slope(math.exp(log_k), n, log_shares).sum())

    if total(ends[1]) > 0:
        return ends[1]
    return ends[0] if total(ends[0]) < 0 else float(brentq(total, *ends, xtol=1e-10))

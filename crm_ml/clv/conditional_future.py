"""Future purchases given a customer's history: beta-geometric and Pareto models of dropping out."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crm_ml.clv.beta_quadrature import purchases
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.quadrature import gauss_legendre
from crm_ml.clv.rising_factorial import log_rising

_NODES = 64
_LONGEST = 45.0
_DIGITS = 1e-3
_TINY, _RAREST, _MOST = 1e-300, 1e-12, 1e9  # of rates and coins that are drawn
_LONG = 4.0  # beyond it scipy's 2F1 is slow, and wrong where b is large


class Future(Protocol):
    """Purchases of customers from now on; every array has one value per history, shape (k,)."""

    @property
    def alive(self) -> Floats:
        """Probability of not having dropped out."""
        ...

    @property
    def alpha(self) -> Floats:
        """Time scale of future purchases."""
        ...

    def expected(self, horizon: Floats | float) -> Floats:
        """Return the expected number of purchases within `horizon`, shape (k,) or one for all."""
        ...

    def none(self, horizon: Floats | float) -> Floats:
        """Return the probability of no purchase within `horizon`, shape (k,)."""
        ...

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the probability of exactly 0..most purchases within `horizon`, shape (k, most + 1)."""
        ...

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return one drawn number of purchases within `horizon` for each history, shape (k,)."""
        ...


@dataclass(frozen=True, eq=False)
class BetaGeometricFuture:
    """Customers who are alive with probability `alive` and drop out after a purchase with probability p.

    Parameters
    ----------
    alive, r, alpha, b : numpy.ndarray, shape (k,)
        If alive, lambda ~ Gamma(r, alpha) and p ~ Beta(a, b), independent; updated by the history.
    a : float, or numpy.ndarray, shape (k,)

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24,
       equations 8 to 10.
    """

    alive: Floats
    r: Floats
    alpha: Floats
    a: Floats | float
    b: Floats

    def expected(self, horizon: Floats | float) -> Floats:
        """Return expected purchases: equation 10 of [1]_, with Euler's transformation of 2F1.

        ``(a + b - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * 2F1(a + b - 1 - r, a - 1; a + b - 1; z))`` with
        ``z = horizon / (alpha + horizon)``; by quadrature where that overflows or loses its digits.
        """
        ratio = np.broadcast_to(horizon / self.alpha, self.r.shape)
        a = np.broadcast_to(self.a, self.r.shape)
        if_alive, near = np.full(self.r.shape, np.nan), ratio < _LONG
        if_alive[near] = _in_closed_form(self.r[near], a[near], self.b[near], ratio[near])
        left = np.isnan(if_alive)
        if left.any():
            if_alive[left] = purchases(self.r[left], a[left], self.b[left], ratio[left])
        return np.asarray(self.alive * if_alive)

    def none(self, horizon: Floats | float) -> Floats:
        """Return ``1 - alive * (1 - (alpha / (alpha + horizon)) ** r)``."""
        return np.asarray(1 + self.alive * np.expm1(-self.r * np.log1p(horizon / self.alpha)))

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the distribution of the number of purchases: equation 8 of [1]_ by logarithms."""
        poisson = negative_binomial(self.r, self.alpha, horizon, most)
        stayed = np.exp(_log_beta_ratio(self.a, self.b, 0, most))
        left = np.exp(_log_beta_ratio(self.a, self.b, 1, most - 1)) if most else np.empty((len(self.r), 0))
        more = 1 - np.cumsum(poisson[:, :-1], axis=1)
        probabilities = stayed * poisson
        probabilities[:, 1:] += left * np.maximum(more, 0)
        return _if_alive(probabilities, self.alive)

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return drawn numbers: the fewer of what the rate allows and what the coins allow."""
        rate, coin = rng.gamma(self.r, 1 / self.alpha), rng.beta(self.a, self.b)
        until_coin = rng.geometric(np.maximum(coin, _RAREST))
        bought = np.minimum(rng.poisson(np.minimum(rate * horizon, _MOST)), until_coin)
        return np.asarray(bought * (rng.random(len(rate)) < self.alive), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class ParetoFuture:
    """Customers who are alive with probability `alive` and drop out at a rate mu.

    Parameters
    ----------
    alive, r, alpha, beta : numpy.ndarray, shape (k,)
        If alive, lambda ~ Gamma(r, alpha) and mu ~ Gamma(s, beta), independent; updated by the history.
    s : float, or numpy.ndarray, shape (k,)

    References
    ----------
    .. [1] Fader and Hardie (2005). A note on deriving the Pareto/NBD model and related expressions,
       equation 41.
    """

    alive: Floats
    r: Floats
    alpha: Floats
    s: Floats | float
    beta: Floats

    def expected(self, horizon: Floats | float) -> Floats:
        """Return expected purchases: equation 41 of [1]_, which is smooth through s = 1 by ``exprel``."""
        from scipy.special import exprel

        grown = np.log1p(horizon / self.beta)
        return np.asarray(self.alive * self.r * self.beta / self.alpha * grown * exprel((1 - self.s) * grown))

    def none(self, horizon: Floats | float) -> Floats:
        """Return the probability of no purchase, by integration over the time of dropping out."""
        return self.counts(horizon, 0)[:, 0]

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the distribution of the number of purchases, by integration over the time of dropping out.

        ``P(n) = S(h) NB(n; h) + integral of f(t) NB(n; t)`` with the Pareto survival S and density f, by
        Gauss and Legendre over ``log(1 + t / c)``, c the shorter of the mean times to a purchase and to the
        drop-out, as far as S falls by ``exp(-45)``; the nodes are close enough for the peak of n = `most`.
        """
        survives = -self.s * np.log1p(horizon / self.beta)
        probabilities = np.exp(survives)[:, None] * negative_binomial(self.r, self.alpha, horizon, most)
        c = np.minimum(self.alpha / np.maximum(self.r, 1), self.beta / np.maximum(self.s, 1))
        end = np.minimum(horizon, self._until(most))
        longest, ways = np.log1p(end / c), _log_ways(self.r, most)
        for node, weight in gauss_legendre(_NODES + 16 * math.ceil(math.sqrt(most))):
            at = c * np.expm1(longest * node)
            density = self.s / (self.beta + at) * np.exp(-self.s * np.log1p(at / self.beta))
            step = weight * longest * (c + at) * density
            probabilities += step[:, None] * _negative_binomial(ways, self.r, self.alpha, at)
        return _if_alive(probabilities, self.alive)

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return drawn numbers: purchases at the rate until the lifetime or the horizon is over."""
        rate, ends = rng.gamma(self.r, 1 / self.alpha), rng.gamma(self.s, 1 / self.beta)
        lifetime = rng.standard_exponential(len(rate)) / np.maximum(ends, _TINY)
        bought = rng.poisson(np.minimum(rate * np.minimum(lifetime, horizon), _MOST))
        return np.asarray(bought * (rng.random(len(rate)) < self.alive), dtype=np.float64)

    def _until(self, most: int) -> Floats:
        """Return the time after which the integrand is zero: all dropped out, or bought if `most` is 0."""
        with np.errstate(over="ignore"):
            gone = self.beta * np.expm1(_LONGEST / self.s)
            bought = self.alpha * np.expm1(_LONGEST / self.r)
        return np.asarray(np.minimum(gone, bought) if most == 0 else gone)


def _in_closed_form(r: Floats, a: Floats, b: Floats, ratio: Floats) -> Floats:
    """Return equation 10 of `BetaGeometricFuture` if alive; NaN where it loses its digits."""
    from scipy.special import hyp2f1

    c = a + b - 1
    with np.errstate(all="ignore"):
        left = np.exp((1 - a) * np.log1p(ratio)) * hyp2f1(c - r, a - 1, c, ratio / (1 + ratio))
        expected = c / (a - 1) * (1 - left)
        safe = np.isfinite(expected) & (np.abs(1 - left) > _DIGITS) & (np.abs(c) > _DIGITS)
    return np.where(safe, expected, np.nan)


def negative_binomial(r: Floats, alpha: Floats, time: Floats | float, most: int) -> Floats:
    """Return the probability of 0..most purchases of customers who stay, shape (k, most + 1).

    ``Gamma(r + n) / (Gamma(r) n!) (alpha / (alpha + t)) ** r (t / (alpha + t)) ** n``, by log-gammas.
    """
    return _negative_binomial(_log_ways(r, most), r, alpha, time)


def _log_ways(r: Floats, most: int) -> Floats:
    """Return ``log(Gamma(r + n) / (Gamma(r) n!))`` for n = 0..most, shape (k, most + 1)."""
    from scipy.special import gammaln

    r = r[:, None]
    return np.asarray(gammaln(r + np.arange(most + 1)) - gammaln(r) - log_rising(1.0, most))


def _negative_binomial(ways: Floats, r: Floats, alpha: Floats, time: Floats | float) -> Floats:
    """Return `negative_binomial` from the precomputed `_log_ways`, which do not depend on time."""
    n = np.arange(ways.shape[1])
    share = (time / (alpha + time))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(n > 0, n * np.log(share), 0.0)  # none within no time is certain
    return np.asarray(np.exp(ways + r[:, None] * np.log1p(-share) + each))


def _log_beta_ratio(a: Floats | float, b: Floats, left: int, most: int) -> Floats:
    """Return ``log(B(a + left, b + n) / B(a, b))`` for n = 0..most, shape (k, most + 1)."""
    from scipy.special import betaln

    each = np.asarray(a)[..., None]
    return np.asarray(betaln(each + left, b[:, None] + np.arange(most + 1)) - betaln(a, b)[:, None])


def _if_alive(counts: Floats, alive: Floats) -> Floats:
    probabilities = counts * alive[:, None]
    probabilities[:, 0] += 1 - alive
    return np.minimum(probabilities, 1.0)

"""Future purchases where the gaps between them are sums of k exponential phases (Erlang)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from crm_ml.clv.beta_quadrature import purchases
from crm_ml.clv.purchase_histories import Floats

_MOST_PHASES = 5_000.0
_TAIL = 1e-14
_SPREADS = 12.0
_TINY, _RAREST, _MOST = 1e-300, 1e-12, 1e9


@dataclass(frozen=True, eq=False)
class ErlangFuture:
    """Customers who are alive with probability `alive`, `phase` phases after their last purchase.

    Every k-th phase is a purchase, after which a customer drops out with probability p.

    Parameters
    ----------
    alive, r, alpha, b : numpy.ndarray, shape (m,)
        If alive, the rate of phases is lambda ~ Gamma(r, alpha) and p ~ Beta(a, b), independent.
    a : float
    k, phase : int
        ``0 <= phase < k``.

    Notes
    -----
    ``P(N >= n) = alive * B(a, b + n - 1) / B(a, b) * P(M >= n k - phase)`` with M, the number of phases
    within the horizon, negative binomial. `expected` sums that over n by one recurrence of the probabilities
    of M; where more than 5,000 phases are expected, gaps are taken for exponential ones of the same mean.
    """

    alive: Floats
    r: Floats
    alpha: Floats
    a: float
    b: Floats
    k: int
    phase: int

    def expected(self, horizon: Floats | float) -> Floats:
        """Return the expected number of purchases within `horizon`."""
        ratio = np.broadcast_to(horizon / self.alpha, self.r.shape)
        many = self.r * ratio > _MOST_PHASES
        total = np.empty(len(self.r))
        _kernel()(self.r, self.a, self.b, np.where(many, 0.0, ratio), self.k, self.phase, total)
        if many.any():
            total[many] = purchases(self.r[many], self.a, self.b[many], ratio[many] / self.k)
        return np.asarray(self.alive * total)

    def none(self, horizon: Floats | float) -> Floats:
        """Return the probability of no purchase within `horizon`."""
        return np.asarray(1 - self.alive * self._at_least(1, horizon))

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the probability of exactly 0..most purchases within `horizon`, shape (m, most + 1)."""
        tails = [np.ones(len(self.r))]
        tails += [self.alive * self._at_least(n, horizon) for n in range(1, most + 2)]
        return -np.diff(np.array(tails).T, axis=1)

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return drawn numbers: the fewer of what the phases allow and what the coins allow."""
        rate, coin = rng.gamma(self.r, 1 / self.alpha), rng.beta(self.a, self.b)
        until_coin = rng.geometric(np.maximum(coin, _RAREST))
        phases = rng.poisson(np.minimum(rate * horizon, _MOST))
        bought = np.minimum((phases + self.phase) // self.k, until_coin)
        return np.asarray(bought * (rng.random(len(rate)) < self.alive), dtype=np.float64)

    def _at_least(self, n: int, horizon: Floats | float) -> Floats:
        """Return the probability of at least n purchases of customers who are alive."""
        from scipy.special import betainc, betaln

        stay = np.exp(betaln(self.a, self.b + n - 1) - betaln(self.a, self.b))
        return np.asarray(stay * betainc(n * self.k - self.phase, self.r, horizon / (self.alpha + horizon)))


@dataclass(frozen=True, eq=False)
class PhasedFuture:
    """Customers of whom only the probabilities of the phases are known, one `ErlangFuture` for each."""

    phases: Sequence[ErlangFuture]

    @property
    def alive(self) -> Floats:
        """Probability of not having dropped out."""
        return np.asarray(sum(part.alive for part in self.phases))

    @property
    def alpha(self) -> Floats:
        """Time scale of future purchases."""
        return self.phases[0].alpha

    def expected(self, horizon: Floats | float) -> Floats:
        """Return the expected number of purchases within `horizon`."""
        return np.asarray(sum(part.expected(horizon) for part in self.phases))

    def none(self, horizon: Floats | float) -> Floats:
        """Return the probability of no purchase within `horizon`."""
        return np.asarray(1 - sum(1 - part.none(horizon) for part in self.phases))

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the probability of exactly 0..most purchases within `horizon`, shape (m, most + 1)."""
        total = np.asarray(sum(part.counts(horizon, most) for part in self.phases))
        total[:, 0] -= len(self.phases) - 1
        return total

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return one drawn number of purchases within `horizon` for each history."""
        ends = np.cumsum([part.alive for part in self.phases], axis=0)
        phase = (rng.random(len(ends[0])) >= ends).sum(axis=0)
        ones = np.ones(len(phase))
        drawn = [replace(part, alive=ones).drawn(horizon, rng) for part in self.phases]
        return np.asarray(np.choose(phase, [*drawn, np.zeros(len(phase))]))


@cache
def _kernel() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True)(_sum)


def _sum(
    r: Floats, a: float, b: Floats, ratio: Floats, k: int, phase: int, total: Floats
) -> None:  # pragma: no cover  (compiled)
    """Write the expected purchases of customers who are alive; `ratio` is the horizon over alpha."""
    for i in range(len(r)):
        total[i] = 0.0
        if ratio[i] <= 0:
            continue
        share, mean = ratio[i] / (1 + ratio[i]), r[i] * ratio[i]
        first = max(np.floor(mean - _SPREADS * np.sqrt(mean * (1 + ratio[i])) - _SPREADS), 0.0)
        log_first = r[i] * -np.log1p(ratio[i]) + first * np.log(share)
        log_first += math.lgamma(r[i] + first) - math.lgamma(r[i]) - math.lgamma(first + 1)
        mass, tail, stay, m = np.exp(log_first), 1.0, 1.0, first
        n = 0
        while tail > _TAIL and (m <= mean or mass > _TAIL * 1e-4):  # the tail keeps rounding errors
            if (m + phase) >= (n + 1) * k:
                n += 1
                total[i] += stay * tail
                stay *= (b[i] + n - 1) / (a + b[i] + n - 1)
                continue
            tail -= mass
            mass *= (r[i] + m) / (m + 1) * share
            m += 1

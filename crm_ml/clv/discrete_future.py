"""Future purchases at discrete opportunities of customers who may drop out before each of them."""

import math
from dataclasses import dataclass

import numpy as np

from crm_ml.clv.purchase_histories import Floats
from crm_ml.errors import InputError

_MOST = 100_000
_FOREVER = 45.0


@dataclass(frozen=True, eq=False)
class DiscreteFuture:
    """Customers who are alive at the next opportunity with probability `alive`.

    Parameters
    ----------
    alive, a, b, d : numpy.ndarray, shape (k,)
        If alive then, they buy with p ~ Beta(a, b), and before each later opportunity drop out with a coin
        ~ Beta(c, d).
    c : float

    References
    ----------
    .. [1] Fader, Hardie and Shang (2010). Customer-base analysis in a discrete-time noncontractual setting.
       Marketing Science 29, equation 13, here as a sum over opportunities.
    """

    alive: Floats
    a: Floats
    b: Floats
    c: float
    d: Floats

    @property
    def alpha(self) -> Floats:
        """Time scale of future purchases, in opportunities."""
        return self.b

    def expected(self, horizon: Floats | float) -> Floats:
        """Return the expected number of purchases at the next opportunities, rounded to whole ones."""
        return self.discounted(horizon, 0.0)

    def discounted(self, horizon: Floats | float, force: float) -> Floats:
        """Return the sum over opportunities of the probability to buy, discounted to now."""
        lengths = np.broadcast_to(np.round(horizon), self.a.shape)
        last = _FOREVER / force if force > 0 else math.inf
        most = float(np.minimum(lengths.max(initial=0), last))
        if most > _MOST:
            raise InputError(f"horizon is {most:,.0f} opportunities; give at most {_MOST:,}, or a discount")
        total, stays = np.zeros(len(self.a)), np.ones(len(self.a))
        for k in range(1, math.ceil(most) + 1):
            total += np.where(k <= lengths, stays * math.exp(-force * k), 0.0)
            stays = stays * (self.d + k - 1) / (self.c + self.d + k - 1)
        return np.asarray(self.alive * self.a / (self.a + self.b) * total)

    def none(self, horizon: Floats | float) -> Floats:
        """Return the probability of no purchase at the next opportunities."""
        return self.counts(horizon, 0)[:, 0]

    def counts(self, horizon: Floats | float, most: int) -> Floats:
        """Return the probability of exactly 0..most purchases, by how many opportunities are lived."""
        from scipy.special import betaln, gammaln

        lengths = np.broadcast_to(np.round(horizon), self.a.shape).astype(np.int64)
        n = np.arange(most + 1)
        shape = betaln(self.a, self.b)[:, None]
        probabilities, stays = np.zeros((len(self.a), most + 1)), np.ones(len(self.a))
        probabilities[lengths == 0, 0] = 1.0
        for k in range(1, int(lengths.max(initial=0)) + 1):
            after = stays * (self.d + k - 1) / (self.c + self.d + k - 1)
            share = np.where(k < lengths, stays - after, np.where(k == lengths, stays, 0.0))
            ways = np.where(
                n <= k, gammaln(k + 1) - gammaln(n + 1) - gammaln(np.maximum(k - n, 0) + 1), -np.inf
            )
            each = ways + betaln(self.a[:, None] + n, self.b[:, None] + np.maximum(k - n, 0)) - shape
            probabilities += share[:, None] * np.exp(each)
            stays = after
        probabilities *= self.alive[:, None]
        probabilities[:, 0] += 1 - self.alive
        return np.asarray(np.minimum(probabilities, 1.0))

    def drawn(self, horizon: float, rng: np.random.Generator) -> Floats:
        """Return drawn numbers: those of the opportunities before the coin, each with the customer's p."""
        p, coin = rng.beta(self.a, self.b), rng.beta(self.c, self.d)
        lived = np.minimum(rng.geometric(np.maximum(coin, 1e-12)), round(horizon))
        bought = rng.binomial(lived, p) * (rng.random(len(p)) < self.alive)
        return np.asarray(bought, dtype=np.float64)

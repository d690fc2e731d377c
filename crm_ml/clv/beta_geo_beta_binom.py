"""BG/BB: purchases at discrete opportunities, and a coin before each of them that decides who drops out."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from crm_ml.clv.discrete_future import DiscreteFuture
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MOST_OPPORTUNITIES = 1_000
_BLOCK = 1 << 13  # histories whose terms fit into memory together
_STEP = 1e-5


class BetaGeoBetaBinom(PurchaseModel):
    """BG/BB: at each opportunity a customer who is alive buys with probability p.

    Before each opportunity a coin decides who drops out. p ~ Beta(alpha, beta), the coins ~ Beta(gamma,
    delta). For what is bought at most once in a period: gifts of a year, issues, weekly boxes, events.
    ``params_``: alpha, beta, gamma, delta.

    The summary counts opportunities, in whole numbers: frequency of those with a purchase, recency the last
    of them (0 without one), T all of them after the first purchase. `crm_ml.clv.summarize` with
    ``calendar=True`` makes one of weeks or months. A horizon is a number of opportunities, or a time rounded
    to one.

    References
    ----------
    .. [1] Fader, Hardie and Shang (2010). Customer-base analysis in a discrete-time noncontractual setting.
       Marketing Science 29, equations 5 (likelihood), 8 (expectation), A10 (P(alive)) and 13 (conditional
       expectation).

    Notes
    -----
    ``probability_alive`` is that of being alive at the next opportunity.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(0, 0, 6), (1, 1, 6), (3, 5, 6), (6, 6, 6), (2, 6, 6), (0, 0, 6), (4, 6, 6)]
    >>> summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    >>> float(BetaGeoBetaBinom().fit(summary).expected_purchases(summary, 3).round(1).iloc[3])
    2.5
    >>> BetaGeoBetaBinom().fit(summary.assign(T=6.5))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: summary: T is no whole number in 7 of 7 rows; count opportunities, such as ...
    """

    NAMES: tuple[str, ...] = ("alpha", "beta", "gamma", "delta")
    TIMES: tuple[str, ...] = ()
    STARTS: ClassVar[tuple[tuple[float, ...], ...]] = (
        (1.0, 1.0, 0.7, 3.0),
        (0.5, 2.0, 1.0, 10.0),
        (2.0, 8.0, 0.3, 1.0),
    )

    def grouped(self, summary: "pd.DataFrame") -> Histories:
        """Return the distinct histories of a summary of opportunities.

        Raises
        ------
        InputError
            As `Histories.of`, and if T or recency is no whole number, frequency is above recency, a customer
            bought but has recency 0, or there are more than 1,000 opportunities.
        """
        histories = Histories.of(summary)
        x, t_x, T = histories.x, histories.t_x, histories.T
        wrong = {
            "T is no whole number": np.floor(T) != T,
            "recency is no whole number": t_x != np.floor(t_x),
            "frequency is above recency": x > t_x,
            f"T is above {MOST_OPPORTUNITIES:,}": T > MOST_OPPORTUNITIES,
        }
        breaches = [
            f"{what} in {int(histories.weight[bad].sum()):,} of {len(summary):,} rows"
            for what, bad in wrong.items()
            if bad.any()
        ]
        if breaches:
            raise InputError(
                f"summary: {'; '.join(breaches)}; count opportunities, such as weeks or months by "
                "summarize(..., calendar=True)"
            )
        return histories

    def search_space(
        self,
        histories: Histories,
        centred: bool = True,  # noqa: ARG002
    ) -> tuple[Histories, Floats, Floats]:
        """Return the histories as they are: opportunities have no unit."""
        return histories, np.eye(4), np.zeros(4)

    def log_likelihood_each(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each history, equation 5 of [1]_, and its gradient."""
        values, slopes = np.empty(len(histories.x)), np.empty((4, len(histories.x)))
        for start in range(0, len(histories.x), _BLOCK):
            part = slice(start, start + _BLOCK)
            values[part], slopes[:, part] = _block(np.exp(theta), histories.take(part))
        return values, slopes * np.exp(theta)[:, None]

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        values, slopes = self.log_likelihood_each(theta, histories)
        return float(histories.weight @ values), slopes @ histories.weight

    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the probability of being alive at the next opportunity, equation A10 of [1]_."""
        log_alive, slopes = self._log_alive(theta, histories), np.empty((4, len(histories.x)))
        for place, step in enumerate(_STEP * np.eye(4)):
            up, down = (self._log_alive(theta + sign * step, histories) for sign in (1, -1))
            slopes[place] = (up - down) / (2 * _STEP)
        return np.exp(log_alive), slopes

    def _log_alive(self, theta: Floats, histories: Histories) -> Floats:
        from scipy.special import betaln

        alpha, beta, gamma, delta = np.exp(theta)
        x, n = histories.x, histories.T
        stays = betaln(alpha + x, beta + n - x) - betaln(alpha, beta)
        stays += betaln(gamma, delta + n + 1) - betaln(gamma, delta)
        return np.asarray(np.minimum(stays - self.log_likelihood_each(theta, histories)[0], 0.0))

    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> DiscreteFuture:
        """Return the future of customers of some frequencies, alive at the next opportunity."""
        alpha, beta, gamma, delta = np.exp(theta)
        return DiscreteFuture(alive, alpha + x, beta + T - x, float(gamma), delta + T + 1)

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected purchases of a new customer at the first so many opportunities: equation 8."""
        self._check_fitted()
        alpha, beta, gamma, delta = (self.params_[name] for name in self.NAMES)
        ones = np.ones(1)
        future = DiscreteFuture(
            ones * delta / (gamma + delta), alpha * ones, beta * ones, gamma, (delta + 1) * ones
        )
        return np.array([float(future.expected(time)[0]) if round(time) else 0.0 for time in times])

    def outlook(self, histories: Histories, length: Floats | float, force: float) -> "_Outlook":
        """Return what is expected of histories, discounted from one opportunity to the next."""
        return _Outlook(self, histories, length, force)


class _Outlook:
    """Expectations of some histories, as `crm_ml.clv.purchase_outlook.Outlook` has them."""

    def __init__(
        self, model: BetaGeoBetaBinom, histories: Histories, length: Floats | float, force: float
    ) -> None:
        self._model, self._histories, self._length, self._force = model, histories, length, force

    @cached_property
    def alive(self) -> Floats:
        """Probability of being alive at the next opportunity, shape (k,)."""
        return self._model.alive_with_slopes(self._model.theta_, self._histories)[0]

    @cached_property
    def expected(self) -> Floats:
        """Expected purchases within the horizon, shape (k,)."""
        return self._model.future_at(self._model.theta_, self._histories).expected(self._length)

    @cached_property
    def discounted(self) -> Floats:
        """Discounted expected purchases, shape (k,)."""
        return self._at(self._model.theta_)

    @cached_property
    def log_slopes(self) -> Floats:
        """Gradient of the logarithm of `discounted`, shape (4, k)."""
        steps = 10 * _STEP * np.eye(4)
        pairs = [[np.log(self._at(self._model.theta_ + sign * step)) for sign in (1, -1)] for step in steps]
        return np.array([(up - down) / (20 * _STEP) for up, down in pairs])

    def _at(self, theta: Floats) -> Floats:
        alive, known = np.exp(self._model._log_alive(theta, self._histories)), self._histories
        future = self._model.future_if(alive, theta, known.x, known.T)
        return future.discounted(self._length, self._force)


def _block(parameters: Floats, histories: Histories) -> tuple[Floats, Floats]:
    """Return log-likelihoods and their gradient by the parameters themselves."""
    from scipy.special import betaln, digamma, logsumexp

    alpha, beta, gamma, delta = parameters
    x, t_x, n = histories.x[:, None], histories.t_x[:, None], histories.T[:, None]
    i = np.arange(int((n - t_x).max()) + 1)
    until = np.minimum(t_x + i, n)  # opportunities that were lived through; the last one is all of them
    ended = t_x + i < n
    left, stayed = gamma + ended, delta + until
    terms = betaln(alpha + x, beta + until - x) + betaln(left, stayed)
    terms[i > n - t_x] = -np.inf
    total = logsumexp(terms, axis=1)
    share = np.exp(terms - total[:, None])
    of_p = digamma(alpha + beta + until)
    of_coin = digamma(left + stayed)
    both, coins = digamma(alpha + beta), digamma(gamma + delta)
    slopes = [
        (share * (digamma(alpha + x) - of_p)).sum(axis=1) - digamma(alpha) + both,
        (share * (digamma(beta + until - x) - of_p)).sum(axis=1) - digamma(beta) + both,
        (share * (digamma(left) - of_coin)).sum(axis=1) - digamma(gamma) + coins,
        (share * (digamma(stayed) - of_coin)).sum(axis=1) - digamma(delta) + coins,
    ]
    return total - betaln(alpha, beta) - betaln(gamma, delta), np.array(slopes)

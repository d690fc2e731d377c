"""MBG/CNBD-k: MBG/NBD with gaps between purchases that are as regular as k phases of equal rate."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from crm_ml.clv.beta_geo import BetaGeo
from crm_ml.clv.conditional_future import Future
from crm_ml.clv.erlang_future import ErlangFuture, PhasedFuture
from crm_ml.clv.erlang_phases import log_odds_dropped
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_likelihood import Prior
from crm_ml.clv.purchase_model import PurchaseModel, of_new
from crm_ml.clv.rising_factorial import log_rising, rising_slope
from crm_ml.clv.time_units import time_unit_of
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
LARGEST_K = 12
LOG_GAPS = "log_gaps"


class MbgCnbdK(PurchaseModel):
    """MBG/CNBD-k: as MBG/NBD, but a purchase is every k-th event of the Poisson process.

    Gaps between purchases are Erlang of shape k: 1 is MBG/NBD, more is more regular, so that a customer who
    is overdue is sooner taken for lost. ``params_``: r, alpha (a time; of the phases), a, b; ``k_``.

    Parameters
    ----------
    prior : "weak", optional
        See `PurchaseModel`.
    k : int, optional
        By default the k up to 12 of highest likelihood, which takes the column ``log_gaps`` of
        `crm_ml.clv.with_gaps`.

    References
    ----------
    .. [1] Reutterer, Platzer and Schroeder (2021). Leveraging purchase regularity for predicting customer
       behavior the easy way. International Journal of Research in Marketing 38, equations 4 to 8.
    .. [2] Platzer and Reutterer (2016). Ticking away the moments: timing regularity helps to better predict
       customer activity. Marketing Science 35.

    Notes
    -----
    Expected purchases are exact where [1]_ scale those of MBG/NBD: see `crm_ml.clv.erlang_future`.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(0, 0, 38), (1, 9, 38), (2, 20, 36), (5, 30, 35), (0, 0, 30), (3, 12, 39)]
    >>> summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    >>> MbgCnbdK(k=2).fit(summary).k_
    2
    >>> MbgCnbdK().fit(summary)
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: summary: log_gaps is missing, by which k is found; add it by ...
    """

    NAMES: tuple[str, ...] = BetaGeo.NAMES
    TIMES: tuple[str, ...] = BetaGeo.TIMES
    STARTS: ClassVar[tuple[tuple[float, ...], ...]] = BetaGeo.STARTS
    K_IS_ONE: ClassVar[bool] = False

    def __init__(self, k: int | None = None, prior: Prior | None = None) -> None:
        super().__init__(prior)
        if k is not None and k not in range(1, LARGEST_K + 1):
            raise InputError(f"k is {k}; it must be a whole number from 1 to {LARGEST_K}")
        self.k = k

    def fit(self, summary: "pd.DataFrame", y: None = None) -> Self:  # noqa: ARG002  (of scikit-learn)
        """Estimate the parameters by maximum likelihood, and k where it is not set.

        Raises
        ------
        InputError
            As `PurchaseModel.fit`, and if k is to be found and ``log_gaps`` is missing or not finite.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        histories = Histories.of(summary)
        best: MbgCnbdK = type(self)(self.k or 1, self.prior).fit_histories(histories)
        if self.k is None:
            best = _most_likely(best, histories, _log_gaps(summary))
        chosen = self.k
        self.__dict__.update(best.__dict__)
        self.k, self.time_unit_ = chosen, time_unit_of(summary)
        return self

    def fit_histories(
        self, histories: Histories, start: Floats | None = None, hessian: Floats | None = None
    ) -> Self:
        """Estimate the parameters from grouped histories, with k of 1 where it is not set."""
        self.k_ = int(self.k or 1)
        return super().fit_histories(histories, start, hessian)

    def score(self, summary: "pd.DataFrame", y: None = None) -> float:  # noqa: ARG002  (of scikit-learn)
        """Return the mean log-likelihood as `PurchaseModel.score`, with that of the gaps where k is above 1.

        Raises
        ------
        InputError
            As `PurchaseModel.score`, and if k is above 1 and ``log_gaps`` is missing or not finite.
        """
        histories = self.histories_of(summary)
        value = self._log_likelihood(self.theta_, histories)[0]
        gaps = _likelihood_of_gaps(self.k_, histories, _log_gaps(summary)) if self.k_ > 1 else 0.0
        return (value + gaps) / len(summary)

    def fresh(self) -> Self:
        """Return an unfitted model of the same k."""
        return type(self)(self.k_, self.prior)

    @property
    def states(self) -> int:
        """Phases since the last purchase that a customer may be in."""
        return self.k_

    def states_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the probability of being alive in each phase, and the gradient of its logarithm."""
        return log_odds_dropped(theta, histories, self.k_).phases_with_slopes()

    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return P(alive), equation 6 of [1]_, and the gradient of its logarithm."""
        return log_odds_dropped(theta, histories, self.k_).alive_with_slopes()

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        """Return equation 4 of [1]_ without the gaps, which no parameter but k depends on."""
        r, alpha, a, b = np.exp(theta)
        weight, bought, total = histories.weight, self.k_ * histories.x, histories.weight.sum()
        odds = log_odds_dropped(theta, histories, self.k_)
        most = int(histories.x.max()) + 1
        by_x, by_phases = np.bincount(histories.x + 1, weights=weight), np.bincount(bought, weights=weight)
        value = by_phases @ log_rising(r, len(by_phases) - 1) + total * r * theta[1]
        value += by_x @ (log_rising(b, most) - log_rising(a + b, most))
        value += weight @ (odds.log_alive + np.logaddexp(0.0, odds.odds) - (r + bought) * odds.log_age)
        sums = by_x @ rising_slope(a + b, most)
        slope = np.array(
            [
                by_phases @ rising_slope(r, len(by_phases) - 1) + total * theta[1] - weight @ odds.log_age,
                total * r / alpha - weight @ ((r + bought) / (alpha + histories.T)),
                -sums,
                by_x @ rising_slope(b, most) - sums,
            ]
        )
        return float(value), slope * np.exp(theta) + odds.slopes() @ weight

    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> ErlangFuture:
        """Return the future of customers who have just bought; see `future_in` for the other phases."""
        return self.future_in(0, alive, theta, x, T)

    def future_in(self, state: int, alive: Floats, theta: Floats, x: Ints, T: Floats) -> ErlangFuture:
        """Return the future of customers in a phase, alive in it with some probabilities."""
        r, alpha, a, b = np.exp(theta)
        shape = r + self.k_ * x + state
        return ErlangFuture(alive, shape, alpha + T, float(a), b + x + 1.0, self.k_, state)

    def future_of_states(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> Future:
        """Return the future of customers in all phases together."""
        return PhasedFuture([self.future_in(j, each, theta, x, T) for j, each in enumerate(alive)])

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer, alive at first with b / (a + b)."""
        self._check_fitted()
        a, b = self.params_["a"], self.params_["b"]
        nothing = np.zeros(1, dtype=np.int64)
        alive = np.full(1, b / (a + b))
        return of_new(self.future_if(alive, self.theta_, nothing, np.zeros(1)), times)

    @classmethod
    def of_params(cls, params: Mapping[str, float], time_unit: str | None = None, k: int = 1) -> Self:
        """Return the model with some parameters and k; see `PurchaseModel.of_params`."""
        model = super().of_params(params, time_unit)
        model.k_ = int(cls(k).k or 1)
        return model

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted parameters and k, ready for JSON."""
        return super().as_dict() | {"k": self.k_}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the fitted model that `as_dict` described."""
        model = super().from_dict(content)
        model.k_ = content["k"]
        return model


def _log_gaps(summary: "pd.DataFrame") -> float:
    """Return the sum of the logarithms of gaps, or refuse a summary that does not know it."""
    if LOG_GAPS not in summary.columns:
        raise InputError("summary: log_gaps is missing, by which k is found; add it by crm_ml.clv.with_gaps")
    log_gaps = float(summary[LOG_GAPS].sum(skipna=False))
    if not math.isfinite(log_gaps):
        raise InputError("summary: log_gaps is missing or infinite in some rows; add it by with_gaps")
    return log_gaps


def _likelihood_of_gaps(k: int, histories: Histories, log_gaps: float) -> float:
    """Return the part of the log-likelihood that depends on k and the gaps alone."""
    return (k - 1) * log_gaps - float(histories.weight @ histories.x) * math.lgamma(k)


def _most_likely(first: MbgCnbdK, histories: Histories, log_gaps: float) -> MbgCnbdK:
    """Return the fit of the k of highest likelihood: k is raised until the likelihood falls."""
    best, most = first, first.log_likelihood_
    while best.k_ < LARGEST_K:
        k = best.k_ + 1
        start = best.theta_ + np.array([0.0, math.log((k - 1) / k), 0.0, 0.0])
        following = type(first)(k, first.prior).fit_histories(histories, start, best.hessian(histories))
        likelihood = following.log_likelihood_ + _likelihood_of_gaps(k, histories, log_gaps)
        if likelihood <= most:
            break
        best, most = following, likelihood
    logger.info("MBG/CNBD-k: k is %d", best.k_)
    return best

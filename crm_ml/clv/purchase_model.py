"""Common part of all purchase models: fitting on distinct histories, and predictions."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from crm_ml.clv import lifetimes_bridge
from crm_ml.clv.conditional_future import Future
from crm_ml.clv.maximum_likelihood import follow, maximise
from crm_ml.clv.newton import Objective, numerical_hessian
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.time_units import NAMES, Horizon, TimeUnit, in_units, time_unit_of
from crm_ml.errors import InputError
from crm_ml.models.estimator import Estimator

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
SEARCH_ROWS = 20_000


class PurchaseModel(Estimator, ABC):
    """A model of how often customers buy and when they drop out.

    After `fit`: ``params_`` (dict, in the unit of the summary), ``standard_errors_`` (the same keys; NaN at a
    bound), ``log_likelihood_`` (sum, same unit), ``covariance_`` (of the parameters' logarithms),
    ``n_customers_``, ``time_unit_`` (None where the summary does not say) and ``record_`` (how the fit went).
    """

    NAMES: ClassVar[tuple[str, ...]]
    TIMES: ClassVar[tuple[str, ...]]
    STARTS: ClassVar[tuple[tuple[float, ...], ...]]
    K_IS_ONE: ClassVar[bool] = True  # gaps between purchases are exponential

    @abstractmethod
    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        """Return the sum of log-likelihoods and its gradient by the logarithms of the parameters."""

    @abstractmethod
    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return P(alive), shape (k,), and the gradient of its logarithm, shape (parameters, k).

        Both `theta` and the gradient are by the logarithms of the parameters.
        """

    @abstractmethod
    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> Future:
        """Return the future of customers of some frequencies and ages, alive with some probabilities."""

    @abstractmethod
    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer until some times after the first purchase.

        Parameters
        ----------
        times : sequence of float, shape (m,)
            In the unit of the summary.
        """

    def fit(self, summary: "pd.DataFrame") -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary : pandas.DataFrame, shape (n, ...)
            Of `crm_ml.clv.summarize`: frequency, recency, T. Equal rows are computed once.

        Raises
        ------
        InputError
            If `summary` is no valid summary, there are no repeat buyers, or every T is 0.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        self.fit_histories(Histories.of(summary))
        self.time_unit_ = time_unit_of(summary)
        return self

    def fit_histories(
        self, histories: Histories, start: Floats | None = None, hessian: Floats | None = None
    ) -> Self:
        """Estimate the parameters from grouped histories.

        `start` holds logarithms close to the maximum, and `hessian` about the matrix there: see the method
        `hessian`. Without them the standard starts are tried, on some of many histories.
        """
        refuse_no_repeats(histories)
        scale = float(histories.weight @ histories.T / histories.weight.sum())
        shift = np.array([math.log(scale) if name in self.TIMES else 0.0 for name in self.NAMES])
        whole, customers = histories.scaled(scale), float(histories.weight.sum())
        if start is None or hessian is None:
            starts = [np.log(values) for values in self.STARTS]
            some = whole.some(SEARCH_ROWS) if len(whole.x) > 2 * SEARCH_ROWS else None
            search = None if some is None else self._mean(some)
            fitted = maximise(self._mean(whole), self.NAMES, starts, customers, search)
        else:
            fitted = follow(self._mean(whole), self.NAMES, start - shift, hessian, customers)
        self.time_unit_ = None
        self.theta_ = fitted.theta + shift
        self.params_ = dict(zip(self.NAMES, np.exp(self.theta_).tolist(), strict=True))
        self.covariance_ = fitted.covariance
        self.log_likelihood_ = self._log_likelihood(self.theta_, histories)[0]
        self.n_customers_ = round(customers)
        self.record_ = fitted.record
        if fitted.record.at_bound:
            logger.info("%s: at the end of their range: %s", type(self).__name__, fitted.record.at_bound)
        return self

    def hessian(self, histories: Histories) -> Floats:
        """Return the second derivatives of the mean log-likelihood by the logarithms of the parameters."""
        self._check_fitted()
        return numerical_hessian(self._mean(histories), self.theta_)

    def _mean(self, histories: Histories) -> Objective:
        total = float(histories.weight.sum())

        def objective(theta: Floats) -> tuple[float, Floats]:
            value, gradient = self._log_likelihood(theta, histories)
            return value / total, gradient / total

        return objective

    @property
    def standard_errors_(self) -> dict[str, float]:
        """Standard errors in the unit of the parameters, from the Hessian; NaN at a bound."""
        self._check_fitted()
        errors = np.exp(self.theta_) * np.sqrt(np.diag(self.covariance_))
        return dict(zip(self.NAMES, errors.tolist(), strict=True))

    @property
    def age_scale(self) -> float:
        """The shortest of the parameters that are times, below which no age matters."""
        self._check_fitted()
        return float(min(self.params_[name] for name in self.TIMES))

    @property
    def aic_(self) -> float:
        """Akaike's information criterion, ``2 k - 2 log L``."""
        return 2 * len(self.NAMES) - 2 * self.log_likelihood_

    @property
    def bic_(self) -> float:
        """Schwarz's information criterion, ``k log n - 2 log L``."""
        return len(self.NAMES) * math.log(self.n_customers_) - 2 * self.log_likelihood_

    def confidence_intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Return intervals from the Hessian, symmetric in the parameters' logarithms; NaN at a bound.

        Raises
        ------
        InputError
            If the model is not fitted, or `level` is not between 0 and 1.
        """
        from scipy.stats import norm

        self._check_fitted()
        if not 0 < level < 1:
            raise InputError(f"level is {level}; it must be between 0 and 1, .95 for 95 %")
        half = norm.ppf((1 + level) / 2) * np.sqrt(np.diag(self.covariance_))
        low, high = np.exp(self.theta_ - half), np.exp(self.theta_ + half)
        return dict(zip(self.NAMES, zip(low.tolist(), high.tolist(), strict=True), strict=True))

    def score(self, summary: "pd.DataFrame", y: None = None) -> float:  # noqa: ARG002  (of scikit-learn)
        """Return the mean log-likelihood of the histories of customers, held out from the fit or not.

        It is ``log L / n`` by the model's own likelihood, for which the class names the equation; greater is
        better. Recency is a time, so compare scores in one unit of time alone.

        Raises
        ------
        InputError
            If the model is not fitted, `summary` is no valid summary, or in another unit of time.
        """
        histories = self._histories(summary)
        return self._log_likelihood(self.theta_, histories)[0] / len(summary)

    def probability_alive(self, summary: "pd.DataFrame") -> "pd.Series[float]":
        """Return the probability that each customer has not dropped out by now, shape (n,)."""
        histories = self._histories(summary)
        return _series(summary, histories, self.alive_with_slopes(self.theta_, histories)[0], "p_alive")

    def expected_purchases(self, summary: "pd.DataFrame", horizon: Horizon) -> "pd.Series[float]":
        """Return the expected number of purchases of each customer within a horizon, shape (n,).

        Parameters
        ----------
        summary : pandas.DataFrame, shape (n, ...)
        horizon : timedelta or float
            A time, or a number in the unit of the summary.
        """
        histories, length = self._histories(summary), self._finite(horizon, summary)
        expected = self.future(histories).expected(length)
        return _series(summary, histories, expected, "expected_purchases")

    def probability_of_purchase(self, summary: "pd.DataFrame", horizon: Horizon) -> "pd.Series[float]":
        """Return the probability of at least one purchase within a horizon, shape (n,)."""
        histories, length = self._histories(summary), self._finite(horizon, summary)
        none = self.future(histories).none(length)
        return _series(summary, histories, 1 - none, "p_purchase")

    def purchase_counts(self, summary: "pd.DataFrame", horizon: Horizon, most: int) -> "pd.DataFrame":
        """Return the probability of exactly 0, 1, .., `most` purchases within a horizon, shape (n, most + 1).

        The rows sum to 1 less the probability of more than `most`.
        """
        import pandas as pd

        if most < 0:
            raise InputError(f"most is {most}; it must be 0 or more")
        histories, length = self._histories(summary), self._finite(horizon, summary)
        probabilities = histories.for_each(self.future(histories).counts(length, most))
        return pd.DataFrame(probabilities, index=summary.index)

    def future(self, histories: Histories) -> Future:
        """Return the future of customers with some histories."""
        self._check_fitted()
        return self.future_at(self.theta_, histories)

    @property
    def states(self) -> int:
        """Number of states that a customer who is alive may be in; one unless a subclass says so."""
        return 1

    def states_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return the probability of being alive in each state, (states, k), and the gradient of its log.

        The gradient has shape (states, parameters, k).
        """
        alive, slopes = self.alive_with_slopes(theta, histories)
        return alive[None], slopes[None]

    def future_in(self, state: int, alive: Floats, theta: Floats, x: Ints, T: Floats) -> Future:  # noqa: ARG002
        """Return `future_if` of customers in a state."""
        return self.future_if(alive, theta, x, T)

    def fresh(self) -> Self:
        """Return an unfitted model with the same settings."""
        return type(self)()

    def future_at(self, theta: Floats, histories: Histories) -> Future:
        """Return the future at some logarithms of the parameters."""
        alive, _ = self.alive_with_slopes(theta, histories)
        return self.future_if(alive, theta, histories.x, histories.T)

    def unit_for(self, summary: "pd.DataFrame") -> str | None:
        """Return the unit of time of a summary, or that of the fit where it does not say.

        Raises
        ------
        InputError
            If the model was fitted in another unit.
        """
        self._check_fitted()
        unit = time_unit_of(summary)
        if unit and self.time_unit_ and unit != self.time_unit_:
            raise InputError(
                f"summary is in {NAMES[unit]}, but the model was fitted in {NAMES[self.time_unit_]}; "
                f"summarize with time_unit={self.time_unit_!r}"
            )
        return unit or self.time_unit_

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted parameters, ready for JSON."""
        self._check_fitted()
        return {
            "theta": self.theta_.tolist(),
            "covariance": [[None if math.isnan(v) else v for v in row] for row in self.covariance_.tolist()],
            "log_likelihood": self.log_likelihood_,
            "n_customers": self.n_customers_,
            "time_unit": self.time_unit_,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the fitted model that `as_dict` described."""
        model = cls()
        model.theta_ = np.array(content["theta"], dtype=float)
        model.params_ = dict(zip(cls.NAMES, np.exp(model.theta_).tolist(), strict=True))
        model.covariance_ = np.array(content["covariance"], dtype=float)
        model.log_likelihood_, model.n_customers_ = content["log_likelihood"], content["n_customers"]
        model.time_unit_ = content["time_unit"]
        return model

    @classmethod
    def from_lifetimes(cls, fitter: Any, time_unit: TimeUnit | None = None) -> Self:
        """Return the model with the parameters of a fitter of lifetimes, whose predictions it repeats.

        Parameters
        ----------
        fitter : BetaGeoFitter, ModifiedBetaGeoFitter or ParetoNBDFitter
            Fitted. Likelihood and standard errors follow from its data, without its penalty; NaN where it
            holds none.
        time_unit : {"D", "W"}, optional
            Of its summary, so that horizons may be times.

        Raises
        ------
        InputError
            If it is a fitter of another model, not fitted, or its data are no valid summary.
        """
        theta = np.log(list(lifetimes_bridge.params_of(cls, fitter).values()))
        unknown = np.full((len(theta), len(theta)), np.nan)
        content = {"theta": theta, "covariance": unknown, "log_likelihood": math.nan, "n_customers": 0}
        model = cls.from_dict({**content, "time_unit": time_unit})
        rows = lifetimes_bridge.rows_of(fitter)
        if rows is not None:
            histories = Histories.of(rows[0])
            histories = histories.weighted(np.bincount(histories.row, rows[1]).astype(np.float64))
            model.log_likelihood_ = model._log_likelihood(theta, histories)[0]
            model.n_customers_ = round(rows[1].sum())
            model.covariance_ = lifetimes_bridge.covariance_at(model.hessian(histories), rows[1].sum())
        return model

    def to_lifetimes(self) -> Any:
        """Return a fitter of lifetimes with these parameters; see `crm_ml.clv.lifetimes_bridge`.

        Raises
        ------
        ConfigError
            If lifetimes is not installed.
        InputError
            If the model is not fitted or lifetimes has none like it.
        """
        self._check_fitted()
        return lifetimes_bridge.make_fitter(self)

    def _histories(self, summary: "pd.DataFrame") -> Histories:
        self.unit_for(summary)
        return Histories.of(summary)

    def _finite(self, horizon: Horizon, summary: "pd.DataFrame") -> float:
        length = in_units(horizon, self.unit_for(summary))
        if math.isinf(length):
            raise InputError("horizon is infinite; only lifetime_value takes that, with a discount")
        return length

    def _check_fitted(self) -> None:
        if not hasattr(self, "params_"):
            raise self._not_fitted()


def refuse_no_repeats(histories: Histories) -> None:
    """Raise `InputError` if there are no repeat buyers, or all customers are new."""
    customers = int(histories.weight.sum())
    if not (histories.weight @ (histories.x > 0)) > 0:
        raise InputError(
            f"summary: none of {customers:,} customers has a repeat purchase, so nothing tells how often "
            "they buy; take a later as_of or more customers"
        )
    if not (histories.weight @ histories.T) > 0:
        raise InputError(f"summary: T is 0 for all of {customers:,} customers; take a later as_of")


def of_new(future: Future, times: Sequence[float]) -> Floats:
    """Return the expected purchases of one customer until some times, 0 at time 0, shape (m,).

    Raises
    ------
    InputError
        If a time is negative, infinite or NaN.
    """
    at = np.asarray(times, dtype=np.float64)
    wrong = ~(np.isfinite(at) & (at >= 0))
    if wrong.any():
        raise InputError(f"times: {int(wrong.sum()):,} of {at.size:,} are negative, infinite or NaN")
    return np.array([float(future.expected(time)[0]) if time > 0 else 0.0 for time in at.tolist()])


def _series(summary: "pd.DataFrame", histories: Histories, values: Floats, name: str) -> "pd.Series[float]":
    import pandas as pd

    return pd.Series(histories.for_each(values), index=summary.index, name=name)

"""Maximum likelihood of purchase models: the fit to distinct histories, and what it says of itself."""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from crm_ml.clv.fitted_parameters import FittedParameters
from crm_ml.clv.maximum_likelihood import Fit, follow, maximise
from crm_ml.clv.newton import Objective, numerical_hessian
from crm_ml.clv.parameter_priors import prior_of
from crm_ml.clv.purchase_histories import Floats, Histories
from crm_ml.clv.time_units import NAMES, check_unit, time_unit_of
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
Prior = Literal["weak"]
WEAK: Prior = "weak"
SEARCH_ROWS = 20_000


class PurchaseLikelihood(FittedParameters, ABC):
    """Base of purchase models: the likelihood of histories, and the parameters where it is largest.

    With a prior they are where likelihood times prior is largest, and intervals are those of that product:
    for small cohorts. `crm_ml.clv.prior_effect` says what it has changed.

    A subclass gives the names of its parameters, which of them are times, where to start the search, and the
    likelihood itself.
    """

    TIMES: tuple[str, ...]
    STARTS: ClassVar[tuple[tuple[float, ...], ...]]

    def __init__(self, prior: Prior | None = None) -> None:
        if prior not in (None, WEAK):
            raise InputError(f"prior is {prior!r}; it must be {WEAK!r} or None")
        self.prior = prior

    @abstractmethod
    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        """Return the sum of log-likelihoods and its gradient by the logarithms of the parameters."""

    def fit(self, summary: "pd.DataFrame", y: None = None) -> Self:  # noqa: ARG002  (of scikit-learn)
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary : pandas.DataFrame, shape (n, ...)
            Of `crm_ml.clv.summarize`: frequency, recency, T. Equal rows are computed once.
        y : None
            Ignored; a pipeline of scikit-learn gives it.

        Raises
        ------
        InputError
            If `summary` is no valid summary, there are no repeat buyers, or every T is 0.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        self.fit_histories(self.grouped(summary))
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
        fitted = self._maximum(histories, start, hessian)
        self.time_unit_ = None
        self.theta_ = fitted.theta
        self.params_ = self._params()
        self.covariance_ = fitted.covariance
        self.log_likelihood_ = self._log_likelihood(self.theta_, histories)[0]
        self.n_customers_ = round(float(histories.weight.sum()))
        self.record_ = fitted.record
        if fitted.record.at_bound:
            logger.info("%s: at the end of their range: %s", type(self).__name__, fitted.record.at_bound)
        return self

    def _maximum(self, histories: Histories, start: Floats | None, hessian: Floats | None) -> Fit:
        """Return the maximum of the likelihood, searched for with the mean age as the unit of time."""
        customers = float(histories.weight.sum())
        whole, _, shift = self.search_space(histories)
        if start is None or hessian is None:
            starts = [np.log(values) for values in self.STARTS]
            some = whole.some(SEARCH_ROWS) if len(whole.x) > 2 * SEARCH_ROWS else None
            search = None if some is None else self._mean(some)
            fitted = maximise(self._mean(whole), self.NAMES, starts, customers, search)
        else:
            fitted = follow(self._mean(whole), self.NAMES, start - shift, hessian, customers)
        return replace(fitted, theta=fitted.theta + shift)

    def search_space(
        self,
        histories: Histories,
        centred: bool = True,  # noqa: ARG002
    ) -> tuple[Histories, Floats, Floats]:
        """Return histories in the unit of the search, and matrix and shift that lead back to `theta_`.

        Parameters
        ----------
        histories : Histories
        centred : bool
            Whether covariates have mean 0 there, so that other parameters are those of the mean customer.
        """
        return histories.scaled(histories.mean_age), np.eye(len(self.NAMES)), self._unit(histories)

    def _unit(self, histories: Histories) -> Floats:
        """Return what makes logarithms of parameters those in the unit of the search, when taken off."""
        log_scale = math.log(histories.mean_age)
        return np.array([log_scale if name in self.TIMES else 0.0 for name in self.NAMES])

    def hessian(self, histories: Histories) -> Floats:
        """Return the second derivatives of the mean log-likelihood by the logarithms of the parameters."""
        self._check_fitted()
        if self.prior is None:
            return numerical_hessian(self._mean(histories), self.theta_)
        whole, _, shift = self.search_space(histories)
        return numerical_hessian(self._mean(whole), self.theta_ - shift)

    @abstractmethod
    def fresh(self) -> Self:
        """Return an unfitted model with the same settings."""

    def _mean(self, histories: Histories) -> Objective:
        total = float(histories.weight.sum())

        def objective(theta: Floats) -> tuple[float, Floats]:
            value, gradient = self._log_likelihood(theta, histories)
            return value / total, gradient / total

        def with_prior(theta: Floats) -> tuple[float, Floats]:
            value, gradient = objective(theta)
            log_prior, slope = prior_of(self.NAMES, theta)
            return value + log_prior / total, gradient + slope / total

        return objective if self.prior is None else with_prior

    def _params(self) -> dict[str, float]:
        return dict(zip(self.NAMES, self.natural(self.theta_).tolist(), strict=True))

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
        """Schwarz's information criterion, ``k log n - 2 log L``; NaN where the data are not known."""
        if not self.errors_known_:
            return math.nan
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
        low, high = self.natural(self.theta_ - half), self.natural(self.theta_ + half)
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
        histories = self.histories_of(summary)
        return self._log_likelihood(self.theta_, histories)[0] / len(summary)

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

    def grouped(self, summary: "pd.DataFrame") -> Histories:
        """Return the distinct histories of a summary; raises as `Histories.of`."""
        return Histories.of(summary)

    def histories_of(self, summary: "pd.DataFrame") -> Histories:
        """Return the distinct histories of a summary in the unit of time of the fit; raises as `unit_for`."""
        self.unit_for(summary)
        return self.grouped(summary)

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted parameters, ready for JSON."""
        prior = {} if self.prior is None else {"prior": self.prior}
        return self._fitted_content() | {"time_unit": self.time_unit_} | prior

    @classmethod
    def of_params(cls, params: Mapping[str, float], time_unit: str | None = None) -> Self:
        """Return the model with some parameters, of whose errors nothing is known.

        Parameters
        ----------
        params : mapping of str to float
            All parameters by name, above 0, times in `time_unit`.
        time_unit : {"h", "D", "W", "M"}, optional
            That of summaries, so that horizons may be times.

        Raises
        ------
        InputError
            If a parameter is missing, unknown, or not above 0 and finite.

        Examples
        --------
        >>> from crm_ml.clv import BetaGeo
        >>> BetaGeo.of_params({"r": 0.24, "alpha": 4.4, "a": 0.8}, "W")
        Traceback (most recent call last):
        ...
        crm_ml.errors.InputError: BetaGeo has the parameters r, alpha, a, b, not r, alpha, a
        """
        if set(params) != set(cls.NAMES):
            raise InputError(
                f"{cls.__name__} has the parameters {', '.join(cls.NAMES)}, not {', '.join(params)}"
            )
        wrong = [name for name, value in params.items() if not 0 < value < math.inf]
        if wrong:
            raise InputError(f"{cls.__name__}: {', '.join(wrong)} must be above 0 and finite")
        if time_unit is not None:
            check_unit(time_unit)
        model = cls()
        model._take_theta(np.log([params[name] for name in cls.NAMES]))
        model.params_, model.time_unit_ = model._params(), time_unit
        return model

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the fitted model that `as_dict` described."""
        model = cls()
        model._take_fitted(content)
        model.params_, model.time_unit_ = model._params(), content["time_unit"]
        model.prior = content.get("prior")
        return model


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

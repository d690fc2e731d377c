"""Fitted parameters of a model of purchases or spend: their errors, and their part of a file."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from crm_ml.clv.purchase_histories import Floats
from crm_ml.models.estimator import Estimator


class FittedParameters(Estimator):
    """Base of models whose parameters are the maximum of a likelihood.

    After `fit`: ``theta_`` (logarithms of the parameters, in the order of ``NAMES``), ``covariance_`` (of
    them; NaN at a bound), ``log_likelihood_`` (sum over customers) and ``n_customers_``.
    """

    NAMES: ClassVar[tuple[str, ...]]

    @property
    def standard_errors_(self) -> dict[str, float]:
        """Standard errors in the unit of the parameters, from the Hessian; NaN at a bound."""
        self._check_fitted()
        errors = np.exp(self.theta_) * np.sqrt(np.diag(self.covariance_))
        return dict(zip(self.NAMES, errors.tolist(), strict=True))

    def _fitted_content(self) -> dict[str, Any]:
        """Return what was fitted, ready for JSON, where null stands for NaN."""
        self._check_fitted()
        return {
            "theta": self.theta_.tolist(),
            "covariance": [[None if math.isnan(v) else v for v in row] for row in self.covariance_.tolist()],
            "log_likelihood": self.log_likelihood_,
            "n_customers": self.n_customers_,
        }

    def _take_fitted(self, content: Mapping[str, Any]) -> None:
        """Take what `_fitted_content` described."""
        self.theta_: Floats = np.array(content["theta"], dtype=float)
        self.covariance_: Floats = np.array(content["covariance"], dtype=float)
        self.log_likelihood_: float = content["log_likelihood"]
        self.n_customers_: int = content["n_customers"]

    def _take_theta(self, theta: Floats) -> None:
        """Take logarithms of parameters of which nothing else is known, as of a fitter without its data."""
        unknown = np.full((len(theta), len(theta)), np.nan)
        content = {"theta": theta, "covariance": unknown, "log_likelihood": math.nan, "n_customers": 0}
        self._take_fitted(content)

    def _check_fitted(self) -> None:
        if not hasattr(self, "theta_"):
            raise self._not_fitted()

"""Fitted parameters of a model of purchases or spend: their errors, and their part of a file."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv.purchase_histories import Floats
from crm_ml.errors import InputError
from crm_ml.models.estimator import Estimator

if TYPE_CHECKING:
    from sklearn.utils import Tags


_LARGEST = 700  # logarithm of what a float holds


class FittedParameters(Estimator):
    """Base of models whose parameters are the maximum of a likelihood.

    After `fit`: ``theta_`` (logarithms of the parameters, in the order of ``NAMES``), ``covariance_`` (of
    them; NaN at a bound), ``log_likelihood_`` (sum over customers) and ``n_customers_``.

    Examples
    --------
    >>> from crm_ml.clv import BetaGeo, MbgCnbdK
    >>> BetaGeo(), MbgCnbdK(k=2)
    (BetaGeo(), MbgCnbdK(k=2))
    """

    NAMES: tuple[str, ...]
    COEFFICIENTS: int = 0  # how many of the last parameters `theta_` holds as they are, not as logarithms

    @property
    def errors_known_(self) -> bool:
        """Whether anything is known of the errors; it is not of a fitter that came without its data."""
        self._check_fitted()
        return self.n_customers_ > 0

    def variance_along(self, slopes: Floats) -> Floats:
        """Return the variance of functions of the parameters by the delta method, ``g' C g``, shape (k,).

        Parameters
        ----------
        slopes : numpy.ndarray, shape (d, k)
            Gradients by the logarithms of the parameters. What has no variance, such as a parameter at a
            bound, adds nothing; where no error is known at all (`errors_known_`) the variance is NaN.
        """
        if not self.errors_known_:
            return np.full(slopes.shape[1], np.nan)
        known, total = np.nan_to_num(self.covariance_).tolist(), np.zeros(slopes.shape[1])
        for i, row in enumerate(known):
            for j, covariance in enumerate(row):  # in order, whatever the number of functions
                total += slopes[i] * covariance * slopes[j]
        return np.asarray(np.maximum(total, 0.0))

    def __repr__(self) -> str:
        given = {name: value for name, value in self.get_params(deep=False).items() if value is not None}
        settings = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return f"{type(self).__name__}({settings})"

    @property
    def standard_errors_(self) -> dict[str, float]:
        """Standard errors in the unit of the parameters, from the Hessian; NaN at a bound."""
        self._check_fitted()
        scale = self.natural(self.theta_)
        scale[len(scale) - self.COEFFICIENTS :] = 1.0
        errors = scale * np.sqrt(np.diag(self.covariance_))
        return dict(zip(self.NAMES, errors.tolist(), strict=True))

    def __sklearn_tags__(self) -> "Tags":
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags

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
        size = len(self.NAMES)
        if self.theta_.shape != (size,) or self.covariance_.shape != (size, size):
            raise InputError(f"{type(self).__name__} has other than {size} parameters and their covariance")
        if not (np.abs(self.theta_) < _LARGEST).all() or np.isinf(self.covariance_).any():
            raise InputError(f"{type(self).__name__} has a parameter that is no finite number")

    def _take_theta(self, theta: Floats) -> None:
        """Take logarithms of parameters of which nothing else is known, as of a fitter without its data."""
        unknown = np.full((len(theta), len(theta)), np.nan)
        content = {"theta": theta, "covariance": unknown, "log_likelihood": math.nan, "n_customers": 0}
        self._take_fitted(content)

    def natural(self, theta: Floats) -> Floats:
        """Return parameters as they are from what `theta_` holds of them, shape (d,)."""
        cut = len(theta) - self.COEFFICIENTS
        return np.concatenate([np.exp(theta[:cut]), theta[cut:]])

    def _check_fitted(self) -> None:
        if not hasattr(self, "theta_"):
            raise self._not_fitted()

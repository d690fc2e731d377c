"""Gamma-Gamma: the expected spend of a customer per purchase."""

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from crm_ml.clv import lifetimes_bridge
from crm_ml.clv.fitted_parameters import FittedParameters
from crm_ml.clv.newton import numerical_hessian
from crm_ml.clv.purchase_histories import Floats
from crm_ml.clv.spend_likelihood import log_likelihood, mean_log_likelihood, most_likely
from crm_ml.clv.spend_summary import Grouped, Independence, Levels, Spend, independence_of
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


class GammaGamma(FittedParameters):
    """Spend on a purchase varies as Gamma(p, nu) within a customer, and nu as Gamma(q, v) over customers.

    Parameters
    ----------
    use_first_purchase : bool
        Learn from the first purchase too (``first_value`` of the summary), not from repeat purchases alone.
    largest_correlation : float
        Gamma-Gamma assumes spend independent of frequency. Where the absolute rank correlation exceeds this,
        each band of frequency gets its own level, and Gamma-Gamma describes spend relative to that level.

    Attributes
    ----------
    params_ : dict
        p, q, v (v in the money of the summary). q is above 1, so that the mean is finite.
    mean_ : float
        Expected spend of a customer without known purchases, ``p v / (q - 1)``.
    mean_is_tied_ : bool
        The tail is so heavy that the likelihood would put the mean at more than twice the observed one (or
        has no maximum); the mean was then fixed at the observed one.
    independence_ : Independence
        Correlation of frequency and spend, with its test.
    levels_ : Levels
        All 1 unless the correlation exceeds `largest_correlation`.

    References
    ----------
    .. [1] Fader and Hardie (2013). The Gamma-Gamma model of monetary value, equations 1a (likelihood) and 5.
    .. [2] Fader, Hardie and Lee (2005). RFM and CLV: using iso-value curves for customer base analysis.
       Journal of Marketing Research 42.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"frequency": [1, 2, 3, 1, 5, 0], "recency": [1.0, 2, 3, 1, 5, 0], "T": [9.0] * 6,
    ...         "monetary_value": [12.0, 30.0, 22.0, 55.0, 25.0, 0.0]}
    >>> model = GammaGamma().fit(pd.DataFrame(rows))
    >>> bool(model.expected_value(pd.DataFrame(rows)).between(12, 56).all())
    True
    """

    NAMES: tuple[str, ...] = ("p", "q", "v")

    def __init__(self, use_first_purchase: bool = False, largest_correlation: float = 0.3) -> None:
        self.use_first_purchase = use_first_purchase
        self.largest_correlation = largest_correlation

    def fit(self, summary: "pd.DataFrame", y: None = None) -> Self:  # noqa: ARG002  (of scikit-learn)
        """Estimate the parameters by maximum likelihood over customers with a known spend above 0.

        Raises
        ------
        InputError
            If `summary` lacks money, or no purchase that counts has a value above 0.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        return self.fit_grouped(Spend.of(summary, self.use_first_purchase).known())

    def fit_grouped(self, known: Grouped, start: Floats | None = None, hessian: Floats | None = None) -> Self:
        """Estimate the parameters from grouped customers.

        `start` is log p, log (q - 1), log v close to the maximum, and `hessian` about the matrix there.
        """
        if not known.customers > 0:
            what = "purchase" if self.use_first_purchase else "repeat purchase"
            raise InputError(
                f"summary: no customer has a {what} of a value above 0; nothing tells what they spend"
            )
        independence = independence_of(known)
        dependent = abs(independence.spearman) > self.largest_correlation
        levels = Levels.learn(known) if dependent else Levels()
        if dependent:
            logger.warning("spend depends on frequency: %s; a level for each band", independence)
        relative = Grouped(known.n, known.mean / levels.of(known.n), known.weight)
        fitted, self.mean_is_tied_ = most_likely(relative, start, hessian)
        self.theta_, self.covariance_, self.record_ = fitted.theta, fitted.covariance, fitted.record
        self.independence_, self.levels_ = independence, levels
        self.n_customers_ = round(known.customers)
        self.log_likelihood_ = self._log_likelihood(known)
        return self

    def _log_likelihood(self, known: Grouped) -> float:
        factors = self.levels_.of(known.n)
        relative = Grouped(known.n, known.mean / factors, known.weight)
        return log_likelihood(self.theta_, relative)[0] - float(known.weight @ np.log(factors))

    def hessian(self, known: Grouped) -> Floats:
        """Return the second derivatives of the mean log-likelihood by log p, log (q - 1), log v."""
        self._check_fitted()
        relative = Grouped(known.n, known.mean / self.levels_.of(known.n), known.weight)
        return numerical_hessian(mean_log_likelihood(relative), self.theta_)

    @property
    def params_(self) -> dict[str, float]:
        """Parameters p, q and v."""
        self._check_fitted()
        p, above, v = np.exp(self.theta_).tolist()
        return {"p": p, "q": 1 + above, "v": v}

    @property
    def mean_(self) -> float:
        """Expected spend of a customer without known purchases."""
        self._check_fitted()
        p, above, v = np.exp(self.theta_)
        return float(p * v / above)

    def expected_value(self, summary: "pd.DataFrame") -> "pd.Series[float]":
        """Return the expected spend of each customer per purchase: equation 5 of [1]_, shape (n,).

        ``(p v + p n m) / (p n + q - 1)``, a weighted mean of the customer's own mean m over n purchases and
        that of all customers. A customer without a purchase that counts gets the latter.
        """
        import pandas as pd

        self._check_fitted()
        spend = Spend.of(summary, self.use_first_purchase)
        return pd.Series(self.expected(spend), index=summary.index, name="expected_value")

    def score(self, summary: "pd.DataFrame", y: None = None) -> float:  # noqa: ARG002  (of scikit-learn)
        """Return the mean log-likelihood of what customers spend on a purchase, equation 1a of [1]_.

        Greater is better; a density of money, so compare scores in one currency alone.

        Raises
        ------
        InputError
            If the model is not fitted, or no customer of the summary has a known spend.
        """
        self._check_fitted()
        known = Spend.of(summary, self.use_first_purchase).known()
        if not known.customers > 0:
            raise InputError("summary: no customer has a purchase of a value above 0, so there is no score")
        return self._log_likelihood(known) / known.customers

    def expected(self, spend: Spend) -> Floats:
        """Return the expected spend of customers on a purchase, shape (n,)."""
        p, above, v = np.exp(self.theta_)
        level = self.levels_.of(spend.n)
        return np.asarray(level * p * (v + spend.n * spend.mean / level) / (p * spend.n + above))

    def log_slopes(self, spend: Spend) -> Floats:
        """Return the gradient of the logarithm of `expected` by log p, log (q - 1), log v, shape (3, n).

        With ``w = (q - 1) / (p n + q - 1)``, the weight of all customers: ``w``, ``-w`` and
        ``v / (v + n m)``, where m is the mean spend of the customer relative to the level.
        """
        p, above, v = np.exp(self.theta_)
        shared = above / (p * spend.n + above)
        return np.array([shared, -shared, v / (v + spend.n * spend.mean / self.levels_.of(spend.n))])

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted parameters, ready for JSON."""
        self._check_fitted()
        return {
            "use_first_purchase": self.use_first_purchase,
            "largest_correlation": self.largest_correlation,
            **self._fitted_content(),
            "mean_is_tied": self.mean_is_tied_,
            "independence": asdict(self.independence_),
            "levels": {"edges": list(self.levels_.edges), "factors": list(self.levels_.factors)},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the fitted model that `as_dict` described."""
        model = cls(content["use_first_purchase"], content["largest_correlation"])
        model._take_fitted(content)
        model.mean_is_tied_ = content["mean_is_tied"]
        model.independence_ = Independence(**content["independence"])
        model.levels_ = Levels(tuple(content["levels"]["edges"]), tuple(content["levels"]["factors"]))
        return model

    @classmethod
    def from_lifetimes(cls, fitter: Any) -> Self:
        """Return the model with the parameters of a GammaGammaFitter, whose expected spend it repeats.

        Likelihood, standard errors and the test of independence follow from its data, without its penalty.

        Raises
        ------
        InputError
            If it is another fitter or not fitted, or its q is 1 or less, so that the mean spend is infinite.
        """
        p, q, v = lifetimes_bridge.params_of(cls, fitter).values()
        if q <= 1:
            raise InputError(f"q is {q:.3g}: its mean spend is infinite; fit it again with q_constraint=True")
        model = cls()
        model._take_theta(np.log([p, q - 1, v]))
        model.mean_is_tied_, model.levels_ = False, Levels()
        model.independence_ = Independence(math.nan, math.nan, math.nan)
        rows = lifetimes_bridge.rows_of(fitter)
        if rows is not None:
            n, mean = (rows[0][name].to_numpy(float) for name in ("frequency", "monetary_value"))
            known = Grouped(n, mean, rows[1])
            model.independence_, model.n_customers_ = independence_of(known), round(known.customers)
            model.log_likelihood_ = model._log_likelihood(known)
            unit = np.array([0.0, 0.0, math.log(known.mean_of_customers)])
            model.covariance_ = lifetimes_bridge.covariance_at(
                model.theta_ - unit, model.hessian(known), known.customers
            )
        return model

    def to_lifetimes(self) -> Any:
        """Return a GammaGammaFitter with these parameters; see `crm_ml.clv.lifetimes_bridge`.

        Raises
        ------
        ConfigError
            If lifetimes is not installed.
        InputError
            If the model is not fitted, learned from first purchases, or has levels by frequency.
        """
        self._check_fitted()
        if self.use_first_purchase or self.levels_ != Levels():
            raise InputError(
                "lifetimes knows neither first purchases nor levels of spend by frequency; fit with "
                "use_first_purchase=False and largest_correlation=1"
            )
        return lifetimes_bridge.make_fitter(self)

"""Common part of all purchase models: what customers with a history will do."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from crm_ml.clv import lifetimes_bridge
from crm_ml.clv.conditional_future import Future
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_likelihood import PurchaseLikelihood
from crm_ml.clv.time_units import Horizon, TimeUnit, each_in_units
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.clv.time_units import Horizons


class PurchaseModel(PurchaseLikelihood):
    """A model of how often customers buy and when they drop out.

    After `fit`: ``params_`` (dict, in the unit of the summary), ``standard_errors_`` (the same keys; NaN at a
    bound), ``log_likelihood_`` (sum, same unit), ``covariance_`` (of the parameters' logarithms),
    ``n_customers_``, ``time_unit_`` (None where the summary does not say) and ``record_`` (how the fit went).

    Parameters
    ----------
    prior : "weak", optional
        Multiply the likelihood by weak priors, see `crm_ml.clv.parameter_priors`: for small cohorts, whose
        likelihood may have no maximum. With hundreds of repeat purchases they change next to nothing.
    """

    K_IS_ONE: ClassVar[bool] = True  # gaps between purchases are exponential
    DROPOUT_EFFECTS: ClassVar[Mapping[str, float]] = {}  # weights of a covariate in logarithms

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

    def probability_alive(self, summary: "pd.DataFrame") -> "pd.Series[float]":
        """Return the probability that each customer has not dropped out by now, shape (n,)."""
        histories = self.histories_of(summary)
        return _series(summary, histories, self.alive_with_slopes(self.theta_, histories)[0], "p_alive")

    def expected_purchases(
        self, summary: "pd.DataFrame", horizon: "Horizon | Horizons"
    ) -> "pd.Series[float]":
        """Return the expected number of purchases of each customer within a horizon, shape (n,).

        Parameters
        ----------
        summary : pandas.DataFrame, shape (n, ...)
        horizon : timedelta or float, or a Series, array or list of one for each customer
            A time, or a number in the unit of the summary.
        """
        histories, length = self._ahead(summary, horizon)
        expected = self.future(histories).expected(length)
        return _series(summary, histories, expected, "expected_purchases")

    def probability_of_purchase(
        self, summary: "pd.DataFrame", horizon: "Horizon | Horizons"
    ) -> "pd.Series[float]":
        """Return the probability of at least one purchase within a horizon, shape (n,)."""
        histories, length = self._ahead(summary, horizon)
        none = self.future(histories).none(length)
        return _series(summary, histories, 1 - none, "p_purchase")

    def purchase_counts(
        self, summary: "pd.DataFrame", horizon: "Horizon | Horizons", most: int
    ) -> "pd.DataFrame":
        """Return the probability of exactly 0, 1, .., `most` purchases within a horizon, shape (n, most + 1).

        The rows sum to 1 less the probability of more than `most`.
        """
        import pandas as pd

        if most < 0:
            raise InputError(f"most is {most}; it must be 0 or more")
        histories, length = self._ahead(summary, horizon)
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
        return type(self)(prior=self.prior)

    def future_at(self, theta: Floats, histories: Histories) -> Future:
        """Return the future at some logarithms of the parameters."""
        alive, _ = self.states_with_slopes(theta, histories)
        return self.future_of_states(alive, self.each(theta, histories), histories.x, histories.T)

    def each(self, theta: Floats, histories: Histories) -> Floats:  # noqa: ARG002
        """Return logarithms of the parameters of each history, (d, k), or (d,) where all have the same."""
        return theta

    def along(self, slopes: Floats, histories: Histories) -> Floats:  # noqa: ARG002
        """Return gradients by `theta_` from those by the parameters of each history, shape (.., d, k)."""
        return slopes

    def parts(self, histories: Histories) -> "list[tuple[PurchaseModel, Any]]":  # noqa: ARG002
        """Return models whose parameters are the same for all, each with the rows of its histories."""
        return [(self, slice(None))]

    def typical(self) -> "PurchaseModel":
        """Return the model of a customer whose covariates are not known: the model itself without any."""
        return self

    def cohorts(self, summary: "pd.DataFrame") -> "list[tuple[PurchaseModel, Any]]":  # noqa: ARG002
        """Return models of new customers such as those of a summary, each with the rows that are alike."""
        return [(self, slice(None))]

    def log_likelihood_each(
        self,
        theta: Floats,  # noqa: ARG002
        histories: Histories,  # noqa: ARG002
    ) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each history, (k,), and its gradient by the logarithms, (d, k).

        Parameters
        ----------
        theta : numpy.ndarray, shape (d,) or (d, k)
            Logarithms of the parameters, of all histories or of each.
        histories : Histories
        """
        raise InputError(f"{type(self).__name__} takes no covariates; BetaGeo, ModifiedBetaGeo, ParetoNBD do")

    def future_of_states(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> Future:
        """Return the future of customers who are alive in each state with some probabilities, (states, k)."""
        return self.future_if(alive[0], theta, x, T)

    @classmethod
    def from_lifetimes(cls, fitter: Any, time_unit: TimeUnit | None = None) -> Self:
        """Return the model with the parameters of a fitter of lifetimes, whose predictions it repeats.

        Parameters
        ----------
        fitter : BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter or BetaGeoBetaBinomFitter
            Fitted. Likelihood and standard errors follow from its data, without its penalty; all are NaN
            where it holds none, and the error of a parameter at a bound is.
        time_unit : {"h", "D", "W", "M"}, optional
            Of its summary, so that horizons may be times.

        Raises
        ------
        InputError
            If it is a fitter of another model, not fitted, or its data are no valid summary.
        """
        theta = np.log(list(lifetimes_bridge.params_of(cls, fitter).values()))
        model = cls()
        model._take_theta(theta)
        model.params_, model.time_unit_ = model._params(), time_unit
        rows = lifetimes_bridge.rows_of(fitter)
        if rows is not None:
            histories = model.grouped(rows[0])
            histories = histories.weighted(np.bincount(histories.row, rows[1]).astype(np.float64))
            model.log_likelihood_ = model._log_likelihood(theta, histories)[0]
            model.n_customers_ = round(rows[1].sum())
            model.covariance_ = lifetimes_bridge.covariance_at(
                theta - model.search_space(histories)[2], model.hessian(histories), rows[1].sum()
            )
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

    def _ahead(
        self, summary: "pd.DataFrame", horizon: "Horizon | Horizons"
    ) -> tuple[Histories, Floats | float]:
        """Return the histories of customers, and the horizon of all or of each history, which is finite."""
        length = each_in_units(horizon, self.unit_for(summary), summary.index)
        if np.isinf(length).any():
            raise InputError("horizon is infinite; only lifetime_value takes that, with a discount")
        histories = self.histories_of(summary)
        return (histories, length) if isinstance(length, float) else histories.apart(length)


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

"""Static covariates: what is known of customers raises or lowers how often they buy and drop out."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from crm_ml.clv.conditional_future import Future
from crm_ml.clv.covariate_design import Design
from crm_ml.clv.covariate_effects import Effects
from crm_ml.clv.covariate_histories import CovariateHistories
from crm_ml.clv.maximum_likelihood import Fit, follow, maximise
from crm_ml.clv.newton import Objective, numerical_hessian, penalised
from crm_ml.clv.purchase_histories import Floats, Histories, Ints
from crm_ml.clv.purchase_likelihood import Prior
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_COHORTS = 100  # groups of patterns for the expectations of new customers
_FEW = 24  # patterns of covariates that have polynomials of their own


class WithCovariates(PurchaseModel):
    """A purchase model whose rates of buying and dropping out follow from covariates of the customers.

    The rate of purchases of a customer with covariates z is ``lambda exp(g' z)``. In Pareto/NBD the rate of
    dropping out is ``mu exp(h' z)``; in BG/NBD and MBG/NBD it is the odds of the coins, a / b, that become
    ``exp(h' z)`` times as high. A coefficient of 0.1 under ``purchases.`` means 10.5 % more purchases while
    alive, and one under ``dropout.`` as much more dropping out.

    Parameters
    ----------
    model : BetaGeo, ModifiedBetaGeo or ParetoNBD
        Without covariates; it is not changed.
    purchases, dropout : sequence of str
        Columns of the summary by which the rates differ: numbers, booleans, or texts of at most 30 levels, of
        which the first in the alphabet is what the others are compared to. See
        `crm_ml.clv.with_attributes`.
    prior : "weak", optional
        See `PurchaseModel`; coefficients of standardised covariates get a normal one of deviation 1.
    penalty : float, or (float, float)
        Taken off the mean log-likelihood: this times the sum of squares of the coefficients of purchases and
        of dropping out, of covariates as they are; 0 is none. Standard errors are those of the penalised
        likelihood, and too small for coefficients that are drawn to 0.

    Attributes
    ----------
    params_ : dict
        Those of `model` for a customer whose covariates are 0, then ``purchases.<column>`` and
        ``dropout.<column>``, with ``<column>=<level>`` for texts.
    design_ : crm_ml.clv.covariate_design.Design

    References
    ----------
    .. [1] Fader and Hardie (2007). Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD
       models, equations of alpha, beta, a and b. There a and b have coefficients each, which data of usual
       size can't tell apart; see decision 172.

    Notes
    -----
    The likelihood is maximised with covariates of mean 0 and deviation 1, from the fit without them. Where
    one follows from others the likelihood is flat: one of them has no standard error, and predictions do
    not depend on it. Coefficients are associations: who came by a channel may differ in more than it.

    Examples
    --------
    >>> import pandas as pd
    >>> from crm_ml.clv import BetaGeo
    >>> rows = [(0, 0, 38, 0), (1, 9, 38, 1), (2, 20, 36, 1), (5, 30, 35, 1), (0, 0, 30, 0), (3, 12, 39, 0)]
    >>> summary = pd.DataFrame(rows, columns=["frequency", "recency", "T", "app"])
    >>> model = WithCovariates(BetaGeo(), purchases=["app"]).fit(summary)
    >>> list(model.params_), model.params_["purchases.app"] > 0
    (['r', 'alpha', 'a', 'b', 'purchases.app'], True)
    >>> model.expected_purchases(summary.drop(columns="app"), 10)
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: summary: the covariates app are missing; add them as columns, those of the ...
    """

    def __init__(
        self,
        model: PurchaseModel,
        purchases: Sequence[str] = (),
        dropout: Sequence[str] = (),
        prior: Prior | None = None,
        penalty: float | tuple[float, float] = 0.0,
    ) -> None:
        super().__init__(prior)
        both = penalty if isinstance(penalty, tuple) else (penalty, penalty)
        if len(both) != 2 or not all(0 <= each < math.inf for each in both):
            raise InputError(f"penalty is {penalty!r}; it must be a number of 0 or more, or two of them")
        self.penalty = penalty
        self.model, self.purchases, self.dropout = model, purchases, dropout

    def fit(self, summary: "pd.DataFrame", y: None = None) -> Self:
        """Estimate parameters and coefficients by maximum likelihood.

        Raises
        ------
        InputError
            As `PurchaseModel.fit`, and if the model takes no covariates, or one is missing or unfit.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        learned = type(self)(self.model, self.purchases, self.dropout, self.prior, self.penalty)
        learned._take_design(Design.learn(summary, list(dict.fromkeys([*self.purchases, *self.dropout]))))
        super(WithCovariates, learned).fit(summary, y)
        self.__dict__.update(learned.__dict__ | {"model": self.model})
        return self

    def _take_design(self, design: Design, few: bool | None = None) -> None:
        """Take the columns that covariates become, and what follows from them: the names of parameters."""
        kind, dropout = type(self.model), self.model.DROPOUT_EFFECTS
        if not dropout or isinstance(self.model, WithCovariates):
            raise InputError(f"{kind.__name__} takes no covariates; BetaGeo, ModifiedBetaGeo, ParetoNBD do")
        if not design.columns:
            raise InputError("WithCovariates: no covariate varies; name columns in purchases or dropout")
        processes = {
            "purchases": ({"alpha": -1.0}, self.purchases),
            "dropout": (dropout, self.dropout),
        }
        self.effects_ = Effects.of(self.model.NAMES, design, processes)
        self.NAMES, self.TIMES = self.effects_.names, self.model.TIMES
        self.COEFFICIENTS = len(self.NAMES) - len(self.model.NAMES)
        self.design_, self.few_patterns_ = design, few

    def grouped(self, summary: "pd.DataFrame") -> Histories:
        """Return the distinct histories of a summary with its covariates."""
        histories = CovariateHistories.with_covariates(summary, self.design_)
        if self.few_patterns_ is None:
            self.few_patterns_ = histories.patterns.shape[1] <= _FEW
        return histories

    def each(self, theta: Floats, histories: Histories) -> Floats:
        """Return logarithms of the parameters of each history, shape (4, k)."""
        known = cast(CovariateHistories, histories)
        return self.effects_.patterns(theta, known.patterns)[:, known.pattern]

    def along(self, slopes: Floats, histories: Histories) -> Floats:
        """Return gradients by parameters and coefficients from those of each history, (.., d, k)."""
        known = cast(CovariateHistories, histories)
        return self.effects_.along(slopes, known.patterns, known.pattern)

    def parts(self, histories: Histories) -> list[tuple[PurchaseModel, Any]]:
        """Return the model of each pattern with its histories, or one of all where patterns are many."""
        known = cast(CovariateHistories, histories)
        if not self.few_patterns_:
            return [(self._plain(self.each(self.theta_, known)), slice(None))]
        rows = self.effects_.patterns(self.theta_, known.patterns)
        present = np.unique(known.pattern).tolist()
        return [
            (self._plain(np.ascontiguousarray(rows[:, place])), np.flatnonzero(known.pattern == place))
            for place in present
        ]

    def _plain(self, theta: Floats) -> PurchaseModel:
        """Return the model without covariates at some logarithms of its parameters."""
        plain = self.model.fresh()
        plain.theta_ = theta
        plain.time_unit_ = self.time_unit_
        if theta.ndim == 1:
            plain.params_ = plain._params()
        return plain

    def _log_likelihood(self, theta: Floats, histories: Histories) -> tuple[float, Floats]:
        known = cast(CovariateHistories, histories)
        values, slopes = self.model.log_likelihood_each(self.each(theta, known), known)
        weighted = slopes * known.weight
        groups = known.patterns.shape[1]
        by_pattern = np.array([np.bincount(known.pattern, row, minlength=groups) for row in weighted])
        return float(known.weight @ values), self.effects_.gradient(by_pattern, known.patterns)

    def _maximum(self, histories: Histories, start: Floats | None, hessian: Floats | None) -> Fit:
        """Return the maximum, searched for in the mean age and covariates of mean 0 and deviation 1."""
        known = cast(CovariateHistories, histories)
        whole, turn, shift = self.search_space(known)
        customers = float(known.weight.sum())
        if start is None or hessian is None:
            plain = self.model.fresh().fit_histories(known)
            nothing = np.zeros(self.COEFFICIENTS)
            first = plain.theta_ - shift[:4]
            starts = [np.concatenate([at, nothing]) for at in (first, np.log(self.model.STARTS[1]))]
            fitted = maximise(self._penalised(whole, turn), self.NAMES, starts, customers)
        else:
            at = np.asarray(np.linalg.solve(turn, start - shift), dtype=np.float64)
            curved = np.asarray(turn.T @ hessian @ turn, dtype=np.float64)
            fitted = follow(self._penalised(whole, turn), self.NAMES, at, curved, customers)
        return fitted.led_back(turn, shift)

    def _penalised(self, whole: Histories, turn: Floats) -> Objective:
        """Return the mean log-likelihood in the space of the search, less the penalty."""
        both = self.penalty if isinstance(self.penalty, tuple) else (self.penalty, self.penalty)
        of = dict(zip(("purchases", "dropout"), both, strict=True))
        each = [of.get(name.partition(".")[0], 0.0) for name in self.NAMES]
        return penalised(self._mean(whole), np.array(each) * np.diag(turn) ** 2)

    def search_space(self, histories: Histories, centred: bool = True) -> tuple[Histories, Floats, Floats]:
        """Return histories as they are searched in, and matrix and shift that lead back to `theta_`."""
        known = cast(CovariateHistories, histories)
        mean, spread = known.moments()
        mean = mean if centred else np.zeros_like(mean)
        whole = known.scaled(known.mean_age).standardised(mean, spread)
        return whole, self.effects_.turn(mean, spread), self._unit(known)

    def hessian(self, histories: Histories) -> Floats:
        """Return the second derivatives of the mean log-likelihood by `theta_`."""
        self._check_fitted()
        whole, turn, shift = self.search_space(histories)
        back = np.linalg.inv(turn)
        return back.T @ numerical_hessian(self._penalised(whole, turn), back @ (self.theta_ - shift)) @ back

    def alive_with_slopes(self, theta: Floats, histories: Histories) -> tuple[Floats, Floats]:
        """Return P(alive), and the gradient of its logarithm by parameters and coefficients."""
        alive, slopes = self.model.alive_with_slopes(self.each(theta, histories), histories)
        return alive, self.along(slopes, histories)

    def future_if(self, alive: Floats, theta: Floats, x: Ints, T: Floats) -> Future:
        """Return the future of customers whose own parameters are known, see `each`."""
        return self.model.future_if(alive, theta, x, T)

    def typical(self) -> PurchaseModel:
        """Return the model of a customer whose covariates are the means of those of the fit."""
        self._check_fitted()
        means = np.array([column.usual for column in self.design_.columns])
        return self._at(means)

    def _at(self, covariates: Floats) -> PurchaseModel:
        """Return the model of a customer with some covariates, shape (m,)."""
        return self._plain(self.effects_.patterns(self.theta_, covariates[:, None])[:, 0])

    def cohorts(self, summary: "pd.DataFrame") -> list[tuple[PurchaseModel, Any]]:
        """Return models of new customers with the covariates of a summary, each with the rows that are alike.

        Of many patterns of covariates those next to each other in their rate of purchases share the model of
        the one in their middle.
        """
        histories = cast(CovariateHistories, self.histories_of(summary))
        rows = self.effects_.patterns(self.theta_, histories.patterns)
        order = np.argsort(rows[1], kind="stable")
        group = np.empty(len(order), dtype=np.int64)
        parts = np.array_split(order, min(len(order), _COHORTS))
        for number, part in enumerate(parts):
            group[part] = number
        of_customer = group[histories.pattern[histories.row]]
        return [
            (self._plain(np.ascontiguousarray(rows[:, part[len(part) // 2]])), of_customer == number)
            for number, part in enumerate(parts)
        ]

    def expected_since_first(self, times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer with the means of covariates."""
        return self.typical().expected_since_first(times)

    def expected_of(self, covariates: Mapping[str, Any], times: Sequence[float]) -> Floats:
        """Return the expected repeat purchases of a new customer with some covariates until some times.

        Parameters
        ----------
        covariates : mapping of str to value
            A value of each covariate; None for the mean of the customers of the fit.
        times : sequence of float, shape (m,)
            In the unit of the summary.

        Raises
        ------
        InputError
            If a covariate is missing, or a time is negative or infinite.
        """
        import pandas as pd

        self._check_fitted()
        frame = pd.DataFrame([covariates])
        values = [
            column.usual
            if column.source in frame and frame[column.source].isna()[0]
            else float(Design((column,)).matrix(frame)[0, 0])
            for column in self.design_.columns
        ]
        return self._at(np.array(values)).expected_since_first(times)

    @property
    def age_scale(self) -> float:
        """The shortest of the parameters that are times, of a customer with the means of covariates."""
        return self.typical().age_scale

    def fresh(self) -> Self:
        """Return an unfitted model with the same settings, and the covariates that were learned."""
        other = type(self)(self.model.fresh(), self.purchases, self.dropout, self.prior, self.penalty)
        if hasattr(self, "design_"):
            other._take_design(self.design_, self.few_patterns_)
        return other

    def as_dict(self) -> dict[str, Any]:
        """Return the fitted parameters and the covariates, ready for JSON."""
        covariates = {
            "purchases": list(self.purchases),
            "dropout": list(self.dropout),
            "columns": self.design_.as_list(),
            "few_patterns": bool(self.few_patterns_),
        }
        return super().as_dict() | {"covariates": covariates}

    @classmethod
    def of_params(cls, params: Mapping[str, float], time_unit: str | None = None) -> Self:  # noqa: ARG003
        """Refuse: which covariates there are follows from a fit.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError("WithCovariates learns its covariates from a summary; fit it")

    @classmethod
    def read(cls, model: PurchaseModel, content: Mapping[str, Any]) -> Self:
        """Return the fitted model that `as_dict` described, from the kind of model below and the rest."""
        covariates = content["covariates"]
        found = cls(model, tuple(covariates["purchases"]), tuple(covariates["dropout"]))
        found._take_design(Design.from_list(covariates["columns"]), covariates["few_patterns"])
        found.prior = content.get("prior")
        found._take_fitted(content)
        found.params_, found.time_unit_ = found._params(), content["time_unit"]
        return found

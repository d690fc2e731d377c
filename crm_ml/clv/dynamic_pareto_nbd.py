"""Pareto/NBD with covariates that change over time, such as season and campaigns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from crm_ml.clv.covariate_timeline import Pieces, Timeline
from crm_ml.clv.fitted_parameters import FittedParameters
from crm_ml.clv.maximum_likelihood import maximise
from crm_ml.clv.newton import Objective
from crm_ml.clv.pareto_nbd import ParetoNBD
from crm_ml.clv.purchase_histories import Floats, Histories
from crm_ml.clv.quadrature import gauss_legendre
from crm_ml.clv.time_units import DAYS, YEAR_DAYS, Horizon, in_units
from crm_ml.clv.timeline_likelihood import Stretched, log_likelihood_each
from crm_ml.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NODES = 8
_LONGEST = 7.0  # days of a step of the integral over a discounted future
_STEP = 1e-4


class DynamicParetoNBD(FittedParameters):
    """Pareto/NBD whose rates of purchases and of dropping out follow from covariates that change over time.

    While covariates are z the rate of purchases of a customer is ``lambda exp(g' z)``, and the rate of
    dropping out ``mu exp(h' z)``; lambda ~ Gamma(r, alpha) and mu ~ Gamma(s, beta) as in
    `crm_ml.clv.ParetoNBD`.

    Parameters
    ----------
    purchases, dropout : sequence of str
        Covariates of the timeline by which the rates differ.

    Attributes
    ----------
    params_ : dict
        r, alpha, s, beta of a customer whose covariates are 0, then ``purchases.<name>``, ``dropout.<name>``.

    References
    ----------
    .. [1] Bachmann, Meierer and Naef (2021). The role of time-varying contextual factors in latent attrition
       models for customer base analysis. Marketing Science 40.

    Notes
    -----
    The likelihood is a sum over stretches of time with constant covariates; in each of them the odds of
    dropping out are those of Pareto/NBD with scales of its own, see `crm_ml.clv.timeline_likelihood`. The
    purchase of a day counts with the covariates of that day. A coefficient that the data can't tell from an
    infinite one, as where nobody seems to leave in a season, has no standard error. The search starts at the
    fit without covariates.
    """

    def __init__(self, purchases: Sequence[str] = (), dropout: Sequence[str] = ()) -> None:
        self.purchases, self.dropout = purchases, dropout

    def fit(self, line: Timeline, y: None = None) -> Self:  # noqa: ARG002  (of scikit-learn)
        """Estimate parameters and coefficients by maximum likelihood.

        Parameters
        ----------
        line : Timeline
            Of `crm_ml.clv.timeline`.

        Raises
        ------
        InputError
            If a covariate is not in the timeline, none is named, or there are no repeat buyers.
        NotConverged
            If no start leads to a maximum of the likelihood.
        """
        if not (*self.purchases, *self.dropout):
            raise InputError("DynamicParetoNBD: name covariates in purchases or dropout")
        line.places([*self.purchases, *self.dropout])
        names = [f"purchases.{name}" for name in self.purchases]
        names += [f"dropout.{name}" for name in self.dropout]
        pieces, customers = line.until_now(), float(len(line.T))
        mean, spread = _moments(line, pieces)
        turn, shift = self._turn(line, mean, spread)
        start = np.concatenate([_plain_start(line) - shift[:4], np.zeros(len(names))])
        all_names = (*ParetoNBD.NAMES, *names)
        objective = self._objective(line, pieces, turn, shift)
        fitted = maximise(objective, all_names, [start], customers).led_back(turn, shift)
        self.NAMES, self.COEFFICIENTS = all_names, len(names)
        self.theta_, self.covariance_ = fitted.theta, fitted.covariance
        self.log_likelihood_ = float(self._each(self.theta_, line, pieces)[0].sum())
        self.n_customers_, self.record_, self.time_unit_ = len(line.T), fitted.record, line.time_unit
        self.params_ = dict(zip(self.NAMES, self.natural(self.theta_).tolist(), strict=True))
        return self

    def log_likelihoods(self, line: Timeline) -> "pd.Series[float]":
        """Return the log-likelihood of each customer, shape (n,)."""
        return self._series(line, self._each(self._known(line), line, line.until_now())[0], "log_likelihood")

    def probability_alive(self, line: Timeline) -> "pd.Series[float]":
        """Return the probability that each customer has not dropped out by now, shape (n,)."""
        return self._series(line, self._alive(self._known(line), line, line.until_now()), "p_alive")

    def expected_purchases(self, line: Timeline, horizon: Horizon) -> "pd.Series[float]":
        """Return the expected purchases of each customer within a horizon, under its covariates, shape (n,).

        Parameters
        ----------
        line : Timeline
            With the covariates of the time ahead.
        horizon : timedelta or float
            A time, or a number in the unit of the summary.
        """
        return self.discounted_purchases(line, horizon).rename("expected_purchases")

    def discounted_purchases(
        self, line: Timeline, horizon: Horizon, annual_discount_rate: float = 0.0
    ) -> "pd.Series[float]":
        """Return the discounted expected purchases of each customer; times the spend they are the value."""
        values = self._ahead(self._known(line), line, horizon, annual_discount_rate)
        return self._series(line, values, "discounted_purchases")

    def with_interval(
        self, line: Timeline, horizon: Horizon, annual_discount_rate: float = 0.0
    ) -> "pd.DataFrame":
        """Return ``purchases``, ``low`` and ``high``: `discounted_purchases` with their 95 % interval.

        By the delta method of their logarithm: how well the expectation is known, given the model.
        """
        import pandas as pd
        from scipy.stats import norm

        theta = self._known(line)
        steps = _STEP * np.eye(len(theta))
        values = self._ahead(theta, line, horizon, annual_discount_rate)
        slopes = [
            np.log(self._ahead(theta + step, line, horizon, annual_discount_rate))
            - np.log(self._ahead(theta - step, line, horizon, annual_discount_rate))
            for step in steps
        ]
        half = norm.ppf(0.975) * np.sqrt(self.variance_along(np.array(slopes) / (2 * _STEP)))
        columns = {"purchases": values, "low": values * np.exp(-half), "high": values * np.exp(half)}
        return pd.DataFrame(columns, index=line.index)

    def confidence_intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Return intervals from the Hessian, symmetric in the logarithms of r, alpha, s and beta.

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

    def _known(self, line: Timeline) -> Floats:
        """Return the fitted numbers, if the timeline is in the unit of the fit."""
        self._check_fitted()
        if line.time_unit != self.time_unit_:
            raise InputError(f"timeline is in {line.time_unit}, but the fit was in {self.time_unit_}")
        return self.theta_

    def _each(self, theta: Floats, line: Timeline, pieces: Pieces) -> tuple[Floats, Floats, Floats]:
        places = line.places(self.purchases), line.places(self.dropout)
        return log_likelihood_each(theta, line, pieces, *places)

    def _alive(self, theta: Floats, line: Timeline, pieces: Pieces) -> Floats:
        from scipy.special import expit

        return np.asarray(expit(-self._each(theta, line, pieces)[2]))

    def _ahead(self, theta: Floats, line: Timeline, horizon: Horizon, annual_discount_rate: float) -> Floats:
        """Return discounted expected purchases, as a sum over stretches of the time ahead."""
        from scipy.special import exprel

        length = in_units(horizon, line.time_unit)
        force = np.log1p(annual_discount_rate) * DAYS[line.time_unit] / YEAR_DAYS
        past, pieces, count = line.until_now(), line.ahead(length), len(line.T)
        if force > 0:
            pieces = _shorter(pieces, _LONGEST / DAYS[line.time_unit])
        cut, owner = 4 + len(self.purchases), pieces.owner
        places = line.places(self.purchases), line.places(self.dropout)
        r, alpha, s, beta = np.exp(theta[:4])
        ways = [
            [Stretched.of(part, line.patterns[at], theta[span], count) for part in (past, pieces)]
            for at, span in zip(places, (slice(4, cut), slice(cut, None)), strict=True)
        ]
        (bought, buying), (left, leaving) = ways
        now = beta + left.total
        begins = now[owner] + leaving.start
        if force > 0:
            each = np.zeros(len(owner))
            for node, weight in gauss_legendre(_NODES):
                at = node * pieces.length
                stays = (now[owner] / (begins + leaving.rate * at)) ** s
                since = pieces.start - line.T[owner] + at
                each += weight * pieces.length * stays * np.exp(-force * since)
        else:
            grown = np.log1p(leaving.rate * pieces.length / begins)
            each = (now[owner] / begins) ** s * begins / leaving.rate * grown * exprel((1 - s) * grown)
        total = np.bincount(owner, buying.rate * each, minlength=count)
        rate = (r + line.x) / (alpha + bought.total)
        return np.asarray(self._alive(theta, line, past) * rate * total)

    def _turn(self, line: Timeline, mean: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Return matrix and shift that lead back from where is searched, see `crm_ml.clv.WithCovariates`."""
        turn = np.eye(4 + len(self.purchases) + len(self.dropout))
        scale = np.log(line.T.mean())
        at = 4
        for parameter, names in ((1, self.purchases), (3, self.dropout)):
            for place in line.places(names):
                turn[at, at], turn[parameter, at] = 1 / spread[place], mean[place] / spread[place]
                at += 1
        return turn, np.array([0.0, scale, 0.0, scale] + [0.0] * (at - 4))

    def _objective(self, line: Timeline, pieces: Pieces, turn: Floats, shift: Floats) -> Objective:
        def objective(theta: Floats) -> tuple[float, Floats]:
            value, slopes, _ = self._each(turn @ theta + shift, line, pieces)
            return float(value.mean()), turn.T @ slopes.mean(axis=1)

        return objective

    def _series(self, line: Timeline, values: Floats, name: str) -> "pd.Series[float]":
        import pandas as pd

        return pd.Series(values, index=line.index, name=name)


def _moments(line: Timeline, pieces: Pieces) -> tuple[Floats, Floats]:
    """Return mean and deviation of the covariates over time, (m,); 1 for the deviation of a constant."""
    weight = np.bincount(pieces.pattern, pieces.length, minlength=line.patterns.shape[1])
    mean = line.patterns @ weight / weight.sum()
    spread = np.sqrt(((line.patterns - mean[:, None]) ** 2) @ weight / weight.sum())
    return mean, np.where(spread <= 1e-12 * np.maximum(np.abs(mean), 1.0), 1.0, spread)


def _plain_start(line: Timeline) -> Floats:
    """Return the fit without covariates."""
    import pandas as pd

    rows = pd.DataFrame({"frequency": line.x, "recency": line.t_x, "T": line.T})
    return ParetoNBD().fit_histories(Histories.of(rows)).theta_


def _shorter(pieces: Pieces, longest: float) -> Pieces:
    """Return pieces of which none is longer than a number of units."""
    parts = np.maximum(np.ceil(pieces.length / longest - 1e-9), 1).astype(np.int64)
    row = np.repeat(np.arange(len(parts)), parts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    length = (pieces.length / parts)[row]
    return Pieces(pieces.owner[row], pieces.pattern[row], pieces.start[row] + number * length, length)

"""Value of a policy for choosing actions, estimated from a logged experiment."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.rare_events import added, deviations, rare_part
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.wilson import Z95

if TYPE_CHECKING:
    import pandas as pd

_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class LoggedExperiment:
    """An experiment with several arms, ready to evaluate policies that choose among them.

    Parameters
    ----------
    arm : array-like of int, shape (n,)
        Number of the arm that was drawn.
    y : array-like of float, shape (n,)
        Observed outcome, in the unit of the value, before the cost of the arm.
    probability : array-like of float, shape (n, a)
        Of each arm for each row; rows sum to 1.
    outcome : array-like of float, shape (n, a)
        Expected outcome of each arm by a model fitted without the row.
    cost : array-like of float, shape (a,)
        Of each arm for a row that gets it.
    customer_id : array-like of str, shape (n,), optional
        Rows of a customer are not independent; by default each row is a customer.

    Raises
    ------
    InputError
        If shapes do not fit, a value is NaN or infinite, an arm is none of the columns, or probabilities do
        not lie within 0 and 1 or do not sum to 1; the message lists all problems.
    """

    arm: npt.NDArray[np.int64]
    y: Floats
    probability: Floats
    outcome: Floats
    cost: Floats
    customer_id: npt.NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        for name in ("y", "probability", "outcome", "cost"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        object.__setattr__(self, "arm", np.asarray(self.arm))
        breaches = _breaches(self)
        if breaches:
            raise InputError(f"policy value: {'; '.join(breaches)}")
        object.__setattr__(self, "arm", self.arm.astype(np.int64))

    @property
    def scores(self) -> Floats:
        """Doubly robust score of each arm for each row, net of cost, shape (n, a).

        ``mu_a(x) + 1{A = a} / e_a(x) * (Y - mu_a(x)) - cost_a``: unbiased if either the probabilities
        or the expected outcomes are right.

        References
        ----------
        .. [1] Dudík, Erhan, Langford and Li (2014). Doubly robust policy evaluation and optimization.
           Statistical Science 29, equation 3.1.
        .. [2] Athey and Wager (2021). Policy learning with observational data. Econometrica 89, equation 5.
        """
        net = self.outcome.copy()
        rows = np.arange(len(self.y))
        error = self.y - self.outcome[rows, self.arm]
        net[rows, self.arm] += error / self.probability[rows, self.arm]
        return net - self.cost

    def value(self, policy: npt.ArrayLike, other: npt.ArrayLike | None = None) -> Interval:
        """Return the mean value per row under a policy, with its 95 % interval.

        Parameters
        ----------
        policy : array-like of int, shape (n,)
            Number of the arm that the policy chooses for each row, without use of its outcome.
        other : array-like of int, shape (n,), optional
            Another policy, whose value is subtracted; the difference is paired.

        Raises
        ------
        InputError
            If an arm is none of the columns.

        Notes
        -----
        Where outcomes other than the usual one of their arm are few and rare, their part has the interval of
        `crm_ml.evaluation.rare_events.rare_part`; where there is none at all, the ends are infinite.
        """
        each = self._taken(policy) - (0.0 if other is None else self._taken(other))
        if not self._events.any():
            return Interval(float(each.mean()), -np.inf, np.inf)
        chosen = (self.arm == np.asarray(policy)) * 1.0
        chosen -= 0.0 if other is None else self.arm == np.asarray(other)
        multiplier = chosen / self.probability[np.arange(len(self.y)), self.arm]
        rare = rare_part(multiplier / len(self.y), self._events, self._customer)
        rest = each if rare is None else each - np.where(rare.rows, multiplier * self._events, 0.0)
        mean, middle = float(each.mean()), float(rest.mean())
        half = Z95 * _standard_error(rest, self._customer)
        ends = Interval(middle, middle - half, middle + half)
        ends = ends if rare is None else added(ends, rare.sum)
        return Interval(mean, ends.low, ends.high)

    @cached_property
    def _events(self) -> Floats:
        return deviations(self.y, self.arm)

    @cached_property
    def _customer(self) -> npt.NDArray[np.int64] | None:
        if self.customer_id is None:
            return None
        return np.asarray(np.unique(self.customer_id, return_inverse=True)[1], dtype=np.int64)

    def _taken(self, policy: npt.ArrayLike) -> Floats:
        chosen = np.asarray(policy)
        arms = self.probability.shape[1]
        if chosen.shape != self.y.shape or not np.isin(chosen, np.arange(arms)).all():
            raise InputError(f"policy: give one arm from 0 to {arms - 1} for each of {len(self.y):,} rows")
        return np.asarray(self.scores[np.arange(len(self.y)), chosen.astype(int)])


def value_table(
    experiment: LoggedExperiment, policies: Mapping[str, npt.ArrayLike], base: str
) -> "pd.DataFrame":
    """Return the value per row of each policy and its difference to a base policy, with 95 % intervals.

    Parameters
    ----------
    experiment : LoggedExperiment
    policies : mapping of str to array-like of int, shape (n,)
    base : str
        The policy that the others are compared with, such as treating nobody.

    Returns
    -------
    pandas.DataFrame
        Columns policy, treated (share of rows that get another arm than `base` gives), value, low, high,
        difference, difference_low, difference_high.
    """
    import pandas as pd

    rows = []
    for name, policy in policies.items():
        value = experiment.value(policy)
        gain = experiment.value(policy, policies[base])
        treated = float((np.asarray(policy) != np.asarray(policies[base])).mean())
        ends = (value.value, value.low, value.high, gain.value, gain.low, gain.high)
        rows.append((name, treated, *ends))
    columns = ["policy", "treated", "value", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=columns)


def targeted_rates(
    y: npt.ArrayLike, treatment: npt.ArrayLike, targeted: npt.ArrayLike, value: float, cost: float
) -> tuple[float, float]:
    """Return incremental response rate and net incremental revenue of the targeted rows.

    ``IRR = y_t / n_t - y_c / n_c`` and ``NIR = value * y_t - cost * n_t - value * y_c`` over the rows that
    the policy targets, treated and untreated as they were randomised.

    Parameters
    ----------
    y : array-like of {0, 1}, shape (n,)
    treatment : array-like of {0, 1}, shape (n,)
    targeted : array-like of bool, shape (n,)
    value, cost : float
        Value of one response, and cost of treating one row.

    Raises
    ------
    InputError
        If no treated or no untreated row is targeted.
    """
    keep = np.asarray(targeted, dtype=bool)
    outcomes, arms = np.asarray(y, dtype=float)[keep], np.asarray(treatment)[keep]
    n_t, n_c = int((arms == 1).sum()), int((arms == 0).sum())
    if not n_t or not n_c:
        raise InputError(f"targeted rows: {n_t:,} treated and {n_c:,} untreated; both are needed")
    y_t, y_c = float(outcomes[arms == 1].sum()), float(outcomes[arms == 0].sum())
    return y_t / n_t - y_c / n_c, value * y_t - cost * n_t - value * y_c


def _standard_error(each: Floats, customer: npt.NDArray[np.int64] | None) -> float:
    residual = each - each.mean()
    if customer is not None:
        residual = np.bincount(customer, residual)
    groups = len(residual)
    return float(np.sqrt((residual**2).sum() * groups / max(groups - 1, 1)) / len(each))


def _breaches(experiment: LoggedExperiment) -> list[str]:
    n, arms = len(experiment.y), np.shape(experiment.probability)[-1]
    wanted = {"arm": (n,), "y": (n,), "probability": (n, arms), "outcome": (n, arms), "cost": (arms,)}
    if experiment.customer_id is not None:
        wanted["customer_id"] = (n,)
    shapes = {name: np.shape(getattr(experiment, name)) for name in wanted}
    breaches = [
        f"{name} has shape {shapes[name]}, not {wanted[name]}"
        for name in wanted
        if shapes[name] != wanted[name]
    ]
    if breaches or not n:
        return breaches or ["there is no row"]
    for name in ("y", "probability", "outcome", "cost"):
        bad = int((~np.isfinite(getattr(experiment, name))).sum())
        breaches += [f"{name} is NaN or infinite in {bad:,} places"] if bad else []
    p = experiment.probability
    outside = int((~((p > 0) & (p < 1))).any(axis=1).sum())
    breaches += [f"probability is not within 0 and 1 in {outside:,} of {n:,} rows"] if outside else []
    off = int((np.abs(p.sum(axis=1) - 1) > _SUM_TOLERANCE).sum())
    breaches += [f"probability does not sum to 1 in {off:,} of {n:,} rows"] if off else []
    strange = int((~np.isin(experiment.arm, np.arange(arms))).sum())
    breaches += [f"arm is none of 0 to {arms - 1} in {strange:,} of {n:,} rows"] if strange else []
    return breaches

"""Values of another policy that trade bias for variance: clipped, shrunk, switched and self-normalised.

`crm_ml.evaluation.off_policy` gives IPS, SNIPS and DR of a log with warnings. Where its weights are heavy,
these give less spread for some bias, as far as a limit says; `crm_ml.evaluation.limit_choice` finds one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import Direct
from crm_ml.evaluation.mean_intervals import mean_interval
from crm_ml.evaluation.off_policy import check_log
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.rare_events import deviations
from crm_ml.evaluation.significance import Interval


@dataclass(frozen=True, eq=False)
class LoggedRows:
    """Rows of a log with what a target policy would do.

    Parameters
    ----------
    reward, action, propensity, target_probability : array-like, shape (n,)
        As `crm_ml.evaluation.off_policy.off_policy` takes them.
    direct : Direct, optional
        For the estimators that need it; see `crm_ml.evaluation.direct_outcomes`.

    Raises
    ------
    InputError
        As `crm_ml.evaluation.off_policy.off_policy`.
    """

    reward: Floats
    action: npt.NDArray[Any]
    propensity: Floats
    target_probability: Floats
    direct: Direct | None = None

    def __post_init__(self) -> None:
        names = ("reward", "propensity", "target_probability")
        reward, p, target = (as_floats(name, getattr(self, name)) for name in names)
        action = np.asarray(self.action)
        model = () if self.direct is None else (self.direct.logged, self.direct.target)
        parts = [as_floats("direct", part) for part in model]
        check_log(action, [reward, p, target, np.zeros(reward.shape), *parts])
        for name, values in zip((*names, "action"), (reward, p, target, action), strict=True):
            object.__setattr__(self, name, values)
        object.__setattr__(self, "direct", Direct(*parts) if parts else None)

    @property
    def weight(self) -> Floats:
        """How much more often the target takes the logged action."""
        return np.asarray(self.target_probability / self.propensity)


def _clipped(weight: Floats, limit: float) -> Floats:
    return np.minimum(weight, limit)


def _shrunk(weight: Floats, limit: float) -> Floats:
    return np.asarray(weight / (1 + weight**2 / limit))


def _switched(weight: Floats, limit: float) -> Floats:
    return np.where(weight <= limit, weight, 0.0)


@dataclass(frozen=True)
class _Form:
    limited: Callable[[Floats, float], Floats] | None = None
    robust: bool = True
    normalised: bool = False


_FORMS = {
    "ips": _Form(robust=False),
    "snips": _Form(robust=False, normalised=True),
    "clipped_ips": _Form(_clipped, robust=False),
    "direct": _Form(lambda weight, _limit: np.zeros_like(weight)),
    "dr": _Form(),
    "self_normalised_dr": _Form(normalised=True),
    "clipped_dr": _Form(_clipped),
    "shrunk_dr": _Form(_shrunk),
    "switch_dr": _Form(_switched),
}
ESTIMATORS = tuple(_FORMS)
LIMITED = ("clipped_ips", "clipped_dr", "shrunk_dr", "switch_dr")


def estimate(rows: LoggedRows, estimator: str = "dr", limit: float | None = None) -> Interval:
    """Return the mean reward of a row under the target policy with its 95 % interval.

    Parameters
    ----------
    rows : LoggedRows
    estimator : str
        One of `ESTIMATORS`: ips, snips, clipped_ips, direct, dr, self_normalised_dr, clipped_dr, shrunk_dr,
        switch_dr.
    limit : float, optional
        Of the weights, above 0, for those of `LIMITED`; infinite for none. The smaller, the less spread and
        the more bias, which the interval does not count.

    Raises
    ------
    InputError
        If the estimator is unknown, needs a direct model that is not there, or the limit does not fit.

    Notes
    -----
    With weights w, rewards r and the direct model q, the value is ``mean(q_target + v(w) (r - q_logged))``
    (without a direct model ``mean(v(w) r)``), and v is w for DR, ``min(w, limit)`` clipped [1]_, ``w limit /
    (w^2 + limit)`` shrunk [2]_, w where it is at most the limit and else 0 switched [3]_. Self-normalised
    values divide by the mean weight.

    References
    ----------
    .. [1] Bottou et al. (2013). Counterfactual reasoning and learning systems. JMLR 14, section 4.
    .. [2] Su, Dimakopoulou, Krishnamurthy and Dudík (2020). Doubly robust off-policy evaluation with
       shrinkage. ICML, section 3.
    .. [3] Wang, Agarwal and Dudík (2017). Optimal and adaptive off-policy evaluation in contextual bandits.
       ICML, equation 8.

    Examples
    --------
    >>> rows = LoggedRows([10, 0, 5, 20], list("abba"), [0.5, 0.25, 0.2, 0.5], [1, 1, 0, 0.5])
    >>> estimate(rows, "ips").value, estimate(rows, "clipped_ips", limit=1).value
    (10.0, 7.5)
    """
    weight, zero = weights_of(rows, estimator, limit), np.zeros(len(rows.reward))
    form, direct = _FORMS[estimator], rows.direct
    if direct is None or not form.robust:
        direct = Direct(zero, zero)
    event = deviations(rows.reward, rows.action)
    return interval_of_weighted(rows.reward - direct.logged, direct.target, weight, event, form.normalised)


def weights_of(rows: LoggedRows, estimator: str, limit: float | None = None) -> Floats:
    """Return the weights that an estimator uses, parameters as `estimate`."""
    form = _form(rows, estimator, limit)
    return rows.weight if form.limited is None else form.limited(rows.weight, limit or 0.0)


def interval_of_weighted(
    gap: Floats, target: Floats, weight: Floats, event: Floats, normalised: bool
) -> Interval:
    """Return ``mean(target + weight gap)``, where normalised by its linearisation, with its interval.

    Parameters
    ----------
    gap, target, weight : numpy.ndarray of float, shape (n,)
    event : numpy.ndarray of float, shape (n,)
        Of `crm_ml.evaluation.rare_events.deviations`.
    normalised : bool
        Whether weights are divided by their mean.
    """
    if not normalised:
        return mean_interval(target + weight * gap, weight, event)
    share = weight / weight.mean()
    centre = float((share * gap).mean())
    return mean_interval(target + centre + share * (gap - centre), share, event)


def _form(rows: LoggedRows, estimator: str, limit: float | None) -> _Form:
    if estimator not in _FORMS:
        raise InputError(f"unknown estimator {estimator!r}; there are {', '.join(ESTIMATORS)}")
    form = _FORMS[estimator]
    if form.robust and rows.direct is None:
        raise InputError(
            f"{estimator} needs a direct model; give LoggedRows(..., direct=direct_outcomes(...))"
        )
    if (estimator in LIMITED) != (limit is not None):
        needs = "needs a limit" if limit is None else f"has no limit, but limit is {limit!r}"
        raise InputError(f"{estimator} {needs}; those with one are {', '.join(LIMITED)}")
    if limit is not None and not limit > 0:
        raise InputError(f"limit is {limit!r}; give a number above 0, such as 10")
    return form

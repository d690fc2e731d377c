"""Off-policy evaluation: the value of another policy from logged random actions, by IPS, SNIPS and DR.

Unlike `crm_ml.evaluation.policy_value` it needs the probability of the logged action alone, not of every arm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import Direct
from crm_ml.evaluation.mean_intervals import mean_interval
from crm_ml.evaluation.ranking import as_floats
from crm_ml.evaluation.rare_events import deviations
from crm_ml.evaluation.significance import Interval

FEW = 200
LEAST_EVENTS = 5
_LARGE_SHARE = 0.1
_FAR_ERRORS = 3


@dataclass(frozen=True)
class OffPolicy:
    """Mean reward of a row under a target policy.

    Parameters
    ----------
    logged : Interval
        Value of the policy that made the log.
    ips, snips : Interval
    dr, gain : Interval, optional
        Doubly robust value, and its paired difference to `logged`; None without a direct model.
    rows, matched : int
        Rows of the log, and rows whose action has a probability above 0 under the target.
    events : int
        Matched rows whose reward is another than the most frequent one of their action.
    effective_rows : float
        ``(sum w)^2 / sum w^2``.
    largest_weight, mean_weight : float
        The mean is about 1 where the log covers the target; the rest to 1 was never tried.
    no_overlap : int
        Rows where the target takes an action that the logging policy never takes, as far as known.
    """

    logged: Interval
    ips: Interval
    snips: Interval
    dr: Interval | None
    gain: Interval | None
    rows: int
    matched: int
    events: int
    effective_rows: float
    largest_weight: float
    mean_weight: float
    no_overlap: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons to doubt the values, as text; empty if there are none."""
        texts = []
        if self.effective_rows < FEW:
            texts.append(
                f"effective sample size {self.effective_rows:.1f} of {self.rows:,} rows: too few to rely on "
                f"(below {FEW}); the target is far from the policy that was logged"
            )
        if np.isinf(self.ips.high):
            texts.append(
                f"all {self.rows:,} rewards are the same within each action: how far that is chance can't be "
                "told; wait until something happens"
            )
        elif self.events < LEAST_EVENTS:
            texts.append(
                f"{self.events} of {self.matched:,} matched rows have another reward than is usual for their "
                f"action, fewer than {LEAST_EVENTS}: read the interval, not the value"
            )
        if self.largest_weight > _LARGE_SHARE * self.mean_weight * self.rows:
            texts.append(
                f"one row has more than {_LARGE_SHARE:.0%} of all weight ({self.largest_weight:.1f})"
            )
        if self.no_overlap:
            texts.append(
                f"no overlap in {self.no_overlap:,} of {self.rows:,} rows "
                f"({self.no_overlap / self.rows:.1%}): the target takes an action whose logged propensity is "
                "0; there IPS counts nothing, SNIPS takes other rows for them, DR the direct model alone"
            )
        spread = self.mean_weight * float(np.sqrt(1 / self.effective_rows - 1 / self.rows))
        if abs(self.mean_weight - 1) > _FAR_ERRORS * spread + 1e-9:
            why = (
                "part of the target was never tried" if self.mean_weight < 1 else "propensities are too small"
            )
            texts.append(f"mean weight {self.mean_weight:.3f}, not 1 (error {spread:.3f}): {why}")
        return tuple(texts)


def off_policy(
    reward: npt.ArrayLike,
    action: npt.ArrayLike,
    propensity: npt.ArrayLike,
    target_probability: npt.ArrayLike,
    direct: Direct | None = None,
    no_overlap: npt.ArrayLike | None = None,
) -> OffPolicy:
    """Estimate the mean reward per row of a target policy from the log of another policy.

    Parameters
    ----------
    reward : array-like of float, shape (n,)
        Net of costs.
    action : array-like of str or int, shape (n,)
        The logged action of each row.
    propensity : array-like of float, shape (n,)
        Probability of the logged action under the policy that made the log, above 0.
    target_probability : array-like of float, shape (n,)
        Probability of the logged action under the target policy.
    direct : Direct, optional
        For the doubly robust value; see `crm_ml.evaluation.direct_outcomes`.
    no_overlap : array-like of bool, shape (n,), optional
        Rows where the target takes an action that the logging policy never takes.

    Raises
    ------
    InputError
        If shapes differ, a value is NaN or infinite, a propensity is not in (0, 1] or a target probability
        not in [0, 1], or no row has an action of the target; the message lists all problems.

    Notes
    -----
    With ``w = target_probability / propensity``: IPS ``mean(w r)`` [1]_ (section 2), SNIPS
    ``sum(w r) / sum(w)`` [2]_, and DR ``mean(q_target + w (r - q_logged))`` [3]_ (equation 3.1).
    The interval of SNIPS is that of its linearisation ``v + w (r - v) / mean(w)``; all are of
    `crm_ml.evaluation.mean_intervals.mean_interval`, so that they hold for rare rewards as well. Their ends
    are infinite where all rewards of each action are the same: nothing is known of what else may happen.

    References
    ----------
    .. [1] Dudík, Langford and Li (2011). Doubly robust policy evaluation and learning. ICML.
    .. [2] Swaminathan and Joachims (2015). The self-normalized estimator for counterfactual learning. NIPS.
    .. [3] Dudík, Erhan, Langford and Li (2014). Doubly robust policy evaluation and optimization.
       Statistical Science 29.

    Examples
    --------
    >>> value = off_policy([10, 0, 5, 20], list("abba"), [0.5, 0.25, 0.2, 0.5], [1, 1, 0, 0.5])
    >>> value.ips.value, round(value.snips.value, 4), round(value.effective_rows, 4)
    (10.0, 5.7143, 2.3333)
    """
    r, p = as_floats("reward", reward), as_floats("propensity", propensity)
    target = as_floats("target_probability", target_probability)
    unlike = np.zeros(r.shape, dtype=bool) if no_overlap is None else np.asarray(no_overlap, dtype=bool)
    model = (
        [] if direct is None else [as_floats("direct", values) for values in (direct.logged, direct.target)]
    )
    check_log(np.asarray(action), [r, p, target, unlike, *model])
    w, event = target / p, deviations(r, action)
    value = float((w * r).sum() / w.sum())
    robust = model[1] + w * (r - model[0]) if model else None
    return OffPolicy(
        logged=mean_interval(r, np.ones(len(r)), event),
        ips=mean_interval(w * r, w, event),
        snips=mean_interval(value + w * (r - value) / w.mean(), w / w.mean(), event),
        dr=None if robust is None else mean_interval(robust, w, event),
        gain=None if robust is None else mean_interval(robust - r, w - 1, event),
        rows=len(r),
        matched=int((target > 0).sum()),
        events=int(((target > 0) & (event != 0)).sum()),
        effective_rows=float(w.sum() ** 2 / (w**2).sum()),
        largest_weight=float(w.max()),
        mean_weight=float(w.mean()),
        no_overlap=int(unlike.sum()),
    )


def check_log(action: npt.NDArray[Any], columns: Sequence[npt.NDArray[np.float64]]) -> None:
    """Refuse columns that can't be used: reward, propensity, target, no overlap, and of a direct model."""
    shapes = [column.shape for column in (action, *columns)]
    n = len(columns[0]) if columns[0].ndim == 1 else 0
    if n < 2 or any(shape != (n,) for shape in shapes):
        raise InputError(f"off-policy value: columns have shapes {shapes}; give two rows or more in each")
    reward, p, target, _, *model = columns
    odd = {
        "reward is NaN or infinite": ~np.isfinite(reward),
        "propensity is not in (0, 1]": ~((p > 0) & (p <= 1)),
        "target_probability is not in [0, 1]": ~((target >= 0) & (target <= 1)),
        "the direct model says NaN or infinite": ~np.isfinite([reward * 0, *model]).all(axis=0),
    }
    breaches = [f"{what} in {int(bad.sum()):,} of {n:,} rows" for what, bad in odd.items() if bad.any()]
    if not (target > 0).any():
        breaches.append(f"none of {n:,} rows has the action that the target takes; there is nothing to learn")
    if breaches:
        raise InputError(f"off-policy value: {'; '.join(breaches)}")

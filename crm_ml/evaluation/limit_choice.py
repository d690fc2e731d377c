"""Which limit of the weights, or which bandwidth: by the effective rows that are left, or by SLOPE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crm_ml.errors import InputError
from crm_ml.evaluation.off_policy import FEW
from crm_ml.evaluation.policy_estimators import LIMITED, LoggedRows, estimate, weights_of
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.significance import Interval

By = Literal["effective_rows", "slope"]
_CANDIDATES = 10
_SLOPE = np.sqrt(6) - 1


@dataclass(frozen=True)
class Choice:
    """The candidate that was chosen, and all of them.

    Parameters
    ----------
    limit : float
        Or bandwidth.
    value : Interval
        Of the chosen one; the choice itself and bias are not in it.
    effective_rows : float
        ``(sum w)^2 / sum w^2`` of its weights.
    candidates : tuple of (float, Interval, float)
        Limit, value and effective rows of each, least bias first.
    """

    limit: float
    value: Interval
    effective_rows: float
    candidates: tuple[tuple[float, Interval, float], ...]


def choose_limit(
    rows: LoggedRows, estimator: str, limits: Sequence[float] | None = None, by: By = "effective_rows"
) -> Choice:
    """Choose the limit of an estimator's weights from the log itself.

    Parameters
    ----------
    rows : LoggedRows
    estimator : {"clipped_ips", "clipped_dr", "shrunk_dr", "switch_dr"}
    limits : sequence of float, optional
        Candidates; by default ten from 1 to the largest weight, and of `shrunk_dr` their squares, the last of
        which is infinite.
    by : {"effective_rows", "slope"}
        The least limited candidate with at least 200 effective rows, or that with most of them; or by SLOPE
        [1]_, [2]_ the most limited one whose interval agrees with those of all less limited ones.

    Raises
    ------
    InputError
        If the estimator has no limit, or a candidate or `by` is none.

    Notes
    -----
    On simulated logs SLOPE has the lower error where the log is small and far from the target, and gives bias
    that its interval does not show; with effective rows enough nothing is limited (experiments/
    006_next_best_action). Hence the default.

    References
    ----------
    .. [1] Su, Srinath and Krishnamurthy (2020). Adaptive estimator selection for off-policy evaluation. ICML.
    .. [2] Tucker and Lee (2021). Improved estimator selection for off-policy evaluation. Workshop on RL
       theory at ICML (the factor of the widths).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = LoggedRows(rng.random(500), np.zeros(500), rng.uniform(0.01, 1, 500), np.full(500, 0.5))
    >>> choose_limit(rows, "clipped_ips", [2, 50]).limit
    2
    """
    if estimator not in LIMITED:
        raise InputError(f"{estimator!r} has no limit to choose; those with one are {', '.join(LIMITED)}")
    ordered = sorted(_limits(rows, estimator) if limits is None else limits, reverse=True)

    def judged(limit: float) -> tuple[Interval, Floats]:
        return estimate(rows, estimator, limit), weights_of(rows, estimator, limit)

    return choice_of(ordered, judged, by)


def choice_of(ordered: Sequence[float], judged: Callable[[float], tuple[Interval, Floats]], by: By) -> Choice:
    """Choose among candidates, least bias first, each judged by its value and weights."""
    if by not in ("slope", "effective_rows") or not ordered:
        raise InputError(
            f"choice by {by!r} of {len(ordered)} candidates; give one, by slope or effective_rows"
        )
    candidates = []
    for limit in ordered:
        value, weight = judged(limit)
        candidates.append((limit, value, _effective(weight)))
    if by == "slope":
        chosen = slope_index([value for _, value, _ in candidates])
    else:
        effective = [rows for _, _, rows in candidates]
        enough = [index for index, rows in enumerate(effective) if rows >= FEW]
        chosen = enough[0] if enough else int(np.argmax(effective))
    return Choice(*candidates[chosen], tuple(candidates))


def slope_index(values: Sequence[Interval]) -> int:
    """Return the candidate that SLOPE chooses, see `choose_limit`.

    Parameters
    ----------
    values : sequence of Interval
        In any order; the wider, the less bias is expected.

    Examples
    --------
    >>> slope_index([Interval(1, 0, 2), Interval(1.2, 0.8, 1.6), Interval(9, 8.9, 9.1)])
    1
    """
    width = np.array([(value.high - value.low) / 2 for value in values])
    order = np.argsort(-width, kind="stable")
    for place, index in enumerate(order):
        for wider in order[:place]:
            if abs(values[wider].value - values[index].value) > width[index] + _SLOPE * width[wider]:
                return int(order[place - 1])
    return int(order[-1])


def _limits(rows: LoggedRows, estimator: str) -> list[float]:
    largest = max(float(rows.weight.max()), 1.0)
    limits = np.geomspace(1.0, largest, _CANDIDATES if largest > 1 else 1)
    return [*limits[:-1] ** 2, np.inf] if estimator == "shrunk_dr" else [*limits[:-1], largest]


def _effective(weight: Floats) -> float:
    total = float((weight**2).sum())
    return float(weight.sum() ** 2 / total) if total > 0 else 0.0

"""Effect of an action against a hold-out: differences of means, adjusted by pre-treatment covariates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.mean_intervals import FEWEST, difference_of_means
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.rare_events import deviations, rare_part
from crm_ml.evaluation.significance import Interval

_USUAL = 0.5


@dataclass(frozen=True)
class Increment:
    """Mean difference between treated and untreated rows.

    Parameters
    ----------
    plain, adjusted : Interval
        Without and with the covariates; the same where there are none.
    variance_reduction : float
        ``1 - variance of adjusted / variance of plain``; may be below 0 for useless covariates.
    theta : tuple of float
        Coefficient of each covariate, in units of the outcome for one of the covariate.
    treated, untreated : int
        Rows.
    """

    plain: Interval
    adjusted: Interval
    variance_reduction: float
    theta: tuple[float, ...]
    treated: int
    untreated: int


def increment(
    y: npt.ArrayLike,
    treatment: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    stratum: npt.ArrayLike | None = None,
) -> Increment:
    """Estimate the mean effect on the treated of an experiment, with and without covariates.

    Parameters
    ----------
    y : array-like of float, shape (n,)
        Outcomes in any unit.
    treatment : array-like of {0, 1}, shape (n,)
    covariates : array-like of float, shape (n,) or (n, k), optional
        Known before the treatment, such as spend of an earlier window.
    stratum : array-like of str or int, shape (n,), optional
        Rows are compared within their stratum, such as an action; strata count by their treated rows.

    Returns
    -------
    Increment

    Raises
    ------
    InputError
        If shapes differ, a value is NaN or infinite, an arm of a stratum has fewer than two rows, or the
        outcomes of an arm are all the same and not what half of the other arm have as well (such as 0); the
        message lists all problems.

    Notes
    -----
    ``mean(y_t) - mean(y_c) - theta (mean(x_t) - mean(x_c))`` with ``theta = cov(y, x) / var(x)`` [1]_ of the
    deviations from the mean of the row's own stratum and arm. Intervals: see
    `crm_ml.evaluation.mean_intervals.interval_of_means`; of outcomes
    that are few and rare in an arm, see `crm_ml.evaluation.rare_events`.

    References
    ----------
    .. [1] Deng, Xu, Kohavi and Walker (2013). Improving the sensitivity of online controlled experiments by
       utilizing pre-experiment data. WSDM, section 3.2 (the coefficient of least variance) and 3.3.

    Examples
    --------
    >>> before, after = [1, 2, 3, 1, 2, 3], [3.1, 3.9, 5.0, 1.0, 2.1, 2.9]
    >>> effect = increment(after, [1, 1, 1, 0, 0, 0], before)
    >>> round(effect.plain.value, 3), effect.plain.clear, effect.adjusted.clear
    (2.0, False, True)
    """
    outcomes, treated, known, cell = _checked(y, treatment, covariates, stratum)
    cells = np.unique(cell)
    rows = [np.flatnonzero(cell == number) for number in cells]
    weights = [
        (1 if number % 2 else -1) * int((cell == (number | 1)).sum()) / int(treated.sum()) for number in cells
    ]
    theta, scale = _coefficients(outcomes, known, rows)
    left = outcomes - known @ theta
    events = deviations(outcomes, treated)
    multiplier = np.empty(len(outcomes))
    for weight, part in zip(weights, rows, strict=True):
        multiplier[part] = weight / len(part)
    rare = rare_part(multiplier, events)
    plain, variance = difference_of_means(weights, outcomes, rows, events, rare)
    adjusted, less = difference_of_means(weights, left, rows, events, rare, scale)
    counts = int(treated.sum()), int((~treated).sum())
    return Increment(plain, adjusted, 1 - less / variance, tuple(theta.tolist()), *counts)


def usual(outcome: float, other: Floats) -> bool:
    """Say whether half of another arm have this outcome and some have not, so that these can be counted."""
    return bool(len(other) > 0 and np.ptp(other) > 0 and np.mean(other == outcome) >= _USUAL)


def _coefficients(y: Floats, x: Floats, rows: Sequence[npt.NDArray[np.int64]]) -> tuple[Floats, float]:
    """Return theta within the cells, and the factor that corrects deviations for its estimation."""
    theta = np.zeros(x.shape[1])
    free = len(y) - len(rows)
    if free <= x.shape[1] or not x.shape[1]:
        return theta, 1.0
    left, inside = y.copy(), x.copy()
    for part in rows:
        left[part] -= y[part].mean()
        inside[part] -= x[part].mean(axis=0)
    size = np.sqrt((inside**2).mean(axis=0))
    used = size > 1e-9 * (1 + np.abs(x).max(axis=0))
    if used.any():
        theta[used] = np.linalg.lstsq(inside[:, used] / size[used], left, rcond=1e-9)[0] / size[used]
    return theta, float(np.sqrt(free / (free - used.sum())))


def _checked(
    y: npt.ArrayLike,
    treatment: npt.ArrayLike,
    covariates: npt.ArrayLike | None,
    stratum: npt.ArrayLike | None,
) -> tuple[Floats, npt.NDArray[np.bool_], Floats, npt.NDArray[np.int64]]:
    """Return outcomes, arms, covariates and cells (twice the number of the stratum, and 1 if treated)."""
    outcomes, arms = as_floats("y", y), as_floats("treatment", treatment)
    n = len(outcomes) if outcomes.ndim == 1 else -1
    known = np.zeros((max(n, 0), 0)) if covariates is None else as_floats("covariates", covariates)
    known = known[:, None] if known.ndim == 1 else known
    strata = np.zeros(max(n, 0)) if stratum is None else np.asarray(stratum)
    if n < 1 or arms.shape != (n,) or len(known) != n or known.ndim != 2 or strata.shape != (n,):
        shapes = [array.shape for array in (outcomes, arms, known, strata)]
        raise InputError(f"increment: y, treatment, covariates and stratum have shapes {shapes}; give n rows")
    names, number = np.unique(strata, return_inverse=True)
    cell = np.asarray(2 * number + (arms == 1), dtype=np.int64)
    odd = {
        "y": ~np.isfinite(outcomes),
        "covariates": ~np.isfinite(known),
        "treatment": ~np.isin(arms, (0, 1)),
    }
    breaches = [
        f"{name} can't be used in {int(bad.sum()):,} places" for name, bad in odd.items() if bad.any()
    ]
    breaches += _arm_breaches(outcomes, cell, [] if stratum is None else names.tolist())
    if breaches:
        raise InputError(f"increment: {'; '.join(breaches)}")
    return outcomes, arms == 1, known, cell


def _arm_breaches(y: Floats, cell: npt.NDArray[np.int64], names: Sequence[Any]) -> list[str]:
    """Return which strata lack rows of an arm (all without strata), and arms with constant outcomes."""
    breaches, strata = [], max(len(names), 1)
    for arm, label in ((1, "treated"), (0, "untreated")):
        counts = np.bincount(cell, minlength=2 * strata)[arm::2]
        lacking = [f"{names[place]} ({counts[place]})" if len(names) else "all" for place in range(strata)
                   if counts[place] < FEWEST]  # fmt: skip
        if lacking:
            breaches.append(f"fewer than two {label} rows in {', '.join(lacking)}")
        own, other = y[cell % 2 == arm], y[cell % 2 != arm]
        if (counts >= FEWEST).any() and np.ptp(own) == 0 and not usual(own[0], other):
            breaches.append(f"all {int(counts.sum()):,} {label} rows have the same outcome")
    return breaches

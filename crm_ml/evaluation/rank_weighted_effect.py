"""How much a score gains by whom it treats first: the targeting operator curve and its weighted means.

Both work on scores of effects: for each customer a number whose mean is the effect, which a trial gives
(`effect_scores`) and which knows nothing of the order that is judged.

References
----------
.. [1] Yadlowsky, Fleming, Shah, Brunskill and Wager (2025). Evaluating treatment prioritization rules via
   rank-weighted average treatment effects. JASA 120 (definitions 1 and 2, the half-sample bootstrap).
.. [2] Robins, Rotnitzky and Zhao (1994). Estimation of regression coefficients when some regressors are not
   always observed. JASA 89 (the scores).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.gains_curves import GRID
from crm_ml.evaluation.ranking import Floats, as_floats
from crm_ml.evaluation.significance import Interval
from crm_ml.evaluation.uplift_ranking import check_uplift
from crm_ml.evaluation.wilson import Z95

Weighting = Literal["autoc", "qini"]
HALF_SAMPLES = 200


def effect_scores(
    y: npt.ArrayLike,
    treatment: npt.ArrayLike,
    share: npt.ArrayLike | None = None,
    untreated: npt.ArrayLike = 0.0,
    treated: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the doubly robust score of the effect of each row of a randomised trial, shape (n,).

    Parameters
    ----------
    y : array-like of float, shape (n,)
    treatment : array-like of {0, 1}, shape (n,)
    share : array-like of float, shape (n,) or a number, optional
        Probability with which a row was treated, above 0 and below 1; by default the share of the treated.
    untreated, treated : array-like of float, shape (n,) or a number
        What a model that has not seen the row expects of it without and with treatment; it lowers the
        variance and needs not be right.

    Raises
    ------
    InputError
        If lengths differ, an arm has no row, a value is NaN or infinite, or a probability is not between 0
        and 1.

    Notes
    -----
    ``m1 - m0 + t (y - m1) / e - (1 - t) (y - m0) / (1 - e)``, [2]_ of the module.

    Examples
    --------
    >>> effect_scores([1, 0, 1, 0], [1, 1, 0, 0]).tolist()
    [2.0, 0.0, -2.0, 0.0]
    """
    outcomes, _, arms = check_uplift(y, np.zeros(np.shape(y)), treatment)
    e = arms.mean() if share is None else as_floats("share", share)
    low, high = as_floats("untreated", untreated), as_floats("treated", treated)
    try:
        e, low, high = (np.broadcast_to(each, outcomes.shape) for each in (e, low, high))
    except ValueError:
        raise InputError(
            f"share, untreated and treated need one value or one for each of {len(arms):,} rows"
        ) from None
    odd = int((~((e > 0) & (e < 1))).sum())
    unknown = int((~(np.isfinite(low) & np.isfinite(high))).sum())
    breaches = [
        f"share is not between 0 and 1 in {odd:,} of {len(arms):,} rows; an arm without rows tells nothing"
    ] * bool(odd)
    breaches += [f"what is expected is NaN or infinite in {unknown:,} of {len(arms):,} rows"] * bool(unknown)
    if breaches:
        raise InputError("; ".join(breaches))
    return np.asarray(high - low + arms * (outcomes - high) / e - (1 - arms) * (outcomes - low) / (1 - e))


def toc_curve(effects: npt.ArrayLike, score: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return what the effect on a share of highest score exceeds the effect on all by.

    Parameters
    ----------
    effects : array-like of float, shape (n,)
        Of `effect_scores`.
    score : array-like of float, shape (n,)
        Any score; only its order matters. Rows of equal score share their mean.

    Returns
    -------
    share : numpy.ndarray, shape (101,)
        From 0 to 1.
    toc : numpy.ndarray, shape (101,)
        NaN at 0.

    Notes
    -----
    ``TOC(u) = E[effect | score among the u highest] - E[effect]``, definition 1 of [1]_ of the module.
    """
    ranked = _ranked(*_checked(effects, score))
    share = np.linspace(0, 1, GRID)
    rows = share * len(ranked)
    sums = np.interp(rows, np.arange(len(ranked) + 1), np.append(0.0, np.cumsum(ranked)))
    return share, np.divide(sums, rows, out=np.full(GRID, np.nan), where=rows > 0) - ranked.mean()


def rate(
    effects: npt.ArrayLike,
    score: npt.ArrayLike,
    weighting: Weighting = "autoc",
    customer_id: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Interval:
    """Return the rank-weighted average treatment effect of an order, with its 95 % interval.

    0 for an order that does not know the effect, in the units of the outcome.

    Parameters
    ----------
    effects, score : array-like of float, shape (n,)
        As `toc_curve` takes them.
    weighting : {"autoc", "qini"}
        The mean of the targeting operator curve, which sees effects on few customers; or its mean weighted by
        the share that is treated, which sees effects on many.
    customer_id : array-like, shape (n,), optional
        The unit that is drawn, where a customer has several rows.
    seed : int

    Raises
    ------
    InputError
        If lengths differ, a value is NaN or infinite, there are fewer than four units, or the weighting is
        unknown.

    Notes
    -----
    ``mean_k TOC(k / n)`` and ``mean_k (k / n) TOC(k / n)``, definition 2 of [1]_ of the module; the standard
    error is the deviation over 200 halves of the customers, drawn without replacement, its section 3.
    """
    values, scores = _checked(effects, score)
    if weighting not in ("autoc", "qini"):
        raise InputError(f"weighting is {weighting!r}; there are autoc and qini")
    unit = np.arange(len(values)) if customer_id is None else _numbers(customer_id, len(values))
    units = int(unit.max()) + 1
    if units < 4:
        raise InputError(f"an interval of {units} customers; give at least 4")
    found = _rate(_ranked(values, scores), weighting)
    rng = np.random.default_rng(seed)
    halves = []
    for _ in range(HALF_SAMPLES):
        drawn = np.zeros(units, dtype=bool)
        drawn[rng.permutation(units)[: units // 2]] = True
        mine = drawn[unit]
        halves.append(_rate(_ranked(values[mine], scores[mine]), weighting))
    half = Z95 * float(np.std(halves, ddof=1))
    return Interval(found, found - half, found + half)


def _rate(ranked: Floats, weighting: str) -> float:
    rows = np.arange(1, len(ranked) + 1)
    gained = np.cumsum(ranked) - rows * ranked.mean()
    return float((gained / rows).mean() if weighting == "autoc" else (gained / len(ranked)).mean())


def _ranked(values: Floats, scores: Floats) -> Floats:
    """Return the values, highest score first, those of equal scores as their mean."""
    order = np.argsort(-scores, kind="stable")
    ordered, ranked = scores[order], values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sizes = np.diff(np.append(starts, len(ranked)))
    return np.repeat(np.add.reduceat(ranked, starts) / sizes, sizes)


def _checked(effects: npt.ArrayLike, score: npt.ArrayLike) -> tuple[Floats, Floats]:
    values, scores, _ = check_uplift(effects, score, np.zeros(np.shape(np.asarray(effects))))
    return values, scores


def _numbers(customer_id: npt.ArrayLike, rows: int) -> npt.NDArray[np.int64]:
    ids = np.asarray(customer_id)
    if ids.shape != (rows,):
        raise InputError(
            f"customer_id has shape {ids.shape}; it must have one value for each of {rows:,} rows"
        )
    return np.asarray(np.unique(ids, return_inverse=True)[1], dtype=np.int64)

"""Uplift metrics, how well a score orders customers by effect: Qini and AUUC in two named conventions.

The conventions are those of scikit-uplift (``"sklift"``) and causalml (``"causalml"``), whose numbers differ
by what they divide by: ``sklift`` divides the area above the straight line by that of a perfect order of the
observed outcomes, ``causalml`` by the incremental outcomes of treating all. Rows with equal
scores enter together; the curve is linear across them, so the order of the file has no influence.

References
----------
.. [1] Radcliffe (2007). Using control groups to target on predicted lift. Direct Marketing Analytics Journal
   3 (the Qini curve).
.. [2] Devriendt, Guns and Verbeke (2020). Learning to rank for uplift modeling. IEEE TKDE (the uplift curve).
.. [3] Gutierrez and Gérardy (2016). Causal inference and uplift modeling: a review. JMLR W&CP 67, section
   4.1.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.ranking import Floats, Weighted, row_weights
from crm_ml.evaluation.uplift_ranking import Counts, UpliftRanking, uplift_ranking

Convention = Literal["sklift", "causalml"]
TOP_SHARE = 0.3


def qini(
    y: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treatment: npt.ArrayLike,
    convention: Convention = "sklift",
    weight: npt.ArrayLike | None = None,
) -> float:
    """Return the Qini coefficient: the area between the Qini curve and the straight line to its end.

    Parameters
    ----------
    y : array-like of float, shape (n,)
        Outcomes; 0 or 1 for the convention ``"sklift"``.
    uplift : array-like of float, shape (n,)
        Any score; only its order matters.
    treatment : array-like of {0, 1}, shape (n,)
        1 = treated.
    convention : {"sklift", "causalml"}
        As a share of the same area of a perfect order (scikit-uplift's ``qini_auc_score``), or of the
        incremental outcomes of treating all (causalml's ``qini_score``).
    weight : array-like of float, shape (n,), optional

    Returns
    -------
    float
        0 for a random order in expectation.

    Raises
    ------
    InputError
        If lengths differ, a value is NaN or infinite, an arm has no row, an outcome is not 0 or 1 where it
        must be, the convention is unknown, or what it divides by is 0; there metrics of many weightings are
        NaN.

    Notes
    -----
    After k rows ``Q(k) = y_t(k) - y_c(k) * n_t(k) / n_c(k)``, [1]_ of the module.

    Examples
    --------
    >>> qini([1, 0, 1, 0, 0, 1], [0.9, 0.8, 0.7, 0.3, 0.2, 0.1], [1, 0, 1, 0, 1, 0])
    0.8461538461538461
    """
    return _judge("qini", convention, uplift_ranking(y, uplift, treatment), weight)


def auuc(
    y: npt.ArrayLike,
    uplift: npt.ArrayLike,
    treatment: npt.ArrayLike,
    convention: Convention = "sklift",
    weight: npt.ArrayLike | None = None,
) -> float:
    """Return the area under the uplift curve.

    Parameters, raises: as `qini`.

    Returns
    -------
    float
        ``"sklift"``: area above the straight line as a share of that of a perfect order
        (``uplift_auc_score``), 0 for a random order. ``"causalml"``: mean of the curve as a share of its end
        (``auuc_score``), 0.5 for a random order.

    Notes
    -----
    After k rows ``U(k) = (y_t(k) / n_t(k) - y_c(k) / n_c(k)) * k``.
    """
    return _judge("auuc", convention, uplift_ranking(y, uplift, treatment), weight)


def pehe(effect: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Return the root mean squared error of predicted effects where the true ones are known.

    References
    ----------
    .. [1] Hill (2011). Bayesian nonparametric modeling for causal inference. JCGS 20 (precision in estimation
       of heterogeneous effects).

    Examples
    --------
    >>> pehe([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    error = np.asarray(predicted, dtype=float) - np.asarray(effect, dtype=float)
    return float(np.sqrt(np.mean(error**2)))


def _curve_of_qini(counts: Counts, empty: float) -> Floats:
    ratio = _divide(counts.treated, counts.control, empty)
    return np.asarray(counts.y_treated - counts.y_control * ratio)


def _lift(counts: Counts, empty: float) -> Floats:
    treated = _divide(counts.y_treated, counts.treated, empty)
    return np.asarray(treated - _divide(counts.y_control, counts.control, empty))


def _divide(a: Floats, b: Floats, empty: float) -> Floats:
    return np.divide(a, b, out=np.full_like(a, empty), where=b > 0)


def _qini_sklift(judged: Weighted) -> Floats:
    counts = Counts.of(judged)
    area = counts.areas[0] / 2
    answers_t, answers_c, rows = counts.y_treated[:, -1], counts.y_control[:, -1], counts.rows[:, -1]
    end = _curve_of_qini(_end(counts), np.nan)[:, 0]
    flat = answers_t * (rows - answers_c - answers_t)
    perfect = answers_t**2 / 2 + flat + (answers_t + end) * answers_c / 2
    straight = end * rows / 2
    return _share(area - straight, perfect - straight)


def _auuc_sklift(judged: Weighted) -> Floats:
    counts = Counts.of(judged)
    area = counts.areas[1] / 2
    straight = _lift(_end(counts), 0.0)[:, 0] * counts.rows[:, -1] ** 2 / 2
    return _share(area - straight, _perfect_uplift_area(counts) - straight)


def _perfect_uplift_area(counts: Counts) -> Floats:
    """Return the uplift area of the perfect order: treated responders, untreated non-responders, the rest."""
    n_t, n_c = counts.treated[:, -1], _end(counts).control[:, 0]
    answers_t, answers_c = counts.y_treated[:, -1], counts.y_control[:, -1]
    silent_t, silent_c = n_t - answers_t, n_c - answers_c
    zero = np.zeros_like(n_t)
    answers_first = answers_c > silent_t
    third_t, third_c = np.where(answers_first, zero, silent_t), np.where(answers_first, answers_c, zero)
    treated = np.stack([answers_t, answers_t, answers_t + third_t, n_t], axis=1)
    control = np.stack([zero, silent_c, silent_c + third_c, n_c], axis=1)
    y_control = np.stack([zero, zero, third_c, answers_c], axis=1)
    y_treated = np.repeat(answers_t[:, None], 4, axis=1)
    steps = Counts(np.stack([treated + control, treated, y_treated, y_control]))
    return _trapezoid(steps.rows, _lift(steps, 0.0) * steps.rows)


def _qini_causalml(judged: Weighted) -> Floats:
    counts = Counts.of(judged)
    end, rows = _curve_of_qini(_end(counts), np.nan)[:, 0], counts.rows[:, -1]
    return _share(counts.areas[2] - end * (rows + 1) / 2, np.abs(end) * (rows + 1))


def _auuc_causalml(judged: Weighted) -> Floats:
    counts = Counts.of(judged)
    end, rows = _lift(_end(counts), np.nan)[:, 0], counts.rows[:, -1]
    return _share(counts.areas[3], np.abs(end * rows) * (rows + 1))


def _top(judged: Weighted) -> Floats:
    """Return the uplift among the rows of highest score: treated rate minus untreated rate; shares ties."""
    counts, ranking = Counts.of(judged), judged.ranking
    tied = np.diff(np.append(ranking.starts, len(ranking.y)))[::-1] > 1
    return np.asarray(_lift(counts.upto(counts.rows[:, -1] * TOP_SHARE, tied), np.nan)[:, 0])


def _end(counts: Counts) -> Counts:
    return counts.at(np.full(len(counts.rows), counts.rows.shape[1] - 1))


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole != 0)


def _trapezoid(x: Floats, y: Floats) -> Floats:
    """Return the area under lines from (0, 0) through the points of each row."""
    before_x, before_y = (np.hstack([np.zeros((len(x), 1)), each[:, :-1]]) for each in (x, y))
    return np.asarray(((x - before_x) * (y + before_y)).sum(axis=1) / 2)


METRICS: dict[str, Callable[[Weighted], Floats]] = {
    "qini": _qini_sklift,
    "auuc": _auuc_sklift,
    "qini_causalml": _qini_causalml,
    "auuc_causalml": _auuc_causalml,
    "uplift_at_30": _top,
}
OF_BINARY = frozenset({"qini", "auuc"})


def _judge(metric: str, convention: str, ranking: UpliftRanking, weight: npt.ArrayLike | None) -> float:
    if convention not in ("sklift", "causalml"):
        raise InputError(f"convention is {convention!r}; there are sklift and causalml")
    name = metric if convention == "sklift" else f"{metric}_causalml"
    weights = row_weights(weight, len(ranking.y))[ranking.order]
    breaches = []
    for arm, label in ((1, "treated"), (0, "untreated")):
        if not weights[ranking.treatment == arm].sum() > 0:
            breaches.append(f"no {label} row among {len(ranking.y):,}")
    odd = int((~np.isin(ranking.y, (0, 1))).sum()) if name in OF_BINARY else 0
    if odd:
        breaches.append(
            f"y is neither 0 nor 1 in {odd:,} of {len(ranking.y):,} rows, as sklift's convention needs; "
            "take the convention causalml for amounts"
        )
    if breaches:
        raise InputError(f"{metric}: {'; '.join(breaches)}")
    value = float(METRICS[name](Weighted(ranking, weights[None, :]))[0])
    if np.isnan(value):
        whole = (
            "a perfect order gains nothing" if convention == "sklift" else "the effect of treating all is 0"
        )
        raise InputError(
            f"{metric}: {whole} on these {len(ranking.y):,} rows, and a share of that is not defined; take "
            "other rows, or another metric"
        )
    return value

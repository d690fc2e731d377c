"""Compiled loops over customers ordered by uplift, under many weightings; imported where one runs."""

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Order = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def accumulate(
    weights: Array, y: Array, treatment: Array, starts: Order, out: Array
) -> None:  # pragma: no cover  (compiled)
    """Write rows, treated rows, and outcomes of treated and untreated, from the highest score down.

    Parameters
    ----------
    weights : numpy.ndarray, shape (r, n)
        Of rows in ascending order of the score.
    y, treatment : numpy.ndarray, shape (n,)
    starts : numpy.ndarray of int, shape (g,)
        First row of each group of equal scores.
    out : numpy.ndarray, shape (4, r, g)
    """
    for i in range(len(weights)):
        rows, treated, y_treated, y_control = 0.0, 0.0, 0.0, 0.0
        end = weights.shape[1]
        for j in range(len(starts)):
            start = starts[len(starts) - 1 - j]
            for k in range(start, end):
                weight, answer = weights[i, k], weights[i, k] * y[k]
                rows += weight
                treated += weight * treatment[k]
                y_treated += answer * treatment[k]
                y_control += answer - answer * treatment[k]
            end = start
            out[0, i, j], out[1, i, j], out[2, i, j], out[3, i, j] = rows, treated, y_treated, y_control


@numba.njit(cache=True, nogil=True, error_model="numpy")
def area_terms(counts: Array, out: Array) -> None:  # pragma: no cover  (compiled)
    """Write what each step adds to four areas, see `crm_ml.evaluation.uplift_ranking.Counts.areas`.

    Parameters
    ----------
    counts, out : numpy.ndarray, shape (4, r, g)
        `counts` as `accumulate` writes them.
    """
    for i in range(counts.shape[1]):
        qini_slope, lift_slope = np.nan, np.nan  # of the lines to the first steps that have both arms
        for j in range(counts.shape[2]):
            rows, treated, y_treated, y_control = counts[:, i, j]
            control = rows - treated
            if control > 0 and np.isnan(qini_slope):
                qini_slope = (y_treated - y_control * (treated / control)) / rows
            if control > 0 and treated > 0:
                lift_slope = (y_treated / treated - y_control / control) / rows
                break
        x, qini, lift, qini_line, lift_line = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(counts.shape[2]):
            rows, treated, y_treated, y_control = counts[:, i, j]
            control, step = rows - treated, rows - x
            ratio = treated / control if control > 0 else 0.0
            rate_t = y_treated / treated if treated > 0 else 0.0
            rate_c = y_control / control if control > 0 else 0.0
            gained, gained_lift = y_treated - y_control * ratio, rate_t - rate_c
            drawn = gained if control > 0 else qini_slope * rows
            drawn_lift = (gained_lift if control > 0 and treated > 0 else lift_slope * rows) * rows
            gained_lift *= rows
            out[0, i, j] = step * (gained + qini)
            out[1, i, j] = step * (gained_lift + lift)
            out[2, i, j] = step * qini_line + (drawn - qini_line) * (step + 1) / 2
            out[3, i, j] = step * lift_line + (drawn_lift - lift_line) * (step + 1) / 2
            x, qini, lift, qini_line, lift_line = rows, gained, gained_lift, drawn, drawn_lift

"""The compiled areas under curves of uplift, beside the same written out in numpy."""

import numpy as np
import pytest

from crm_ml.evaluation.ranking import Weighted
from crm_ml.evaluation.uplift_ranking import Counts, uplift_ranking


def _written_out(counts):
    """Return the four areas of `Counts.areas`, one weighting after the other."""
    results = []
    for rows, treated, y_treated, y_control in counts.sums.transpose(1, 0, 2):
        control = rows - treated
        with np.errstate(invalid="ignore", divide="ignore"):
            qini = y_treated - y_control * treated / control
            lift = y_treated / treated - y_control / control
        one_arm = (treated == 0) | (control == 0)
        empty_qini = np.where(control == 0, y_treated, qini)
        empty_lift = np.where(
            one_arm, np.nan_to_num(y_treated / np.where(treated > 0, treated, np.inf)), lift
        ) - np.where(one_arm & (control > 0), y_control / np.where(control > 0, control, 1), 0)
        first_q, first_l = (np.flatnonzero(~mask)[0] for mask in (control == 0, one_arm))
        line_q = np.where(control == 0, qini[first_q] / rows[first_q] * rows, qini)
        line_l = np.where(one_arm, lift[first_l] / rows[first_l] * rows, lift) * rows
        x = np.append(0, rows)

        def trapezoid(curve, x=x):
            y = np.append(0, curve)
            return (np.diff(x) * (y[1:] + y[:-1])).sum()

        def by_row(curve, x=x):
            """Add up the value at each row, on a line between the ends of a group."""
            y = np.append(0, curve)
            places = np.arange(1, x[-1] + 1)
            return np.interp(places, x, y).sum()

        results.append([trapezoid(empty_qini), trapezoid(empty_lift * rows), by_row(line_q), by_row(line_l)])
    return np.array(results).T


@pytest.mark.parametrize("levels", [3, 20, None])
def test_areas_are_those_of_the_curves(levels):
    rng = np.random.default_rng(levels or 0)
    n = 60
    score = rng.random(n) if levels is None else rng.integers(0, levels, n).astype(float)
    treatment, y = rng.integers(0, 2, n).astype(float), rng.integers(0, 3, n).astype(float)
    ranking = uplift_ranking(y, score, treatment)
    weights = rng.integers(0, 3, (25, n)).astype(float)
    weights[0] = 1.0
    counts = Counts.of(Weighted(ranking, weights))
    grouped = np.add.reduceat(weights, ranking.starts, axis=1)[:, ::-1]
    np.testing.assert_array_equal(counts.rows, np.cumsum(grouped, axis=1))
    treated = np.add.reduceat(weights * ranking.treatment, ranking.starts, axis=1)[:, ::-1]
    np.testing.assert_array_equal(counts.treated, np.cumsum(treated, axis=1))
    np.testing.assert_allclose(counts.areas, _written_out(counts), rtol=1e-12)

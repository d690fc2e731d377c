"""Calibration against its own null: small shops pass, what is shown to be wrong fails."""

import numpy as np
import pytest

from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.calibration_line import calibration_intercept, calibration_slope
from crm_ml.evaluation.classification import ece
from crm_ml.evaluation.predictions import Predictions


def drawn(rows, seed, bend=lambda p: p, days=1):
    rng = np.random.default_rng(seed)
    right = np.tile(rng.beta(2, 3, rows // days), days)
    y = np.tile(rng.random(rows // days), days) < right  # rows of a customer go together
    ids, fold = np.tile(np.arange(rows // days), days), np.repeat(np.arange(days), rows // days)
    return Predictions(ids, fold, y, {"model": bend(right)})


def checked(*args, draws=199, **kwargs):
    predictions = drawn(*args, **kwargs)
    return predictions, check_calibration(predictions, "model", np.random.default_rng(7), draws)


def test_the_error_is_that_of_the_metric_and_a_seed_repeats():
    predictions, check = checked(552, 0)
    assert check.ece == pytest.approx(ece(predictions.y, predictions.p["model"]), abs=1e-12)
    assert check == check_calibration(predictions, "model", np.random.default_rng(7), 199)
    tied = Predictions(predictions.customer_id, predictions.fold, predictions.y, {"model": np.full(552, 0.4)})
    same = check_calibration(tied, "model", np.random.default_rng(7), 199)
    assert same.ece == pytest.approx(abs(predictions.y.mean() - 0.4))
    assert np.isnan(same.slope.value)
    assert "calibration_slope" not in same.metrics


def test_a_calibrated_model_of_a_small_shop_passes():
    checks = [checked(552, seed)[1] for seed in range(40)]
    assert sum(check.ece > 0.03 for check in checks) > 30  # what the limit alone would fail
    assert all(check.within(0.03) for check in checks)
    assert sum(check.p_value < 0.05 for check in checks) <= 6
    assert np.mean([check.expected for check in checks]) == pytest.approx(
        np.mean([check.ece for check in checks]), rel=0.1
    )


@pytest.mark.parametrize("bend", [lambda p: p / 2, lambda p: np.clip(p + 0.15, 0, 1), lambda p: p * 0 + 0.9])
def test_what_is_shown_to_be_wrong_fails(bend):
    check = checked(1500, 3, bend)[1]
    assert not check.within(0.03)
    assert check.p_value == pytest.approx(1 / 200)
    assert 0.03 < check.least < check.ece
    assert check.debiased < check.ece
    assert f"at least {check.least:.4f} without noise" in str(check)


def test_rows_of_one_customer_are_no_new_evidence():
    alone, together = checked(500, 5)[1], checked(1500, 5, days=3)[1]
    assert together.ece == pytest.approx(alone.ece)
    assert together.expected == pytest.approx(alone.expected, rel=0.2)
    apart = drawn(1500, 5, days=3)
    apart = Predictions(np.arange(1500), apart.fold, apart.y, apart.p)
    assert check_calibration(apart, "model", np.random.default_rng(7), 199).expected < 0.7 * alone.expected


def test_intercept_and_slope_are_those_of_the_logistic_regression():
    """Oracle: scikit-learn without a penalty; four equal copies of a customer leave the interval as it is."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    p, ids = rng.uniform(0.05, 0.9, 3000), np.arange(3000)
    logit = np.log(p / (1 - p))
    y = (rng.random(3000) < 1 / (1 + np.exp(-(0.3 + 0.7 * logit)))).astype(float)
    slope = calibration_slope(p, y, ids)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], y)
    assert slope.value == pytest.approx(oracle.coef_[0, 0], abs=1e-5)
    assert slope.low < 0.7 < slope.high
    copies = calibration_slope(np.tile(p, 4), np.tile(y, 4), np.tile(ids, 4))
    assert (copies.value, copies.low, copies.high) == pytest.approx((slope.value, slope.low, slope.high))
    shifted = calibration_intercept(p, (rng.random(3000) < 1 / (1 + np.exp(-(logit - 0.5)))) * 1.0, ids)
    assert shifted.low < -0.5 < shifted.high < 0


@pytest.mark.parametrize(
    ("p", "y"),
    [([0.2, 0.3, 0.4], [0, 0, 0]), ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])],
    ids=["one class", "apart"],
)
def test_a_line_that_has_no_end_is_unknown(p, y):
    p, y, ids = np.array(p), np.array(y, dtype=float), np.arange(len(p))
    assert np.isnan(calibration_slope(p, y, ids).value)
    assert np.isnan(calibration_intercept(p, y, ids).value) == (y.max() == y.min())


def test_of_one_customer_and_of_certain_probabilities_no_line_is_known():
    y, customer = np.array([0.0, 1.0, 1.0, 0.0]), np.arange(4)
    assert np.isnan(calibration_intercept(np.full(4, 0.4), y, np.zeros(4, dtype=np.int64)).low)
    certain = np.array([0.0, 1.0, 0.0, 1.0])
    assert np.isnan(calibration_intercept(certain, y, customer).low)
    assert np.isnan(calibration_slope(certain, y, customer).low)

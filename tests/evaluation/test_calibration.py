"""Calibrators mend probabilities; the guard refuses those that do harm."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from crm_ml.errors import CalibrationRefused, InputError, IntegrityError
from crm_ml.evaluation import calibration, calibrators
from crm_ml.evaluation.calibration import best_calibrator, check_calibrated, fit_calibrator
from crm_ml.evaluation.classification import auc, ece, log_loss


def _skewed(n=6000, seed=0):
    """True probabilities, and a model that is too sure and too high."""
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-2, 1, n))
    return expit(2 * logit(truth) + 1.5), (rng.random(n) < truth).astype(float), np.arange(n).astype(str)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_skewed_model_is_mended_on_new_rows(method):
    p, y, ids = _skewed()
    new_p, new_y, _ = _skewed(seed=1)
    mended = fit_calibrator(method, p, y, ids).predict(new_p)
    assert ece(new_y, new_p) > 0.05
    assert ece(new_y, mended) < 0.02
    assert log_loss(new_y, mended) < log_loss(new_y, new_p) - 0.02
    assert auc(new_y, mended) == pytest.approx(auc(new_y, new_p), abs=0.003)


def test_platt_recovers_the_line_and_agrees_with_scikit_learn():
    p, y, _ = _skewed(40_000)
    fitted = calibrators.fit_platt(p, y)
    assert (fitted.slope, fitted.intercept) == pytest.approx((0.5, -0.75), abs=0.05)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(p)[:, None], y)
    assert fitted.slope == pytest.approx(oracle.coef_[0, 0], rel=2e-3)
    assert fitted.intercept == pytest.approx(oracle.intercept_[0], rel=2e-3)


def test_platt_stays_finite_when_the_score_parts_the_classes():
    fitted = calibrators.fit_platt([0.0, 0.1, 0.2, 0.8, 0.9, 1.0], [0, 0, 0, 1, 1, 1])
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    assert fitted.predict([0.0, 1.0])[0] < 0.5 < fitted.predict([0.0, 1.0])[1]


def test_isotonic_never_says_zero_or_one():
    fitted = calibrators.fit_isotonic(np.linspace(0, 1, 100), np.arange(100) >= 50)
    assert fitted.predict([0.0, 1.0]).tolist() == pytest.approx([1 / 102, 101 / 102])


@pytest.mark.parametrize("method", ["platt", "isotonic", "none"])
def test_save_and_load_keep_every_bit(method, tmp_path):
    p, y, ids = _skewed(800)
    fitted = fit_calibrator(method, p, y, ids)
    calibrators.save(fitted, tmp_path / "calibrator.json")
    assert calibrators.load(tmp_path / "calibrator.json") == fitted
    assert (calibrators.load(tmp_path / "calibrator.json").predict(p) == fitted.predict(p)).all()


@pytest.mark.parametrize("text", ['{"method": "platt"}', '{"method": "magic"}', '{"slope": 1}'])
def test_a_file_that_is_no_calibrator_is_refused(text, tmp_path):
    (tmp_path / "calibrator.json").write_text(text)
    with pytest.raises(IntegrityError, match=r"calibrator.json"):
        calibrators.load(tmp_path / "calibrator.json")


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_model_that_ranks_backwards_is_refused(method):
    p, y, ids = _skewed()
    with pytest.raises(CalibrationRefused, match=f"{method}: (inverted, slope -|AUC falls|flat)"):
        fit_calibrator(method, 1 - p, y, ids)


def test_inverted_and_flat_outputs_are_refused_with_numbers():
    p, y, _ = _skewed()
    with pytest.raises(
        CalibrationRefused, match=r"inverted, rank correlation with raw scores -1.000, AUC 0\.\d+"
    ):
        check_calibrated(p, 1 - p, y)
    with pytest.raises(CalibrationRefused, match="flat, 1 distinct values are left of"):
        check_calibrated(p, np.full(len(p), 0.13), y)
    with pytest.raises(CalibrationRefused, match="flat, 2 distinct"):
        check_calibrated(p, np.where(p > 0.5, 0.3, 0.1), y)
    with pytest.raises(CalibrationRefused, match=r"AUC falls from 0\.\d+ to 0\.\d+, by more than 0.005"):
        check_calibrated(p, np.digitize(p, [0.4, 0.8]) / 10, y)
    check_calibrated(p, p**2, y)
    check_calibrated([0.1, 0.2, 0.1, 0.2], [0.3, 0.4, 0.3, 0.4], [0, 1, 0, 1])


def test_a_calibrator_worse_than_none_is_refused_and_none_is_taken(caplog):
    rng = np.random.default_rng(3)
    p = expit(rng.normal(-1, 1.5, 400))
    y, ids = (rng.random(400) < p).astype(float), np.arange(400).astype(str)
    with pytest.raises(CalibrationRefused, match=r"log-loss 0\.\d+ on held-out customers, 0\.\d+ without"):
        fit_calibrator("isotonic", p, y, ids)
    assert best_calibrator(p, y, ids, ["isotonic"]).method == "none"
    assert "refused" in caplog.text


def test_the_best_calibrator_has_the_least_held_out_loss():
    p, y, ids = _skewed()
    losses = {m: calibration.held_out_log_loss(m, p, y, ids) for m in ("platt", "isotonic", "none")}
    assert losses["platt"] < losses["isotonic"] < losses["none"]
    assert best_calibrator(p, y, ids).method == "platt"


def test_unknown_methods_and_single_classes_are_refused():
    with pytest.raises(InputError, match="unknown calibration method 'beta'"):
        fit_calibrator("beta", [0.1, 0.2], [0, 1], ["a", "b"])
    with pytest.raises(InputError, match="one class only"):
        fit_calibrator("platt", [0.1, 0.2], [1, 1], ["a", "b"])


def _drifting(snapshots, customers=250, seed=0):
    """Weekly snapshots in order of time; churn rises with time, and a feature counts the weeks."""
    rng = np.random.default_rng(seed)
    week = np.repeat(np.arange(snapshots), customers)
    signal = rng.normal(size=len(week))
    y = rng.random(len(week)) < expit(-4.5 + 4.5 * week / snapshots + 1.0 * signal)
    weeks_known = week + rng.random(len(week))
    order = np.lexsort((weeks_known, week))
    return np.column_stack([weeks_known, signal])[order], y[order].astype(float), week[order]


def test_folds_of_time_ordered_rows_invert_a_calibrator_and_ours_does_not():
    """The regression test of `CalibratedClassifierCV(cv=5)` on time-ordered rows: it turns scores round."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import GradientBoostingClassifier

    X, y, week = _drifting(24)
    train, later, test = week < 16, (week >= 16) & (week < 20), week >= 20
    booster = GradientBoostingClassifier(n_estimators=40, max_depth=3, random_state=0)
    raw = booster.fit(X[train], y[train]).predict_proba(X)[:, 1]
    trapped = CalibratedClassifierCV(booster, cv=5).fit(X[train], y[train]).predict_proba(X)[:, 1]
    assert auc(y[train], trapped[train]) < 0.45 < 0.7 < auc(y[train], raw[train])
    with pytest.raises(CalibrationRefused, match="inverted"):
        check_calibrated(raw[train], trapped[train], y[train], name="CalibratedClassifierCV(cv=5)")

    ids = np.arange(len(y)).astype(str)
    ours = fit_calibrator("platt", raw[later], y[later], ids[later])
    assert auc(y[test], ours.predict(raw[test])) == auc(y[test], raw[test]) > 0.6
    assert log_loss(y[test], ours.predict(raw[test])) < log_loss(y[test], raw[test])


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_too_few_rows_of_a_class_are_no_curve(method):
    p, y, ids = _skewed(3000)
    rare = np.flatnonzero(y)[:29]
    keep = np.concatenate([rare, np.flatnonzero(y == 0)])
    with pytest.raises(
        CalibrationRefused, match=f"{method}: 29 of .* calibration rows are of the rarer class"
    ):
        fit_calibrator(method, p[keep], y[keep], ids[keep])
    assert best_calibrator(p[keep], y[keep], ids[keep]).as_dict() == calibrators.Identity().as_dict()
    assert fit_calibrator("none", p[keep], y[keep], ids[keep])

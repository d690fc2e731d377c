"""Gates of probabilities: no verdict of few, and no failure by the noise of few."""

import numpy as np
import pytest

from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.train.families.probability.report import CONTROL, MODEL, Judged

VIEWS = dict.fromkeys(("auc", "log_loss", "ece"), "pooled")


def judged(rows, positives, bend=1.0):
    rng = np.random.default_rng(0)
    y = (np.arange(rows) < positives).astype(float)
    odds = np.exp(3 * y + rng.normal(0, 1, rows)) * positives / rows
    p = {MODEL: bend * odds / (1 + odds), "logistic": rng.uniform(0.01, 0.1, rows)}
    predictions = Predictions(np.arange(rows), ["june"] * rows, y, p)
    evaluation = evaluate(predictions, rng, tuple(VIEWS), 100, ("pooled",))
    return Judged(evaluation, VIEWS, check_calibration(predictions, MODEL, rng, 99))


@pytest.mark.parametrize(("positives", "passes"), [(19, False), (20, True)])
def test_fewer_than_twenty_of_the_rarer_class_give_no_verdict(positives, passes):
    for judgement in (judged(400, positives), judged(400, 400 - positives)):
        gate = judgement.gates(0.5)[0]
        assert gate.passed is passes
        assert gate.reason.startswith("no verdict: 19 customers of the rarer class") is not passes
    few = judged(400, positives)
    assert few.metrics()["test.positives"] == positives
    assert set(few.summary()["positives"]) == {str(positives)}
    assert set(few.tables()["metrics"]["positives"]) == {positives}


def test_only_what_is_shown_to_be_miscalibrated_fails():
    gate = judged(2000, 300, 0.1).gates(0.03)[1]
    assert (gate.name, gate.passed) == ("calibrated", False)
    assert "limit 0.03" in gate.reason
    assert judged(2000, 300, 0.1).gates(0.5)[1].passed
    assert {"test.ece_debiased", "test.ece_p_value", "test.calibration_slope.low"} <= set(
        judged(2000, 300).metrics()
    )


@pytest.mark.parametrize("loses", [True, False])
def test_a_model_that_loses_to_plain_lightgbm_says_so(loses):
    rng = np.random.default_rng(1)
    right = rng.uniform(0.05, 0.95, 2000)
    y = (rng.random(2000) < right).astype(float)
    flat = 0.3 + 0.4 * right  # of the same order, so that the AUC says nothing
    p = {MODEL: flat if loses else right, "logistic": right**2, CONTROL: right if loses else flat}
    predictions = Predictions(np.arange(2000), ["june"] * 2000, y, p)
    judgement = Judged(
        evaluate(predictions, rng, tuple(VIEWS), 100, ("pooled",)),
        VIEWS,
        check_calibration(predictions, MODEL, rng, 99),
    )
    sentence = "model loses to plain_lightgbm: log_loss 0.0"
    assert (sentence in judgement.gates(0.5)[0].reason) is loses
    assert any(text.startswith(sentence) for text in judgement.losses()) is loses
    assert judgement.summary()["model"].iloc[-1] == "model - plain_lightgbm"


def test_a_model_that_equals_the_best_baseline_is_not_worse():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.05, 0.95, 300)
    y = (rng.random(300) < p).astype(float)
    predictions = Predictions(np.arange(300), ["june"] * 300, y, {MODEL: p, "logistic": p.copy()})
    evaluation = evaluate(predictions, rng, tuple(VIEWS), 50, ("pooled",))
    gate = Judged(evaluation, VIEWS, check_calibration(predictions, MODEL, rng, 99)).gates(0.5)[0]
    assert gate.passed, gate.reason

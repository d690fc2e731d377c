"""Controls that can't be left out, effects, the draw, verdicts, and figures."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.randomisation_checks import average_effect, balance, sample_ratio
from crm_ml.evaluation.significance import evaluate
from crm_ml.evaluation.uplift_predictions import RANDOM, RESPONSE, UpliftPredictions, random_order
from crm_ml.evaluation.uplift_verdict import verdict


def predictions(effect_of, response_of, n=6000, seed=0):
    """A trial whose base rate rises with a and whose effect is given; the model knows b."""
    rng = np.random.default_rng(seed)
    a, b, t = rng.random(n), rng.random(n), (rng.random(n) < 0.5).astype(float)
    y = (rng.random(n) < 0.1 + 0.2 * a + t * effect_of(a, b)).astype(float)
    ids = np.array([f"c{i}" for i in range(n)])
    p = {"model": b, RESPONSE: response_of(a, b), RANDOM: random_order(ids)}
    return UpliftPredictions(ids, np.full(n, "f"), y, p, t)


@pytest.mark.parametrize(
    ("effect_of", "response_of", "decision"),
    [
        (lambda _a, b: 0.4 * b, lambda a, _b: a, "target by uplift"),
        (lambda a, _b: 0.4 * a, lambda a, _b: a, "target by response"),
        (lambda _a, b: 0.4 * b, lambda _a, b: b, "target by response"),
        (lambda a, _b: 0.1 + 0 * a, lambda a, _b: a, "no usable signal"),
    ],
)
def test_the_verdict_follows_from_both_controls(effect_of, response_of, decision):
    given = predictions(effect_of, response_of)
    judged = evaluate(given, np.random.default_rng(0), ("qini",), 200, ("folds",))
    found = verdict(judged, "model")
    assert found.decision == decision
    assert found.by_uplift == (decision == "target by uplift")
    assert str(judged.difference("model", RESPONSE, "qini", "folds")) in found.reason


def test_arms_that_were_not_drawn_get_no_verdict_and_the_smallest_difference_stands_beside_each():
    given = predictions(lambda _a, b: 0.4 * b, lambda a, _b: a)
    judged = evaluate(given, np.random.default_rng(0), ("qini",), 200, ("folds",))
    broken = verdict(judged, "model", drawn=False, flat=["f"])
    assert broken.decision == "the draw is broken"
    assert not broken.by_uplift
    assert "model says one number for everybody in f" in broken.reason
    width = judged.difference("model", RANDOM, "qini", "folds")
    assert broken.smallest[RANDOM] == pytest.approx(2.8016 / 3.92 * (width.high - width.low), rel=1e-3)
    assert f"with 80 % power a difference from {broken.smallest[RANDOM]:.4f}" in broken.reason


@pytest.mark.parametrize("missing", [RANDOM, RESPONSE])
def test_predictions_without_a_control_are_refused(missing):
    given = predictions(lambda _a, b: 0.4 * b, lambda a, _b: a, n=50)
    p = {name: values for name, values in given.p.items() if name != missing}
    with pytest.raises(InputError, match=f"lack the controls {missing}; an order of customers by uplift"):
        UpliftPredictions(given.customer_id, given.fold, given.y, p, given.treatment)


def test_the_random_control_knows_the_id_alone():
    ids = [f"c{i}" for i in range(2000)]
    order = random_order(ids)
    assert (random_order(ids[::-1])[::-1] == order).all()
    assert ((order >= 0) & (order < 1)).all()
    assert abs(np.corrcoef(order, random_order(ids, "other"))[0, 1]) < 0.1
    assert len(set(order)) == 2000


def test_the_interval_of_the_average_effect_holds_it_in_nineteen_of_twenty_draws():
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        t = (rng.random(300) < 0.3).astype(float)
        y = (rng.random(300) < 0.2 + 0.15 * t).astype(float)
        found = average_effect(y, t)
        held += found.low <= 0.15 <= found.high
    assert 0.925 <= held / 400 <= 0.975
    with pytest.raises(InputError, match="fewer than two treated rows"):
        average_effect([1, 0, 1], [1, 0, 0])


def test_a_draw_that_lost_rows_of_one_arm_does_not_hold():
    rng = np.random.default_rng(0)
    arm = rng.choice(["a", "b", "c"], 9000, p=[0.5, 0.25, 0.25])
    declared = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert sample_ratio(arm, declared).holds
    lost = np.append(arm[arm != "b"], arm[arm == "b"][200:])
    assert not sample_ratio(lost, declared).holds
    assert sample_ratio(["a"] * 50 + ["b"] * 50, {"a": 1, "b": 1}).p_value == pytest.approx(1)
    with pytest.raises(InputError, match="no declared probability of c, not above 0: b"):
        sample_ratio(arm, {"a": 0.5, "b": 0.0})


def test_balance_names_the_features_that_differ_first():
    rng = np.random.default_rng(0)
    t = (rng.random(2000) < 0.5).astype(float)
    town = np.where((rng.random(2000) < 0.5) & (t == 1), "Ulm", "Köln")
    X = pd.DataFrame(
        {"age": rng.normal(40, 10, 2000), "town": town, "orders": rng.normal(0, 1, 2000) + 0.3 * t}
    )
    X.loc[:200, "age"] = np.nan
    found = balance(X, t)
    assert list(found["feature"].iloc[:2]) == ["town = Köln", "town = Ulm"]
    orders = found.set_index("feature").loc["orders"]
    treated, untreated = X["orders"][t == 1], X["orders"][t == 0]
    spread = np.sqrt((treated.var(ddof=0) + untreated.var(ddof=0)) / 2)
    assert orders["difference"] == pytest.approx((treated.mean() - untreated.mean()) / spread)
    assert "age is missing" in set(found["feature"])

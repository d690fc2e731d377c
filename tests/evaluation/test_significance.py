"""Intervals cover as often as they say, customers are resampled whole, differences are paired."""

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation.classification import auc, log_loss
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate


def _predictions(seed, customers=300, folds=4, models=("a", "b")):
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.beta(1, 4, customers), folds)
    y = rng.random(len(truth)) < truth
    scores = {
        name: np.clip(truth + rng.normal(0, 0.05 * (i + 1), len(truth)), 0, 1)
        for i, name in enumerate(models)
    }
    ids = np.repeat([f"c{i}" for i in range(customers)], folds)
    return Predictions(ids, np.tile([f"f{i}" for i in range(folds)], customers), y, scores)


def test_values_are_those_of_the_plain_metrics():
    predictions = _predictions(0)
    evaluation = evaluate(predictions, np.random.default_rng(0), replicates=20)
    folds = [
        auc(predictions.y[predictions.fold == f], predictions.p["a"][predictions.fold == f])
        for f in predictions.folds
    ]
    assert evaluation.interval("a", "auc", "folds").value == pytest.approx(np.mean(folds), abs=1e-12)
    assert evaluation.interval("b", "log_loss").value == pytest.approx(
        log_loss(predictions.y, predictions.p["b"])
    )
    table = evaluation.table()
    assert list(table.columns) == ["model", "metric", "over", "value", "low", "high", "positives"]
    assert set(table["positives"]) == {int(predictions.y.sum())}
    assert len(table) == 2 * 5 * 2
    assert len(evaluation.differences("a")) == 5 * 2


def test_intervals_cover_the_truth():
    """Over 200 samples, 95 % intervals of the Brier score cover its expectation in 90 to 99 % of them."""
    truth = np.random.default_rng(1).beta(1, 4, 150)
    expected = float(np.mean(truth * (1 - truth)))
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ids = [f"{i}" for i in range(150)]
        y = rng.random(150) < truth
        found = evaluate(Predictions(ids, ["f"] * 150, y, {"m": truth}), rng, ["brier"], 300).interval(
            "m", "brier"
        )
        hits += found.low <= expected <= found.high
    assert 180 <= hits <= 198


def test_rows_of_one_customer_are_no_new_evidence():
    one = _predictions(2, folds=1, models=("a",))
    same = [Predictions(one.customer_id, np.full(300, f"f{i}"), one.y, one.p) for i in range(4)]
    width = {}
    for name, predictions in (("one", one), ("four", Predictions.join(same))):
        found = evaluate(predictions, np.random.default_rng(0), ["auc"], 400).interval("a", "auc")
        width[name] = found.high - found.low
    assert width["four"] == pytest.approx(width["one"], rel=1e-9)


def test_differences_are_paired():
    predictions = _predictions(3)
    scores = {"a": predictions.p["a"], "near": np.clip(predictions.p["a"] + 1e-4 * predictions.p["b"], 0, 1)}
    predictions = Predictions(predictions.customer_id, predictions.fold, predictions.y, scores)
    evaluation = evaluate(predictions, np.random.default_rng(0), ["auc"], 300)
    alone, apart = evaluation.interval("a", "auc"), evaluation.difference("a", "near", "auc")
    assert apart.high - apart.low < (alone.high - alone.low) / 50
    assert evaluation.difference("a", "a", "auc") == type(apart)(0.0, 0.0, 0.0)
    assert evaluation.difference("near", "a", "auc").value == -apart.value


def test_a_better_model_is_clear_and_a_seed_repeats():
    predictions = _predictions(4, customers=1000)
    noise = np.random.default_rng(0).random(len(predictions.y))
    predictions = Predictions(
        predictions.customer_id, predictions.fold, predictions.y, {**predictions.p, "none": noise}
    )
    tables = [evaluate(predictions, np.random.default_rng(7), ["auc"], 200) for _ in range(2)]
    assert tables[0].difference("a", "none", "auc", "folds").clear
    assert not tables[0].difference("a", "none", "auc", "folds").low < 0
    assert tables[0].table().equals(tables[1].table())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": {"m": [0.1, np.nan, 0.2, 0.3]}}, "predictions of m: p is NaN or infinite in 1 of 4"),
        ({"p": {"m": [0.1, 1.2, 0.2, 0.3]}}, r"predictions of m: p is outside \[0, 1\] in 1 of 4"),
        ({"p": {}}, "no model"),
        ({"customer_id": ["a", "a", "c", "d"]}, "1 rows repeat a customer"),
        ({"fold": ["f"] * 3}, "fold has shape"),
        ({"y": [0, 1, 0]}, "equal length"),
    ],
)
def test_unusable_predictions_are_refused(change, message):
    good = {
        "customer_id": list("abcd"),
        "fold": ["f"] * 4,
        "y": [0, 1, 0, 1],
        "p": {"m": [0.1, 0.9, 0.2, 0.3]},
    }
    with pytest.raises(InputError, match=message):
        Predictions(**{**good, **change})


def test_folds_of_one_class_unknown_metrics_and_unknown_models_are_refused():
    predictions = Predictions(list("abcd"), list("ffgg"), [0, 1, 0, 0], {"m": [0.1, 0.9, 0.2, 0.3]})
    with pytest.raises(InputError, match="one class only in g"):
        evaluate(predictions, np.random.default_rng(0))
    with pytest.raises(InputError, match="unknown metrics"):
        evaluate(predictions, np.random.default_rng(0), ["accuracy"])
    pooled = evaluate(predictions, np.random.default_rng(0), over=["pooled"])
    with pytest.raises(InputError, match="lack a class"):
        pooled.interval("m", "auc")
    with pytest.raises(InputError, match="was not evaluated"):
        pooled.interval("other", "auc")
    with pytest.raises(InputError, match="no predictions of x"):
        predictions.only("x")
    with pytest.raises(InputError, match="same models"):
        Predictions.join([predictions, Predictions(["z"], ["h"], [1], {"n": [0.2]})])

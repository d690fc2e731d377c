"""Predictions of value are judged by the machinery of all predictions: resampled, paired, refused by name."""

import numpy as np
import pytest

from crm_ml.errors import InputError
from crm_ml.evaluation import value
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.significance import evaluate
from crm_ml.evaluation.value_predictions import ValuePredictions


def _predictions(seed, customers=300, folds=2):
    """Rates of customers known exactly ("a") and with noise ("b"), and counts drawn from them."""
    rng = np.random.default_rng(seed)
    rate = np.repeat(rng.gamma(0.6, 2, customers), folds)
    scores = {"a": rate, "b": rate * rng.lognormal(0, 0.8, len(rate))}
    ids = np.repeat([f"c{i}" for i in range(customers)], folds)
    return ValuePredictions(
        ids, np.tile([f"f{i}" for i in range(folds)], customers), rng.poisson(rate), scores
    )


def test_values_are_those_of_the_plain_metrics():
    predictions = _predictions(0)
    evaluation = evaluate(predictions, np.random.default_rng(0), replicates=20)
    assert evaluation.metrics == tuple(value.METRICS)
    for metric in value.METRICS:
        judge = getattr(value, metric)
        y, p = predictions.y, predictions.p["b"]
        folds = [judge(y[predictions.fold == f], p[predictions.fold == f]) for f in predictions.folds]
        assert evaluation.interval("b", metric).value == pytest.approx(judge(y, p), abs=1e-12)
        assert evaluation.interval("b", metric, "folds").value == pytest.approx(np.mean(folds), abs=1e-12)


def test_a_replicate_is_the_metric_of_the_customers_drawn():
    predictions = _predictions(1, customers=40)
    evaluation = evaluate(predictions, np.random.default_rng(5), replicates=30)
    names, position = np.unique(predictions.customer_id, return_inverse=True)
    rng = np.random.default_rng(5)
    drawn = [np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)) for _ in range(30)]
    for metric in value.METRICS:
        judge = getattr(value, metric)
        expected = [judge(predictions.y, predictions.p["b"], count[position]) for count in drawn]
        np.testing.assert_allclose(evaluation.replicates["b", metric, "pooled"][1:], expected, atol=1e-12)


def test_intervals_cover_the_truth():
    """Over 200 samples, 95 % intervals of the total error of exact rates cover 0 in 90 to 99 % of them."""
    hits = 0
    for seed in range(200):
        predictions = _predictions(seed, customers=200, folds=1)
        found = evaluate(predictions, np.random.default_rng(seed), ["total_error"], 300, ["pooled"])
        interval = found.interval("a", "total_error")
        hits += interval.low <= 0 <= interval.high
    assert 180 <= hits <= 198


def test_differences_are_paired_and_a_better_model_is_clear():
    predictions = _predictions(3, customers=600)
    near = predictions.p["a"] * 1.001
    predictions = ValuePredictions(
        predictions.customer_id, predictions.fold, predictions.y, {**predictions.p, "near": near}
    )
    evaluation = evaluate(predictions, np.random.default_rng(0), replicates=300)
    alone, apart = evaluation.interval("a", "rmse"), evaluation.difference("a", "near", "rmse")
    assert apart.high - apart.low < (alone.high - alone.low) / 50
    assert evaluation.difference("a", "b", "rmse").high < 0
    assert evaluation.difference("a", "b", "normalised_gini").low > 0
    assert len(evaluation.differences("a")) == 2 * len(value.METRICS) * 2


def test_where_only_and_join_keep_the_kind():
    predictions = _predictions(4, customers=20)
    parts = [predictions.where(predictions.fold == fold) for fold in predictions.folds]
    joined = ValuePredictions.join(parts).only("b")
    assert isinstance(joined, ValuePredictions)
    assert joined.models == ("b",)
    assert joined.y.sum() == predictions.y.sum() > 1
    with pytest.raises(InputError, match="same models"):
        ValuePredictions.join([predictions, predictions.only("a")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": {"m": [1, np.nan, 2, 3]}}, "predictions of m: predicted is NaN or infinite in 1 of 4"),
        ({"p": {"m": [1, -2, -1, 3]}}, "predictions of m: predicted is negative in 2 of 4"),
        ({"y": [0, -1, 2, np.inf]}, "y is NaN or infinite in 1 of 4 rows; y is negative in 1 of 4"),
        ({"p": {}}, "no model"),
        ({"customer_id": ["a", "a", "c", "d"]}, "1 rows repeat a customer"),
        ({"fold": ["f"] * 3}, "fold has shape"),
        ({"y": [0, 1, 0]}, "equal length"),
    ],
)
def test_unusable_predictions_are_refused(change, message):
    good = {"customer_id": list("abcd"), "fold": ["f"] * 4, "y": [0, 7.5, 0, 2], "p": {"m": [0, 9, 20, 3]}}
    with pytest.raises(InputError, match=message):
        ValuePredictions(**{**good, **change})


def test_folds_without_purchases_and_metrics_of_the_other_kind_are_refused():
    rows = (list("abcd"), list("ffgg"), [0, 1, 0, 0])
    values = ValuePredictions(*rows, {"m": [0.1, 0.9, 0.2, 0.3]})
    with pytest.raises(InputError, match="no outcome above zero in g; leave it out"):
        evaluate(values, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"unknown metrics .*'auc'.*there are rmse, mae"):
        evaluate(values, np.random.default_rng(0), ["auc"])
    with pytest.raises(InputError, match=r"unknown metrics .*'rmse'.*there are auc"):
        evaluate(Predictions(*rows, values.p), np.random.default_rng(0), ["rmse"])
    pooled = evaluate(values, np.random.default_rng(0), over=["pooled"])
    with pytest.raises(InputError, match=r"m normalised_gini \(pooled\): 3\d% .* an outcome above zero"):
        pooled.interval("m", "normalised_gini")


def test_outcomes_of_one_value_are_judged_where_the_binary_kind_refuses():
    rows = (list("abcd"), list("ffff"), [1, 1, 1, 1])
    binary = Predictions(*rows, {"m": [0.5] * 4})
    with pytest.raises(InputError, match="one class only"):
        evaluate(binary, np.random.default_rng(0), ["brier", "auc"])
    brier = evaluate(binary, np.random.default_rng(0), ["brier"], 20).interval("m", "brier")
    assert str(brier) == "0.2500 [0.2500, 0.2500]"
    found = evaluate(ValuePredictions(*rows, {"m": [0.5] * 4}), np.random.default_rng(0), ["mae"], 20)
    assert str(found.interval("m", "mae")) == "0.5000 [0.5000, 0.5000]"

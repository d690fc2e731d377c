"""Intervals of AUC and average precision where positives are few: wider, and within 0 and 1."""

import numpy as np
import pytest
from scipy.stats import t

from crm_ml.evaluation.metric_intervals import difference_ends, percentile_ends, share_ends
from crm_ml.evaluation.metric_segments import by_segment
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.recommendation import evaluate_lists
from crm_ml.evaluation.significance import evaluate


def shop(rows, positives, seed, gap=1.2):
    rng = np.random.default_rng(seed)
    y = (np.arange(rows) < positives).astype(float)
    score = gap * y + rng.normal(0, 1, rows)
    return Predictions(np.arange(rows), ["june"] * rows, y, {"model": 1 / (1 + np.exp(2 - score))})


def test_ends_are_students_on_the_logit_by_hand():
    """Ten customers, replicates .7 and .9, error .1: sqrt(10 / 9) .1 / (.8 .2) = .6588, t 2.2622."""
    drawn = np.array([0.7, 0.9] * 50)
    low, high = share_ends(0.8, drawn, 10, 0.95)
    half = t.ppf(0.975, 9) * 0.1 * np.sqrt(10 / 9) / 0.16
    logit = np.log(4)
    assert (low, high) == pytest.approx((1 / (1 + np.exp(half - logit)), 1 / (1 + np.exp(-half - logit))))
    assert 0 < low < 0.7
    assert 0.9 < high < 1
    assert difference_ends(0.1, drawn - 0.7, 10, 0.95) == pytest.approx(
        (0.1 - 0.16 * half, 0.1 + 0.16 * half)
    )
    assert difference_ends(0.1, drawn - 0.7, 10, 0.99)[0] < 0.1 - 0.16 * half
    assert share_ends(1e-4, np.array([0.0, 0.3] * 50), 2, 0.95) == (0.0, 1.0)  # no end of exp is reached


def test_a_perfect_order_of_few_is_not_certain():
    """20 of 20 hits: .025^(1 / 20) = .832 (Clopper and Pearson 1934)."""
    assert share_ends(1.0, np.ones(10), 20, 0.95) == pytest.approx((0.8316, 1.0), abs=1e-4)
    assert share_ends(0.0, np.zeros(10), 20, 0.95) == pytest.approx((0.0, 0.1684), abs=1e-4)


def test_only_metrics_of_order_change_and_counts_stand_beside_them():
    predictions = shop(1000, 30, 0)
    judged = evaluate(predictions, np.random.default_rng(0), replicates=200, over=("pooled",))
    assert (judged.positives, judged.rarer) == (30, 30)
    for metric in judged.metrics:
        drawn = judged.replicates["model", metric, "pooled"][1:]
        end, plain = judged.interval("model", metric), percentile_ends(drawn, 0.95)
        assert ((end.low, end.high) == plain) == (metric in ("log_loss", "brier", "ece"))
    few, many = (evaluate(shop(1000, n, 1), np.random.default_rng(0), ["auc"], 200) for n in (970, 500))
    assert (few.rarer, few.positives) == (30, 970)
    assert few.interval("model", "auc").low < many.interval("model", "auc").low


def test_coverage_of_six_positives_in_three_hundred_rows():
    """Binormal scores a gap of 1.2 apart: AUC is Phi(1.2 / sqrt 2) = .8019."""
    held = {"ours": 0, "percentiles": 0}
    for seed in range(60):
        judged = evaluate(shop(300, 6, seed), np.random.default_rng(seed), ["auc"], 100, ("pooled",))
        end = judged.interval("model", "auc")
        held["ours"] += end.low <= 0.8019 <= end.high
        low, high = percentile_ends(judged.replicates["model", "auc", "pooled"][1:], 0.95)
        held["percentiles"] += low <= 0.8019 <= high
    assert held["ours"] >= 0.9 * 60
    assert held["percentiles"] < held["ours"]


def test_lists_without_a_hit_are_not_certain():
    """None of 100 customers: 1 - .025^(1 / 100) = .0362 (Clopper and Pearson 1934)."""
    values = {"model": {"hit_rate": np.zeros(100)}, "all": {"hit_rate": np.ones(100)}}
    judged = evaluate_lists(np.arange(100), values, np.random.default_rng(0), 50, ["hit_rate"])
    none, every = (judged.interval(name, "hit_rate") for name in values)
    assert (none.low, none.high, every.low, every.high) == pytest.approx((0, 0.0362, 0.9638, 1), abs=1e-4)


def test_a_segment_of_one_class_has_the_metrics_that_are_defined():
    table = by_segment(
        shop(60, 30, 0), ["all"] * 30 + ["none"] * 30, "model", np.random.default_rng(0), ["auc", "brier"]
    )
    one = table[table["segment"] == "all"].set_index("metric")["value"]
    assert np.isnan(one["auc"])
    assert 0 < one["brier"] < 1
    assert table["low"].isna().all()

"""Metrics agree with scikit-learn, with ties and weights, and refuse what can't be judged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics
from soak import examples

from crm_ml.errors import InputError
from crm_ml.evaluation import classification
from crm_ml.evaluation.classification import METRICS
from crm_ml.evaluation.ranking import Ranking, Weighted

ORACLES = {
    "auc": sklearn_metrics.roc_auc_score,
    "average_precision": sklearn_metrics.average_precision_score,
    "log_loss": sklearn_metrics.log_loss,
    "brier": sklearn_metrics.brier_score_loss,
}


def _data(seed, tied):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    y = np.append([0, 1], rng.integers(0, 2, n - 2))
    p = rng.integers(1, 20, n) / 20 if tied else rng.uniform(0.01, 0.99, n)
    return y, p, rng.integers(0, 4, n) + rng.random(n)


@pytest.mark.parametrize("metric", ORACLES)
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_metrics_agree_with_scikit_learn(metric, tied, weighted):
    for seed in range(20):
        y, p, weight = _data(seed, tied)
        weight = weight if weighted else None
        ours = getattr(classification, metric)(y, p, weight)
        assert ours == pytest.approx(ORACLES[metric](y, p, sample_weight=weight), abs=1e-12)


def _ece_by_hand(y, p, weight):
    """One score group at a time, no arrays: the convention of the docstring."""
    total, before, bins = float(weight.sum()), 0.0, {}
    for score in sorted(set(p.tolist())):
        mass = float(weight[p == score].sum())
        if mass:
            middle = (before + mass / 2) / total
            bins.setdefault(min(int(np.ceil(middle * 10)) - 1, 9), []).append(score)
        before += mass
    parts = [np.isin(p, scores) for scores in bins.values()]
    return sum(abs((weight * (y - p))[part].sum()) for part in parts) / total


@pytest.mark.parametrize("tied", [True, False])
def test_ece_agrees_with_a_loop_over_score_groups(tied):
    for seed in range(20):
        y, p, weight = _data(seed, tied)
        assert classification.ece(y, p, weight) == pytest.approx(_ece_by_hand(y, p, weight), abs=1e-12)


def test_ece_of_a_perfect_and_a_shifted_forecast():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.6, 200_000)
    y = rng.random(len(p)) < p
    assert classification.ece(y, p) < 0.004
    assert classification.ece(y, p + 0.1) == pytest.approx(0.1, abs=0.004)


@examples(50)
@given(st.integers(0, 10_000), arrays(np.int64, 30, elements=st.integers(0, 5)))
@pytest.mark.parametrize("metric", METRICS)
def test_row_order_does_not_matter_and_a_weight_of_two_is_two_rows(metric, seed, scores):
    rng = np.random.default_rng(seed)
    y, p, weight = np.arange(30) % 2, scores / 5, rng.integers(1, 4, 30)
    judge = getattr(classification, metric)
    order = rng.permutation(30)
    value = judge(y, p, weight)
    assert judge(y[order], p[order], weight[order]) == pytest.approx(value, abs=1e-9)
    assert judge(np.repeat(y, weight), np.repeat(p, weight)) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_many_weightings_at_once_equal_one_at_a_time(metric):
    y, p, _ = _data(3, tied=True)
    weights = np.random.default_rng(1).integers(0, 3, (25, len(y))).astype(float)
    ranking = Ranking.of(y, p)
    together = METRICS[metric](Weighted(ranking, weights[:, ranking.order]))
    alone = [getattr(classification, metric)(y, p, weight) for weight in weights]
    np.testing.assert_allclose(together, alone, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y", "p", "weight", "message"),
    [
        ([0, 1, 1], [0.1, np.nan, np.inf], None, "p is NaN or infinite in 2 of 3 rows"),
        ([0, 1, np.nan], [0.1, 0.2, 0.3], None, "y is NaN or infinite in 1 of 3 rows"),
        ([0, 1, 2], [0.1, 0.2, 0.3], None, "neither 0 nor 1 in 1 of 3"),
        ([0, 1], [0.1, 0.2], [0, 0], "none of 2 rows has a weight above 0"),
        ([0, 1], [0.1, 0.2], [1, -1], "negative in 1 of 2"),
        ([0, 1], [0.1, 0.2], [1, 1, 1], "weight has shape"),
        ([0, 1], [0.1], None, "equal length"),
        ([], [], None, "equal length"),
        ([0, 1], ["a", "b"], None, "no numbers"),
    ],
)
def test_unusable_input_is_refused_by_name(metric, y, p, weight, message):
    with pytest.raises(InputError, match=message):
        getattr(classification, metric)(y, p, weight)


@pytest.mark.parametrize(
    ("metric", "y", "value"),
    [
        ("auc", [0, 0], "no row of class 1 among 2"),
        ("auc", [1, 1], "no row of class 0 among 2"),
        ("average_precision", [0, 0], "no row of class 1 among 2"),
        ("average_precision", [1, 1], 1.0),
        ("brier", [0, 0], (0.01 + 0.09) / 2),
        ("brier", [1, 1], (0.81 + 0.49) / 2),
        ("log_loss", [0, 0], -(np.log(0.9) + np.log(0.7)) / 2),
        ("log_loss", [1, 1], -(np.log(0.1) + np.log(0.3)) / 2),
        ("ece", [0, 0], 0.2),
        ("ece", [1, 1], 0.8),
    ],
)
def test_one_class_has_the_metrics_that_are_defined_for_it(metric, y, value):
    if isinstance(value, str):
        with pytest.raises(InputError, match=value):
            getattr(classification, metric)(y, [0.1, 0.3])
        with pytest.raises(InputError, match="no row of class"):
            getattr(classification, metric)([0, 1], [0.1, 0.3], [1 - y[0], y[0]])
    else:
        assert getattr(classification, metric)(y, [0.1, 0.3]) == pytest.approx(value)


@pytest.mark.parametrize("metric", sorted(classification.OF_PROBABILITIES))
def test_scores_that_are_no_probabilities_are_refused(metric):
    with pytest.raises(InputError, match=r"outside \[0, 1\] in 1 of 2"):
        getattr(classification, metric)([0, 1], [0.5, 1.5])
    assert classification.auc([0, 1], [0.5, 1.5]) == 1.0

"""The rules and the linear baseline learn what they say."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import InputError
from crm_ml.models.logistic import Logistic
from crm_ml.models.model import create
from crm_ml.models.one_feature_rule import OneFeatureRule
from crm_ml.models.shrunk_rate import ShrunkRate


def test_the_recency_rule_recovers_the_churn_curve():
    rng = np.random.default_rng(0)
    days = rng.integers(1, 57, 40_000)
    true = days / 100
    X = pd.DataFrame({"rfm_days_since_order": days.astype(float)})
    rule = create("recency_rule").fit(X, rng.random(len(days)) < true)
    curve = rule.expected(pd.DataFrame({"rfm_days_since_order": np.arange(1.0, 57)}))
    assert (np.diff(curve) >= 0).all()
    np.testing.assert_allclose(curve, np.arange(1, 57) / 100, atol=0.05)


def test_rows_without_a_usual_gap_get_the_rate_of_such_rows():
    share = np.array([0.5] * 100 + [3.0] * 100 + [np.nan] * 100)
    y = np.array([0] * 90 + [1] * 10 + [0] * 40 + [1] * 60 + [0] * 70 + [1] * 30)
    rule = create("cadence_rule").fit(pd.DataFrame({"cadence_gap_share": share}), y)
    p = rule.expected(pd.DataFrame({"cadence_gap_share": [0.1, 0.5, 3.0, 99.0, np.nan]}))
    np.testing.assert_allclose(p, [0.1, 0.1, 0.6, 0.6, 0.3], atol=0.002)


def test_a_rule_without_values_is_refused():
    with pytest.raises(InputError, match="rows with a value are of one class only"):
        create("cadence_rule").fit(pd.DataFrame({"cadence_gap_share": [np.nan] * 4}), [0, 1, 0, 1])


def test_the_linear_baseline_agrees_with_a_scikit_learn_pipeline():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.lognormal(2, 1, 3000), "b": -rng.lognormal(1, 1, 3000)})
    y = rng.random(3000) < 1 / (1 + np.exp(-0.5 * np.log1p(X["a"]) + 1.5))
    bent = np.column_stack([np.log1p(X["a"]), -np.log1p(-X["b"])])
    scaled = np.clip(StandardScaler().fit_transform(bent), -5, 5)
    oracle = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8).fit(scaled, y)
    ours = Logistic(strength=0.1).fit(X, y).expected(X)
    np.testing.assert_allclose(ours, oracle.predict_proba(scaled)[:, 1], atol=1e-3)


def test_missing_and_unseen_levels_share_one_weight():
    rng = np.random.default_rng(0)
    town = rng.choice(np.array(["Ulm", "Jena", None], dtype=object), 3000)
    y = rng.random(3000) < np.select([town == "Ulm", town == "Jena"], [0.1, 0.3], 0.7)
    X = pd.DataFrame({"town": town, "noise": rng.normal(size=3000)})
    model = Logistic(strength=1.0).fit(X, y)
    p = model.expected(pd.DataFrame({"town": ["Ulm", "Jena", None, "Atlantis"], "noise": 0.0}))
    np.testing.assert_allclose(p, [0.1, 0.3, 0.7, 0.7], atol=0.04)
    assert p[2] == p[3]


def test_one_absurd_amount_does_not_rule_the_others():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"paid_cents": rng.lognormal(8, 1, 2000), "days": rng.normal(size=2000)})
    y = rng.random(2000) < 1 / (1 + np.exp(-X["days"]))
    calm = Logistic().fit(X, y).expected(X)
    X.loc[0, "paid_cents"] = 1e15
    assert np.abs(Logistic().fit(X, y).expected(X) - calm)[1:].max() < 0.03


def people_of_a_beta_binomial(a, b, n=6000, seed=4):
    """Customers who answer with a probability of their own, drawn from Beta(a, b)."""
    rng = np.random.default_rng(seed)
    p, sent = rng.beta(a, b, n), rng.integers(0, 9, n)
    X = pd.DataFrame({"history_sent": sent, "history_answered": rng.binomial(sent, p)}, dtype=float)
    return X, (rng.random(n) < p).astype(int)


def test_the_shrunk_rate_recovers_the_prior_of_a_beta_binomial():
    X, y = people_of_a_beta_binomial(1.0, 4.0)
    rule = ShrunkRate().fit(X, y)
    assert rule.mean_ == pytest.approx(0.2, abs=0.015)
    assert 3.5 < rule.strength_ < 7.5  # a + b = 5
    new, loyal = rule.expected(pd.DataFrame({"history_sent": [0.0, 8.0], "history_answered": [0.0, 8.0]}))
    assert new == pytest.approx(rule.mean_)
    assert loyal == pytest.approx((rule.strength_ * rule.mean_ + 8) / (rule.strength_ + 8))


def test_a_history_that_says_nothing_is_shrunk_away():
    X, _ = people_of_a_beta_binomial(1.0, 4.0)
    y = (np.random.default_rng(5).random(len(X)) < 0.2).astype(int)
    p = ShrunkRate().fit(X, y).expected(X)
    assert p.max() - p.min() < 0.06  # 1 without shrinkage; a strength above 100


def test_counts_that_are_none_are_refused_by_name():
    X, y = people_of_a_beta_binomial(1.0, 4.0, n=200)
    with pytest.raises(InputError, match="negative counts in history_answered"):
        ShrunkRate().fit(X.assign(history_answered=-1.0), y)
    with pytest.raises(InputError, match="missing: gifts"):
        ShrunkRate(sent="gifts").fit(X, y)


def test_a_rule_on_one_feature_learns_its_direction():
    rng = np.random.default_rng(6)
    x = rng.random(2000)
    for sign in (1, -1):
        X = pd.DataFrame({"share": sign * x})
        p = OneFeatureRule(column="share").fit(X, (rng.random(2000) < x).astype(int)).expected(X)
        assert np.corrcoef(p, x)[0, 1] > 0.95

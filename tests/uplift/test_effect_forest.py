"""Intervals of single effects hold a known truth, and the forest behind them is honest and whole."""

import numpy as np
import pandas as pd
import pytest
import scripts

from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.models import model_folder
from crm_ml.uplift import EffectForest
from crm_ml.uplift.honest_forest import HonestForest

SMALL = {"outcome_options": {"min_data_in_leaf": 20, "lambda_l2": 5.0, "rounds": 60}, "num_threads": 1}


def two_steps(rows, rng):
    two_steps = scripts.plain("004_uplift/nie_wager_settings.py").two_steps
    return two_steps(2)(rows, rng)


def fitted(rows, **options):
    return EffectForest(**SMALL, **options).fit(
        rows.X, rows.y, treatment=rows.treatment, treatment_probability=0.5
    )


@pytest.fixture(scope="module")
def forest():
    return fitted(two_steps(2_000, np.random.default_rng(0)))


def test_intervals_hold_the_true_effect_of_new_rows(forest):
    now = two_steps(1_000, np.random.default_rng(1))
    ends = forest.predict_interval(now.X)
    held = (ends["low"] <= now.effect) & (now.effect <= ends["high"])
    assert 0.88 < held.mean() < 0.995
    assert (ends["high"] - ends["low"]).mean() < 2 * now.effect.std()  # not by being endless
    np.testing.assert_array_equal(ends["effect"], forest.predict(now.X))


def test_a_lower_level_has_narrower_intervals_around_the_same_effect(forest):
    X = two_steps(50, np.random.default_rng(2)).X
    wide, narrow = forest.predict_interval(X), forest.predict_interval(X, level=0.5)
    ratio = (narrow["high"] - narrow["low"]) / (wide["high"] - wide["low"])
    np.testing.assert_allclose(ratio, 0.67449 / 1.95996, rtol=1e-5)
    np.testing.assert_array_equal(narrow["effect"], wide["effect"])


def test_standard_errors_are_those_of_repeated_trials():
    """The deviation of the predictions over further draws is what one forest says of itself."""
    points = np.random.default_rng(3).uniform(size=(200, 2))
    found, said = [], []
    for seed in range(12):
        rng = np.random.default_rng([4, seed])
        X = rng.uniform(size=(600, 2))
        y = X[:, 0] + rng.standard_normal(600)
        mean, error = HonestForest(bags=100).fit(X, y).expected_with_errors(points)
        found.append(mean)
        said.append(error**2)
    ratio = np.mean(said) / np.var(found, axis=0, ddof=1).mean()
    assert 0.6 < ratio < 1.6


def test_no_leaf_answers_for_the_noise_that_made_its_split():
    rng = np.random.default_rng(5)
    X, y = rng.uniform(size=(400, 5)), rng.standard_normal(400)
    forest = HonestForest(bags=60, min_data_in_leaf=20).fit(X, y)
    mean, error = forest.expected_with_errors(rng.uniform(size=(400, 5)))
    assert mean.std() < 0.08 * y.std()  # .14 where the rows that find the splits give the values too
    assert (np.abs(mean) < 3 * error).mean() > 0.9


def test_customers_not_rows_are_drawn():
    """Ten copies of each row say no more than one: the errors of the forest must not shrink."""
    rng = np.random.default_rng(6)
    X, y = pd.DataFrame(rng.uniform(size=(200, 2)), columns=["a", "b"]), rng.standard_normal(200)
    ids = pd.Index([f"c{n}" for n in range(200)], name="customer_id")
    once = HonestForest(bags=60).fit(X.set_index(ids), y)
    again = pd.concat([X.set_index(ids)] * 10)
    ten = HonestForest(bags=60, min_data_in_leaf=30).fit(again, np.tile(y, 10))
    alone = HonestForest(bags=60, min_data_in_leaf=30).fit(again.reset_index(drop=True), np.tile(y, 10))
    errors = [each.expected_with_errors(X)[1].mean() for each in (once, ten, alone)]
    assert errors[1] > 0.7 * errors[0]
    assert errors[2] < 0.7 * errors[0]


def test_missing_values_go_where_they_went_in_training():
    rng = np.random.default_rng(7)
    X = pd.DataFrame(
        {"a": np.where(rng.random(2_000) < 0.3, np.nan, rng.random(2_000)), "b": rng.random(2_000)}
    )
    y = X["a"].isna() * 2.0 + 0.1 * rng.standard_normal(2_000)
    mean = HonestForest(bags=10).fit(X, y).expected(X)
    assert mean[X["a"].isna()].mean() == pytest.approx(2, abs=0.1)
    assert mean[X["a"].notna()].mean() == pytest.approx(0, abs=0.1)


def test_a_damaged_tree_is_refused(tmp_path):
    rng = np.random.default_rng(8)
    forest = HonestForest(bags=2).fit(rng.random((60, 2)), rng.random(60))
    for name, array, value in (
        ("circle", "left", 0),
        ("outside", "right", 10**6),
        ("no feature", "feature", 7),
    ):
        spoiled = forest.nodes_._asdict()
        spoiled[array] = spoiled[array].copy()
        spoiled[array][0] = value
        whole, forest.nodes_ = forest.nodes_, type(forest.nodes_)(**spoiled)
        model_folder.save(forest, tmp_path / name, "uplift")
        forest.nodes_ = whole
        with pytest.raises(IntegrityError, match="a node points to none of its trees; train the model again"):
            model_folder.load(tmp_path / name)
    forest.nodes_ = forest.nodes_._replace(value=forest.nodes_.value[1:])
    model_folder.save(forest, tmp_path / "short", "uplift")
    with pytest.raises(IntegrityError, match="its arrays are not 8 trees"):
        model_folder.load(tmp_path / "short")


def test_wrong_questions_are_refused(forest):
    X = two_steps(5, np.random.default_rng(9)).X
    with pytest.raises(InputError, match=r"level is 95; it must lie within 0 and 1, such as 0\.95"):
        forest.predict_interval(X, level=95)
    with pytest.raises(InputError, match="arm 2 was not in training; there are 1"):
        forest.predict_interval(X, 2)
    with pytest.raises(InputError, match="is not fitted"):
        EffectForest().predict_interval(X)
    with pytest.raises(InputError, match="bags is 1; at least 2; features is 2; above 0, at most 1"):
        EffectForest(effect_options={"bags": 1, "features": 2.0})
    with pytest.raises((ConfigError, TypeError)):
        EffectForest(effect_options={"rounds": 3})

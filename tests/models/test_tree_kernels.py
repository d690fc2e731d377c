"""Compiled trees predict what LightGBM predicts, to the bit, whatever text the check lets through."""

from dataclasses import replace
from itertools import pairwise

import lightgbm
import numpy as np
import pytest
from random_trees import FEATURES, SIZES, text_of_trees, values

from crm_ml.models import booster_scores, tree_steps
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.models.tree_codes import BY_NAN, BY_ZERO
from crm_ml.models.tree_steps import steps_of


def by_lightgbm(booster, X):
    return booster.booster.predict(X, raw_score=True, num_threads=1)


@pytest.fixture(autouse=True)
def always_compiled(monkeypatch):
    monkeypatch.setattr(booster_scores, "COMPILED_ROWS", 1)
    monkeypatch.setattr(tree_steps, "MOST_STEPS", 4_096)


@pytest.mark.parametrize("seed", range(12))
def test_random_trees_predict_what_lightgbm_predicts_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    text = text_of_trees(rng, rng.choice(SIZES, rng.integers(1, 25)), average=seed % 3 == 0)
    booster = booster_of(text, FEATURES, "random trees")
    X = values(rng, booster.trees, 700)
    assert steps_of(booster.trees) is not None
    np.testing.assert_array_equal(booster.margin(X, 1), by_lightgbm(booster, X), strict=True)
    np.testing.assert_array_equal(booster.margin(np.asfortranarray(X), 2), by_lightgbm(booster, X))
    single = np.clip(X, -1e38, 1e38).astype(np.float32)
    np.testing.assert_array_equal(booster.margin(single, 1), by_lightgbm(booster, single))


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "binary", "sigmoid": 0.7, "num_leaves": 255, "min_data_in_leaf": 1},
        {"objective": "regression", "zero_as_missing": True},
        {"objective": "regression", "use_missing": False, "reg_sqrt": True, "max_bin": 1000},
        {"objective": "tweedie", "boosting": "dart", "extra_trees": True},
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"objective": "binary"},
        {"objective": "lambdarank", "num_leaves": 64, "min_data_in_leaf": 5},
    ],
)
def test_trained_boosters_predict_what_lightgbm_predicts_to_the_bit(options):
    rng = np.random.default_rng(3)
    n = 4_000
    X = np.column_stack([rng.normal(size=(n, 3)).round(3), rng.integers(0, 90, (n, 2)), rng.poisson(1, n)])
    X[rng.random(X.shape) < 0.2] = np.nan
    y = (np.nan_to_num(X[:, 0]) + (np.nan_to_num(X[:, 3]) % 7 < 3) + rng.normal(size=n) > 0.5).astype(float)
    data = lightgbm.Dataset(X, y, categorical_feature=[3, 4], group=[100] * 40, free_raw_data=False)
    trained = lightgbm.train(
        {"verbosity": -1, "num_threads": 1, "min_data_per_group": 5, **options}, data, 12
    )
    booster = booster_of(text_of(trained), FEATURES, "trained")
    assert steps_of(booster.trees) is not None
    np.testing.assert_array_equal(booster.margin(X, 1), trained.predict(X, raw_score=True))
    np.testing.assert_array_equal(booster.prediction(X, 1), trained.predict(X))


def test_a_row_has_the_same_margin_alone_in_any_part_and_on_any_thread():
    rng = np.random.default_rng(5)
    booster = booster_of(text_of_trees(rng, SIZES), FEATURES, "trees")
    X = values(rng, booster.trees, 1_111)
    together = booster.margin(X, 3)
    for ends in (range(1_000, 1_111), (0, 256, 257, 600, 1_111)):
        parts = [booster.margin(X[start:end], 1) for start, end in pairwise(ends)]
        np.testing.assert_array_equal(np.concatenate(parts), together[ends[0] : ends[-1]])


def test_what_the_kernel_does_not_take_lightgbm_predicts(monkeypatch):
    rng = np.random.default_rng(6)
    booster = booster_of(text_of_trees(rng, (200, 33)), FEATURES, "trees")
    X = values(rng, booster.trees, 300)
    expected = by_lightgbm(booster, X)
    for name in ("MOST_STEPS", "_MOST_CODES", "_MOST_WORDS"):
        with monkeypatch.context() as patch:
            patch.setattr(tree_steps, name, 2)
            assert steps_of(booster.trees) is None
            np.testing.assert_array_equal(replace(booster).margin(X, 1), expected)


def test_columns_of_more_than_256_codes_have_wider_ones():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(3_000, 2))
    X[::9, 1] = np.nan
    options = {"objective": "regression", "max_bin": 2000, "num_leaves": 100, "min_data_in_leaf": 1}
    data = lightgbm.Dataset(X, np.sin(9 * X[:, 0]) + X[:, 1] ** 2 + (X[:, 0] > 0))
    booster = booster_of(text_of(lightgbm.train({**options, "verbosity": -1}, data, 20)), 2, "wide")
    steps = steps_of(booster.trees)
    assert steps is not None and steps.low.dtype == np.uint16 and steps.counts.max() > 256
    assert set(steps.missing.tolist()) <= {0, BY_ZERO, BY_NAN}
    np.testing.assert_array_equal(booster.margin(X, 1), by_lightgbm(booster, X))

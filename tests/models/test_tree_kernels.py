"""Compiled trees predict what LightGBM predicts, to the bit, whatever text the check lets through."""

from dataclasses import replace
from itertools import pairwise

import lightgbm
import numpy as np
import pytest

from crm_ml.models import booster_scores, tree_steps
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.models.tree_steps import BY_NAN, BY_ZERO, ZERO, steps_of

FEATURES = 6
SPECIAL = (0.0, -0.0, 5e-324, -5e-324, 1e-35, ZERO, np.nextafter(ZERO, 1), -ZERO, 1.0, 1e300)
SIZES = (1, 1, 2, 3, 7, 31, 32, 33, 64, 65, 200)


def text_of_trees(rng, sizes, average=False):
    """A text as LightGBM writes it, of trees with so many leaves that are random in all else."""
    trees = [tree(rng, number, leaves) for number, leaves in enumerate(sizes)]
    head = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={FEATURES - 1}", "objective=binary sigmoid:1", *["average_output"] * average,
        "feature_names=" + " ".join(f"f{n}" for n in range(FEATURES)),
        "feature_infos=" + " ".join(["[0:1]"] * FEATURES),
        "tree_sizes=" + " ".join(str(len(each)) for each in trees), "", "",
    ]  # fmt: skip
    return "\n".join(head) + "".join(trees) + "end of trees\n\nfeature_importances:\n\n"


def tree(rng, number, leaves):
    """The lines of one tree: children behind their parents, three kinds of missing values, and categories."""
    nodes = leaves - 1
    left, right, above = [], [], {0: None}
    for node in range(nodes):
        leaf = int(rng.integers(node + 1)) if rng.random() < 0.6 else node  # a chain, now and then
        if above[leaf] is not None:
            side, parent = above[leaf]
            side[parent] = node
        left.append(-1 - leaf)
        right.append(-2 - node)
        above[leaf], above[node + 1] = (left, node), (right, node)
    kinds = rng.choice([0, 2, 4, 6, 8, 10, 1, 9], nodes)
    thresholds, bounds, words = [], [0], []
    for kind in kinds:
        if kind & 1:
            thresholds.append(str(len(bounds) - 1))
            words += rng.integers(0, 2**32, rng.integers(1, 4)).tolist() if rng.random() < 0.9 else [0]
            bounds.append(len(words))
        else:
            drawn = rng.choice([*SPECIAL, np.inf]) if rng.random() < 0.3 else rng.normal() * 3
            thresholds.append(f"{drawn:.17g}")

    def line(name, values):
        return f"{name}={' '.join(map(str, values))}"

    ones, weights = [1] * nodes, [1] * leaves
    lines = [
        f"Tree={number}", f"num_leaves={leaves}", f"num_cat={len(bounds) - 1}",
        line("split_feature", rng.integers(0, FEATURES, nodes)), line("split_gain", ones),
        line("threshold", thresholds), line("decision_type", kinds),
        line("left_child", left), line("right_child", right),
        line("leaf_value", (f"{value:.17g}" for value in rng.normal(size=leaves))),
        line("leaf_weight", weights if nodes else []), line("leaf_count", weights if nodes else [0]),
        line("internal_value", ones), line("internal_weight", ones), line("internal_count", ones),
        *([line("cat_boundaries", bounds), line("cat_threshold", words)] if words else []),
        "is_linear=0", "shrinkage=1", "", "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def values(rng, trees, rows):
    """Thresholds and their neighbours, categories and what is none, zeros of all kinds, nothing, and inf."""
    thresholds = trees.threshold[np.isfinite(trees.threshold)]
    near = np.concatenate([thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)])
    categories = np.concatenate([np.arange(-2, 100), [0.5, -0.5, 2.0**31, -(2.0**31), 2.0**40, 31.9]])
    others = [*SPECIAL, *np.negative(SPECIAL), np.nan, np.nan, np.nan, np.inf, -np.inf]
    draws = np.stack([rng.choice(each, (rows, FEATURES)) for each in (near, categories, others)])
    return rng.permuted(draws, axis=0)[0]


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

"""Contributions of features: LightGBM's own, and Shapley values worked out from all coalitions."""

from itertools import combinations, pairwise
from math import factorial

import lightgbm
import numpy as np
import pytest
from random_trees import FEATURES, SIZES, text_of_trees, values

from crm_ml.models import leaf_groups
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.models.leaf_groups import base_of, groups_of


def by_lightgbm(booster, X):
    return booster.booster.predict(X, pred_contrib=True, num_threads=1)


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_random_trees_contribute_what_lightgbm_says(seed, trained):
    """Nodes that treat what is missing of a feature in several ways are left to LightGBM."""
    rng = np.random.default_rng(seed)
    text = text_of_trees(rng, [31, *rng.choice(SIZES, rng.integers(1, 25))], trained=trained)
    booster = booster_of(text, FEATURES, "random trees")
    X = values(rng, booster.trees, 500)
    assert (groups_of(booster.trees) is not None) == trained
    np.testing.assert_allclose(booster.contributions(X, 1), by_lightgbm(booster, X), rtol=0, atol=1e-10)


@pytest.mark.parametrize("most", [1, 64, 8_192])
@pytest.mark.parametrize(
    "options",
    [
        {"objective": "binary", "num_leaves": 63, "min_data_in_leaf": 1},
        {"objective": "regression", "zero_as_missing": True},
        {"objective": "regression", "use_missing": False, "reg_sqrt": True, "max_bin": 1000},
        {"objective": "tweedie", "boosting": "dart", "extra_trees": True},
        {"objective": "lambdarank", "num_leaves": 64, "min_data_in_leaf": 5},
    ],
)
def test_trained_boosters_contribute_what_lightgbm_says(options, most, monkeypatch):
    """Groups of one leaf, of some, and of as many as are made."""
    monkeypatch.setattr(leaf_groups, "MOST_CASES", most)
    X, trained = train(options)
    booster = booster_of(text_of(trained), FEATURES, "trained")
    groups = groups_of(booster.trees)
    assert groups is not None
    assert (len(groups.cases) == len(groups.value)) == (most == 1)
    found = booster.contributions(X, 2)
    np.testing.assert_allclose(found, by_lightgbm(booster, X), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), booster.margin(X, 1), rtol=0, atol=1e-10)


def train(options, n=2_000):
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.normal(size=(n, 3)).round(3), rng.integers(0, 90, (n, 2)), rng.poisson(1, n)])
    X[rng.random(X.shape) < 0.2] = np.nan
    y = (np.nan_to_num(X[:, 0]) + (np.nan_to_num(X[:, 3]) % 7 < 3) + rng.normal(size=n) > 0.5).astype(float)
    data = lightgbm.Dataset(X, y, categorical_feature=[3, 4], group=[100] * (n // 100), free_raw_data=False)
    settings = {"verbosity": -1, "num_threads": 1, "min_data_per_group": 5, **options}
    return X, lightgbm.train(settings, data, 12)


def test_contributions_are_the_shapley_values_of_all_coalitions():
    """The value of a coalition: the others' nodes send a row both ways, by the training rows."""
    X, trained = train({"objective": "regression", "num_leaves": 12})
    booster = booster_of(text_of(trained), FEATURES, "trained")
    trees = trained.dump_model()["tree_info"]
    for row in X[:6]:
        value = {
            chosen: sum(mean(tree["tree_structure"], row, chosen) for tree in trees)
            for size in range(FEATURES + 1)
            for chosen in combinations(range(FEATURES), size)
        }
        shapley = [
            sum(
                factorial(len(others)) * factorial(FEATURES - 1 - len(others)) / factorial(FEATURES)
                * (value[tuple(sorted((*others, feature)))] - value[others])
                for others in value
                if feature not in others
            )
            for feature in range(FEATURES)
        ]  # fmt: skip
        np.testing.assert_allclose(booster.contributions(row[None], 1)[0], [*shapley, value[()]], atol=1e-12)
    assert base_of(booster.trees) == pytest.approx(value[()], abs=1e-12)


def mean(node, row, chosen):
    """What a tree predicts in the mean of a row of which only some features are known."""
    if "leaf_value" in node:
        return node["leaf_value"]
    below = [node["left_child"], node["right_child"]]
    if node["split_feature"] in chosen:
        return mean(below[not goes_left(node, row[node["split_feature"]])], row, chosen)
    rows = [child.get("leaf_count", child.get("internal_count")) for child in below]
    return float(np.average([mean(child, row, chosen) for child in below], weights=rows))


def goes_left(node, value):
    if node["decision_type"] == "==":
        return not np.isnan(value) and str(int(value)) in node["threshold"].split("||")
    if np.isnan(value):
        return node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
    return value <= node["threshold"]


def test_a_row_has_the_same_contributions_alone_in_any_part_and_on_any_thread():
    X, trained = train({"objective": "binary"})
    booster = booster_of(text_of(trained), FEATURES, "trained")
    together = booster.contributions(X, 3)
    for ends in (range(900, 950), (0, 256, 257, 600, 2_000)):
        parts = [booster.contributions(X[start:end], 1) for start, end in pairwise(ends)]
        np.testing.assert_array_equal(np.concatenate(parts), together[ends[0] : ends[-1]])
    assert booster.contributions(X[:0], 1).shape == (0, FEATURES + 1)


def test_what_the_tables_do_not_take_lightgbm_explains(monkeypatch):
    X, trained = train({"objective": "binary"})
    expected = trained.predict(X, pred_contrib=True)
    for name in ("MOST_FEATURES", "_MOST_CODES", "_MOST_WORDS", "_MOST_TABLES"):
        with monkeypatch.context() as patch:
            patch.setattr(leaf_groups, name, 2)
            booster = booster_of(text_of(trained), FEATURES, "trained")
            assert groups_of(booster.trees) is None
            np.testing.assert_array_equal(booster.contributions(X, 1), expected)

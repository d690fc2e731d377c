"""Settings follow the rows by a validation within training, and the choice stands beside the model."""

import numpy as np
import pandas as pd
import pytest

from crm_ml.models.model import create
from crm_ml.models.training_rows import TrainingRows
from crm_ml.models.tree_settings import PLAIN, set_aside


def _rows(sharp, n=2000, seed=0):
    """Four features; a sharp outcome is told by cells of two of them, which few leaves can't say."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((n, 4)), columns=list("abcd"), index=pd.RangeIndex(n, name="customer_id"))
    cell = (np.floor(X["a"] * 6) + np.floor(X["b"] * 6)) % 2
    return X, pd.Series((rng.random(n) < (0.05 + 0.9 * cell if sharp else 0.4)).astype(int), index=X.index)


@pytest.fixture(scope="module")
def sharp():
    X, y = _rows(sharp=True)
    return X, y, {name: create(name).fit(X, y) for name in ("blend", "gradient_boosting", "plain_lightgbm")}


def test_full_trees_are_taken_where_they_are_better(sharp):
    X, _, models = sharp
    choice = models["gradient_boosting"].choice_
    assert (choice.settings, choice.gain > 5 * choice.error) == ("plain", True)
    assert np.array_equal(models["gradient_boosting"].expected(X), models["plain_lightgbm"].expected(X))
    assert models["blend"].choice_.settings == "plain alone"  # a line says nothing of cells
    assert np.array_equal(models["blend"].expected(X), models["plain_lightgbm"].expected(X))


@pytest.mark.parametrize("name", ["blend", "gradient_boosting"])
def test_a_choice_is_kept_with_the_model(sharp, name, tmp_path):
    X, _, models = sharp
    models[name].save(tmp_path)
    loaded = type(models[name]).load(tmp_path)
    assert loaded.choice_ == models[name].choice_
    assert np.array_equal(loaded.expected(X), models[name].expected(X))


def test_settings_stay_where_nothing_is_gained():
    X, y = _rows(sharp=False)
    model = create("gradient_boosting").fit(X, y)
    assert (model.choice_.settings, model.choice_.gain < 0) == ("regularised", True)
    assert np.array_equal(
        model.expected(X), create("gradient_boosting", choose_settings=False).fit(X, y).expected(X)
    )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gradient_boosting", {"num_leaves": 8}),
        ("gradient_boosting", {"params": {"max_depth": 3}}),
        ("gradient_boosting", {"objective": "regression", "rounds": 20}),
        ("blend", {"rounds": 20}),
        ("plain_lightgbm", {}),
    ],
)
def test_what_is_declared_is_not_chosen(name, options):
    X, y = _rows(sharp=True, n=400)
    assert create(name, **options).fit(X, y).choice_ is None


def test_few_answers_choose_nothing():
    X, y = _rows(sharp=True)
    y = pd.Series((np.arange(len(y)) % 100 == 0).astype(int), index=y.index)
    choice = create("gradient_boosting").fit(X, y).choice_
    assert (choice.settings, choice.gain, choice.error) == ("regularised", None, None)


@pytest.mark.parametrize("name", ["blend", "gradient_boosting"])
def test_rows_without_weight_judge_nothing(name):
    X, y = _rows(sharp=False, n=300)
    weight = (~set_aside(X.index)[1]).astype(float)
    assert create(name).fit(X, y, weight).choice_.gain is None


def test_dated_rows_are_judged_by_the_newest_days_of_other_customers():
    days, ids = [f"2024-0{month}-01" for month in range(1, 7)], [f"c{number}" for number in range(200)]
    index = pd.MultiIndex.from_product([days, ids], names=["fold", "customer_id"])
    fits, judges = set_aside(index)
    assert set(index[judges].get_level_values(0)) == set(days[-2:])
    assert set(index[fits].get_level_values(0)) == set(days[:-2])
    assert not set(index[fits].get_level_values(1)) & set(index[judges].get_level_values(1))
    shares = {
        name: mask.mean() for name, mask in zip(("fits", "judges"), set_aside(index[:200]), strict=True)
    }
    assert shares["fits"] + shares["judges"] == 1  # a day alone can't be split by time
    kinds = pd.MultiIndex.from_product([["TypeA", "TypeB"], ids], names=["fold", "customer_id"])
    assert set(kinds[set_aside(kinds)[0]].get_level_values(0)) == {"TypeA", "TypeB"}


def test_of_many_rows_a_part_of_the_customers_is_used(monkeypatch):
    monkeypatch.setattr("crm_ml.models.tree_settings.MOST_ROWS", 100)
    fits, judges = set_aside(pd.Index([f"c{number}" for number in range(1000)]))
    assert 60 < fits.sum() + judges.sum() < 140


def test_plain_lightgbm_is_lightgbm_with_its_own_defaults():
    import lightgbm

    X, y = _rows(sharp=True, n=500)
    rows = TrainingRows.of("binary", X, y)
    fixed = {"verbosity": -1, "deterministic": True, "force_col_wise": True, "num_threads": 1}
    data = lightgbm.Dataset(rows.matrix, rows.y)
    direct = lightgbm.train({"objective": "binary", **fixed}, data, num_boost_round=PLAIN["rounds"])
    assert np.array_equal(create("plain_lightgbm").fit(X, y).expected(X), direct.predict(X[sorted(X)]))

"""Reasons sum to the margin, categories are ours, and the folder holds nothing that runs."""

import logging

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from crm_ml.churn import churn_pyfunc
from crm_ml.errors import ConfigError, InputError, IntegrityError
from crm_ml.models import model_folder
from crm_ml.models.category_map import CategoryMap
from crm_ml.models.encoding import Encoding
from crm_ml.models.gradient_boosting import GradientBoosting


@pytest.fixture(scope="module")
def model(data):
    X, y, _ = data
    return GradientBoosting(rounds=40, n_seeds=2).fit(X, y)


def test_contributions_sum_to_the_margin(model, data):
    X = data[0].iloc[:300]
    contributions = model.contributions(X)
    assert contributions.columns[-1] == "base"
    np.testing.assert_allclose(contributions.sum(axis=1), model.margin(X), atol=1e-9)
    np.testing.assert_allclose(model.margin(X), logit(model.expected(X)), atol=1e-9)


def test_reasons_are_the_largest_contributions_of_the_rows_given(model, data):
    X = data[0].iloc[[5, 2, 9]]
    reasons = model.reasons(X, top=2)
    contributions = model.contributions(X).drop(columns="base")
    assert reasons["rank"].tolist() == [1, 2] * 3
    assert reasons.index[::2].tolist() == X.index.tolist()
    assert reasons["feature"].iloc[0] == contributions.iloc[0].abs().idxmax()
    assert reasons["contribution"].iloc[2] == contributions.iloc[1][reasons["feature"].iloc[2]]
    assert (
        reasons["contribution"].abs().to_numpy()[::2] >= reasons["contribution"].abs().to_numpy()[1::2]
    ).all()
    raising = model.reasons(X, top=2, raising=True)
    assert (raising["contribution"] > 0).all()
    assert model.reasons(X.iloc[:0]).empty


def test_seeds_are_averaged_and_differ(data):
    X, y, _ = data
    margins = [GradientBoosting(rounds=20, seed=seed).fit(X, y).margin(X) for seed in (0, 1000)]
    both = GradientBoosting(rounds=20, n_seeds=2).fit(X, y).margin(X)
    assert not np.array_equal(*margins)
    np.testing.assert_allclose(both, np.mean(margins, axis=0), atol=1e-12)


def test_constant_and_null_columns_are_dropped_and_logged(data, caplog):
    X, y, _ = data
    sometimes = np.where(X["rfm_orders_28d"] > 2, 1.0, np.nan)
    odd = X.assign(constant=1.0, nothing=np.nan, no_text=None, sometimes=sometimes)
    with caplog.at_level(logging.WARNING):
        model = GradientBoosting(rounds=5).fit(odd, y)
    assert model.encoding_.dropped == ("constant", "no_text", "nothing")
    assert "dropped 3 constant or all-null columns: constant, no_text, nothing" in caplog.text
    assert np.array_equal(model.expected(odd.drop(columns=["constant", "nothing"])), model.expected(odd))


def test_unseen_categories_score_as_missing_and_are_counted(data, caplog):
    X, y, _ = data
    model = GradientBoosting(rounds=20).fit(X, y)
    with caplog.at_level(logging.WARNING):
        unseen = model.expected(X.assign(attribute_town="Atlantis"))
    assert np.array_equal(unseen, model.expected(X.assign(attribute_town=None)))
    assert f"attribute_town: {len(X)} of {len(X)} values unseen in training, scored as missing" in caplog.text
    assert "Atlantis" not in caplog.text


def test_a_million_levels_are_bucketed_and_rare_ones_not_stored():
    customers = pd.Index([f"c{i}" for i in range(3000)], name="customer_id")
    often = [f"often {i % 80:02d}" for i in range(2000)]
    values = pd.Series(often + [f"person {i}" for i in range(1000)], index=customers, dtype=object)
    learned = CategoryMap.learn(values, np.arange(len(customers)), max_levels=64, min_customers=10)
    assert len(learned.levels) == 64
    assert learned.bucket
    assert not any("person" in level for level in learned.levels)
    codes, other = learned.codes(np.array(["often 00", "person 3", "unheard of", None], dtype=object))
    np.testing.assert_array_equal(codes, [0, 64, 64, np.nan])
    assert other == 2


def test_many_rows_of_few_customers_do_not_make_a_level_common():
    customers = pd.Index(["one"] * 500 + [f"c{i}" for i in range(20)], name="customer_id")
    values = pd.Series(["name of one"] * 500 + ["town"] * 20, index=customers)
    assert CategoryMap.learn(values, customers.factorize()[0], 64, 10) == CategoryMap(("town",), True)


def test_customer_ids_as_a_feature_are_refused(data):
    X, y, _ = data
    with pytest.raises(InputError, match="pet_name holds customer ids, which never enter a model"):
        GradientBoosting().fit(X.assign(pet_name=X.index.get_level_values("customer_id")), y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rfm_orders_28d": "many", "lifecycle_stage": 1.0},
            "stage was text .*orders_28d was a number",
        ),
        ({"rfm_orders_28d": pd.Timestamp("2024-01-01")}, "rfm_orders_28d holds datetime64 values"),
        (
            {"rfm_orders_28d": np.inf, "rfm_paid_cents": -np.inf},
            "orders_28d is infinite .*paid_cents is inf",
        ),
    ],
)
def test_retyped_and_infinite_columns_are_named_together(model, data, change, message):
    with pytest.raises(InputError, match=message):
        model.expected(data[0].assign(**change))


@pytest.mark.parametrize("dtype", ["Float64", "float32", "Int64", "object"])
def test_other_number_types_score_alike(model, data, dtype):
    X = data[0]
    assert np.array_equal(
        model.expected(X.assign(rfm_orders_28d=X["rfm_orders_28d"].astype(dtype))), model.expected(X)
    )


@pytest.mark.parametrize("dtype", ["category", "object", "string"])
def test_other_text_types_score_alike(model, data, dtype):
    X = data[0]
    assert np.array_equal(
        model.expected(X.assign(attribute_town=X["attribute_town"].astype(dtype))), model.expected(X)
    )


def test_encodings_survive_json(model, tmp_path):
    model.encoding_.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == model.encoding_


def test_the_folder_is_text_and_a_changed_byte_is_refused_before_parsing(model, tmp_path):
    model_folder.save(model, tmp_path / "model", "churn")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {
        "booster_0.txt",
        "booster_1.txt",
        "encoding.json",
        "parameters.json",
        "model.json",
        "manifest.json",
    }
    text = tmp_path / "model" / "booster_0.txt"
    text.write_text(text.read_text().replace("leaf_value=-", "leaf_value=+", 1))
    with pytest.raises(IntegrityError, match=r"booster_0.txt has changed"):
        model_folder.load(tmp_path / "model")


def test_the_loader_of_the_artefact_gives_a_column(model, data, tmp_path):
    model_folder.save(model, tmp_path / "model", "churn")
    X = data[0].iloc[:5]
    scores = churn_pyfunc._load_pyfunc(str(tmp_path / "model")).predict(X)
    assert scores.columns.tolist() == ["p_churn"]
    assert scores.index.equals(X.index)
    assert np.array_equal(scores["p_churn"], model.expected(X))


def test_chunks_do_not_show(model, data, monkeypatch):
    X = data[0]
    whole = model.expected(X), model.contributions(X)
    monkeypatch.setattr("crm_ml.models.encoding._CHUNK", 37)
    assert np.array_equal(model.expected(X), whole[0])
    assert model.contributions(X).equals(whole[1])


def test_threads_and_row_order_do_not_change_a_bit_of_a_large_weighted_fit():
    """Small or unweighted data pass under any flags; sums of many unlike weights do not."""
    rng = np.random.default_rng(0)
    n = 40_000
    X = pd.DataFrame(rng.normal(size=(n, 6)), columns=list("abcdef"))
    y = (rng.random(n) < 1 / (1 + np.exp(2 - X["a"] - X["b"] * X["c"]))).to_numpy()
    weights = rng.lognormal(0, 6, n)
    one = GradientBoosting(rounds=10, num_threads=1).fit(X, y, weights)
    order = rng.permutation(n)
    two = GradientBoosting(rounds=10, num_threads=2).fit(X.iloc[order], y[order], weights[order])
    assert one.texts_ == two.texts_


def test_probabilities_keep_the_base_rate_of_a_rare_class(data):
    X, _, _ = data
    y = np.random.default_rng(0).random(len(X)) < 0.05
    p = GradientBoosting(rounds=100).fit(X, y).expected(X)
    assert p.mean() == pytest.approx(y.mean(), rel=0.1)


def test_a_column_is_encoded_alike_however_it_is_stored():
    numbers, texts = [1.0, None, 3.0, 0.0], ["Ulm", None, "Köln", "Bonn"]
    X = pd.DataFrame({"a": numbers, "b": [1, 2, 3, 5], "town": texts}, index=list("wxyz"))
    learned = Encoding.learn(X.iloc[:3], min_customers=1)
    expected = [[1, 1, 1], [np.nan, 2, np.nan], [3, 3, 0], [0, 5, np.nan]]
    stored = {
        "a": ("float64", "Float64", "object"),
        "b": ("int64", "Int64", "float32"),
        "town": ("str", "object", "category", "string"),
    }
    for name, kinds in stored.items():
        for kind in kinds:
            np.testing.assert_array_equal(learned.encode(X.astype({name: kind})), expected, err_msg=kind)
    single = learned.encode(X.iloc[2:3])
    assert single.tolist() == [[3, 3, 0]]


def test_a_repeated_column_is_refused_only_where_it_is_used():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]}, index=["w", "x"])
    learned = Encoding.learn(X)
    extra = pd.DataFrame([[0, 3.0, 0, 1.0], [0, 5.0, 0, 2.0]], columns=["z", "b", "z", "a"])
    assert learned.encode(extra).tolist() == X.to_numpy().tolist()
    with pytest.raises(InputError, match="features: repeated columns a"):
        learned.encode(pd.concat([X, X[["a"]]], axis=1))


def test_boosters_of_several_seeds_share_one_binning_and_are_those_of_separate_fits(data, monkeypatch):
    import lightgbm

    X, y, _ = data
    binned, plain = [], lightgbm.Dataset.construct
    monkeypatch.setattr(
        lightgbm.Dataset, "construct", lambda own: (binned.append(own._handle is None), plain(own))[1]
    )
    model = GradientBoosting(rounds=5, n_seeds=3, seed=4).fit(X, y)
    assert binned.count(True) == 1
    assert len(set(model.texts_)) == 3
    again = GradientBoosting(rounds=5, seed=2004).fit(X, y)  # the third booster starts from seed + 2 * 1000
    assert again.texts_ == model.texts_[2:]


@pytest.mark.parametrize("size", [{"n_seeds": 2**31}, {"n_seeds": 0}, {"rounds": 10**6}, {"rounds": 2.5}])
def test_more_trees_than_anybody_waits_for_are_refused(size):
    with pytest.raises(ConfigError, match="write a whole number from 1 to"):
        GradientBoosting(**size)

"""The challenger multiplies what the probabilistic model says, the same on any machine."""

from datetime import date, timedelta

import lightgbm
import numpy as np
import pandas as pd
import pytest
import value_shop

from crm_ml.clv.challenger import COLUMNS, Challenger, challenger_features, join
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import ConfigError, InputError

TERMS = Terms(timedelta(days=60))
FEW = {"rounds": 30, "min_data_in_leaf": 20, "num_threads": 1}


@pytest.fixture(scope="module")
def rows():
    """Features, probabilistic value and outcome; who first paid much brings three times as much."""
    given = value_shop.lines(seed=1)
    summary = value_shop.summary(given)
    valuer = Valuer.fit("beta_geo", summary)
    X, base = challenger_features(valuer, summary, TERMS), valuer.value(summary, TERMS).to_numpy()
    y = base * np.where(X["first_value"] > X["first_value"].median(), 3.0, 1.0)
    y *= np.random.default_rng(0).gamma(2, 0.5, len(y)) * (np.random.default_rng(1).random(len(y)) < 0.7)
    return X, base, y


@pytest.fixture(scope="module")
def fitted(rows):
    return Challenger(**FEW).fit(*rows)


def test_it_learns_where_the_probabilistic_model_errs(rows, fitted):
    X, base, y = rows
    corrected = fitted.correct(X, base)
    assert corrected.sum() == pytest.approx(y.sum(), rel=0.25)
    assert np.abs(corrected - y).mean() < np.abs(base - y).mean()
    factor = corrected / np.maximum(base, fitted.floor_)
    much = X["first_value"] > X["first_value"].median()
    assert factor[much].mean() > 1.5 * factor[~much].mean()


def test_it_multiplies_whatever_the_base_is(rows, fitted):
    X, base, _ = rows
    assert fitted.floor_ == pytest.approx(0.01 * base.mean())
    raised = base.clip(fitted.floor_)
    factor = fitted.correct(X, base) / raised
    np.testing.assert_allclose(fitted.correct(X, 7 * raised), 7 * raised * factor)
    several = np.column_stack([raised, 2 * raised, np.zeros(len(raised))])
    found = fitted.correct(X, several)
    np.testing.assert_allclose(
        found, np.column_stack([raised, 2 * raised, raised * 0 + fitted.floor_]) * factor[:, None]
    )
    margin = fitted.booster_.booster.predict(X[list(COLUMNS)].to_numpy(), raw_score=True)
    np.testing.assert_allclose(factor, np.exp(margin))


def test_without_a_split_it_is_the_probabilistic_model_itself(rows):
    X, base, y = rows
    still = Challenger(rounds=3, min_data_in_leaf=10_000, num_threads=1).fit(X, base, y)
    np.testing.assert_array_equal(still.correct(X, base), base.clip(still.floor_))


@pytest.mark.parametrize("change", ["threads", "rows", "index"])
def test_threads_and_the_order_of_rows_change_no_byte(rows, fitted, change):
    X, base, y = rows
    threads, order = 2 if change == "threads" else 1, np.arange(len(y))
    if change == "rows":
        order = np.random.default_rng(3).permutation(len(y))
    if change == "index":
        X = X.reset_index(drop=True)
    again = Challenger(**FEW | {"num_threads": threads}).fit(X.iloc[order], base[order], y[order])
    assert again.text_ == fitted.text_
    assert again.floor_ == pytest.approx(fitted.floor_, rel=1e-12)
    assert "parameters" not in fitted.text_
    assert "num_threads" not in fitted.text_


def test_many_rows_of_all_sizes_grow_the_same_trees_in_any_order_and_on_two_threads():
    """Sums of many numbers of all sizes depend on their order, which a few thousand do not show."""
    draw, n = np.random.default_rng(2), 60_000
    X = pd.DataFrame({name: draw.lognormal(0, 2, n) for name in COLUMNS})
    base, order = draw.lognormal(0, 2.5, n), draw.permutation(n)
    y = base * np.exp(2 * np.sin(np.log(X["frequency"])) + draw.normal(0, 1.5, n)).to_numpy()
    y *= draw.random(n) < 0.3
    few = {"rounds": 10, "num_leaves": 15, "min_data_in_leaf": 20}
    one = Challenger(**few, num_threads=1).fit(X, base, y)
    mixed = Challenger(**few, num_threads=2).fit(X.iloc[order], base[order], y[order])
    assert mixed.text_ == one.text_


def test_it_is_not_moved_by_another_order_of_columns_and_extra_ones(rows, fitted):
    X, base, _ = rows
    moved = X[X.columns[::-1]].assign(extra="x")
    np.testing.assert_array_equal(fitted.correct(moved, base), fitted.correct(X, base))


def test_another_seed_grows_other_trees(rows, fitted):
    assert Challenger(**FEW, seed=1).fit(*rows).text_ != fitted.text_


def test_save_and_load_keep_every_bit(rows, fitted, tmp_path):
    X, base, _ = rows
    fitted.save(tmp_path / "trees.txt")
    loaded = Challenger.load(tmp_path / "trees.txt", fitted.floor_)
    np.testing.assert_array_equal(loaded.correct(X, base), fitted.correct(X, base))
    loaded.save(tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "trees.txt").read_bytes()
    assert lightgbm.Booster(model_file=tmp_path / "trees.txt").feature_name() == list(COLUMNS)
    assert "c00001" not in fitted.text_


def test_the_input_is_left_alone(rows):
    X, base, y = rows
    copies = X.copy(deep=True), base.copy(), y.copy()
    Challenger(**FEW).fit(X, base, y).correct(X, base)
    pd.testing.assert_frame_equal(X, copies[0])
    assert np.array_equal(base, copies[1])
    assert np.array_equal(y, copies[2])


def test_features_by_hand():
    summary = value_shop.summary(value_shop.lines(150, seed=2), date(2024, 9, 1))
    valuer = Valuer.fit("beta_geo", summary)
    found = challenger_features(valuer, summary, TERMS)
    assert tuple(found.columns) == COLUMNS
    assert np.isfinite(found.drop(columns="quiet_gaps")).all(axis=None)
    for row in found.itertuples():
        assert row.quiet == pytest.approx(row.T - row.recency)
        assert row.quiet_share == pytest.approx(row.quiet / row.T)
        if row.frequency:
            assert row.quiet_gaps == pytest.approx(row.quiet / (row.recency / row.frequency))
        else:
            assert np.isnan(row.quiet_gaps)
    expected = valuer.purchases.expected_purchases(summary, TERMS.horizon)
    np.testing.assert_allclose(np.exp(found["log_expected_purchases"]), expected)
    both = join([found, found.iloc[:3]])
    assert list(both.index) == list(range(len(found) + 3))


def test_what_it_can_not_use_is_named(rows):
    X, base, y = rows
    with pytest.raises(InputError, match="none of 400 customers bought in the training windows"):
        Challenger().fit(X, base, 0 * y)
    with pytest.raises(InputError, match="columns are missing: recency, p_alive"):
        Challenger().fit(X.drop(columns=["recency", "p_alive"]), base, y)
    with pytest.raises(InputError, match="columns are missing: T"):
        Challenger(**FEW).fit(X, base, y).correct(X.drop(columns="T"), base)
    with pytest.raises(InputError, match="not fitted; call fit first"):
        Challenger().correct(X, base)
    with pytest.raises(InputError, match="not fitted"):
        Challenger().save("nowhere")
    summary = value_shop.summary(value_shop.lines(150, seed=2))
    valuer = Valuer.fit("beta_geo", summary)
    for bad, terms in ((summary.drop(columns="first_value"), TERMS), (summary, Terms(None, 0.1))):
        with pytest.raises(InputError, match="with_first_value=True and a finite horizon"):
            challenger_features(valuer, bad, terms)
    with pytest.raises(
        ConfigError, match="challenger has no parameter depth, trees; it has rounds, num_leaves"
    ):
        Challenger.with_options({"trees": 3, "depth": 2, "seed": 1})
    assert Challenger.with_options({"rounds": 3}).rounds == 3

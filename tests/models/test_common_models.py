"""Checks that every model of a probability must pass; models are found, not listed."""

import filecmp

import numpy as np
import pandas as pd
import pytest

from crm_ml.errors import ConfigError, InputError
from crm_ml.evaluation.calibrators import Platt
from crm_ml.evaluation.classification import auc
from crm_ml.models import model_folder
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.model import MODELS, create

USED = {"shrunk_rate": ("history_answered", "history_sent")}
RULE = ("rfm_days_since_order", "cadence_gap_share")
SMALL = {
    "gradient_boosting": {"rounds": 40, "n_seeds": 2},
    "blend": {"rounds": 40},
    "plain_lightgbm": {"params": {"max_depth": 2}},
}
OF_EVENTS = {"event_recency_rule", "event_cadence_rule", "renewals_rule"}  # one_feature_rule on other columns
NAMES = sorted(set(MODELS) - OF_EVENTS)
explaining = pytest.mark.parametrize(
    "name", sorted(name for name, one in MODELS.items() if hasattr(one, "contributions"))
)
every_model = pytest.mark.parametrize("name", NAMES)


def _model(name, **parameters):
    return create(name, **{**SMALL.get(name, {}), **parameters})


@pytest.fixture(scope="module")
def fitted(data):
    X, y, weights = data
    return {name: _model(name).fit(X, y, weights) for name in NAMES}


def _same_files(a, b):
    names = sorted(path.relative_to(a) for path in a.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(b) for path in b.rglob("*") if path.is_file())
    return filecmp.cmpfiles(a, b, [str(name) for name in names], shallow=False)[1:] == ([], [])


def test_the_models_are_found():
    assert set(MODELS) >= {"recency_rule", "cadence_rule", "logistic", "gradient_boosting"}


@every_model
def test_probabilities_rank_churners_first(name, fitted, data):
    X, y, _ = data
    p = fitted[name].expected(X)
    assert p.shape == (len(X),)
    assert p.dtype == np.float64
    assert ((p > 0) & (p < 1)).all()
    assert auc(y, p) > 0.6


@explaining
def test_contributions_sum_to_the_margin_and_name_the_features(name, fitted, data):
    X, _, _ = data
    found = fitted[name].contributions(X)
    assert found.columns[-1] == "base"
    assert set(found.columns[:-1]) <= set(X.columns)
    np.testing.assert_allclose(found.sum(axis=1), fitted[name].margin(X), atol=1e-9)
    np.testing.assert_allclose(
        1 / (1 + np.exp(-fitted[name].margin(X))), fitted[name].expected(X), atol=1e-12
    )


def test_a_blend_lies_between_its_parts(fitted, data):
    X, y, weights = data
    trees = create("gradient_boosting", rounds=40).fit(X, y, weights).margin(X)
    line = create("logistic", strength=0.03).fit(X, y, weights).margin(X)
    np.testing.assert_allclose(fitted["blend"].margin(X), 0.65 * trees + 0.35 * line, atol=1e-9)
    with pytest.raises(InputError, match="linear_share is 2; it must lie within 0 and 1"):
        create("blend", linear_share=2).fit(X, y)


@every_model
def test_refit_forgets(name, data, tmp_path):
    X, y, weights = data
    other = X.drop(columns="lifecycle_tenure_days").iloc[:900]
    again = _model(name).fit(other, 1 - y.iloc[:900]).fit(X, y, weights)
    model_folder.save(again, tmp_path / "again", "churn")
    model_folder.save(_model(name).fit(X, y, weights), tmp_path / "fresh", "churn")
    assert _same_files(tmp_path / "again", tmp_path / "fresh")


@every_model
def test_row_order_and_threads_do_not_change_a_byte(name, data, tmp_path):
    X, y, weights = data
    order = np.random.default_rng(5).permutation(len(X))
    threads = {"num_threads": 1} if name == "gradient_boosting" else {}
    model_folder.save(_model(name).fit(X, y, weights), tmp_path / "sorted", "churn")
    model_folder.save(
        _model(name, **threads).fit(X.iloc[order], y.iloc[order], weights[order]), tmp_path / "mixed", "churn"
    )
    assert _same_files(tmp_path / "sorted", tmp_path / "mixed")


@every_model
def test_column_order_does_not_change_a_byte(name, data, tmp_path):
    X, y, weights = data
    model_folder.save(_model(name).fit(X, y, weights), tmp_path / "first", "churn")
    moved = X[[*X.columns[3:], *X.columns[2::-1]]]
    model_folder.save(_model(name).fit(moved, y, weights), tmp_path / "moved", "churn")
    assert _same_files(tmp_path / "first", tmp_path / "moved")


@every_model
def test_row_order_does_not_matter_where_keys_repeat(name, data, tmp_path):
    X, y, weights = data
    X, y = X.droplevel("as_of"), y.droplevel("as_of")
    order = np.random.default_rng(6).permutation(len(X))
    model_folder.save(_model(name).fit(X, y, weights), tmp_path / "sorted", "churn")
    model_folder.save(
        _model(name).fit(X.iloc[order], y.iloc[order], weights[order]), tmp_path / "mixed", "churn"
    )
    assert _same_files(tmp_path / "sorted", tmp_path / "mixed")


@every_model
def test_weights_matter(name, fitted, data):
    X, y, _ = data
    assert not np.array_equal(_model(name).fit(X, y).expected(X), fitted[name].expected(X))


@every_model
def test_save_and_load_keep_scores_exactly(name, fitted, data, tmp_path):
    X = data[0]
    model_folder.save(fitted[name], tmp_path / "model", "churn")
    assert np.array_equal(model_folder.load(tmp_path / "model").expected(X), fitted[name].expected(X))
    calibrated = CalibratedModel(fitted[name], Platt(0.9, -0.1))
    model_folder.save(calibrated, tmp_path / "calibrated", "churn")
    assert np.array_equal(model_folder.load(tmp_path / "calibrated").expected(X), calibrated.expected(X))


@every_model
def test_saving_again_after_loading_gives_the_same_bytes(name, fitted, tmp_path):
    model_folder.save(fitted[name], tmp_path / "one", "churn")
    model_folder.save(model_folder.load(tmp_path / "one"), tmp_path / "two", "churn")
    assert _same_files(tmp_path / "one", tmp_path / "two")


@every_model
def test_scores_do_not_depend_on_the_batch(name, fitted, data):
    X = data[0].iloc[:60]
    whole = fitted[name].expected(X)
    alone = np.concatenate([fitted[name].expected(X.iloc[i : i + 1]) for i in range(len(X))])
    odd = np.concatenate([fitted[name].expected(X.iloc[i : i + 7]) for i in range(0, len(X), 7)])
    assert np.array_equal(whole, alone)
    assert np.array_equal(whole, odd)
    assert np.array_equal(fitted[name].expected(X.iloc[::-1]), whole[::-1])
    assert fitted[name].expected(X.iloc[:0]).shape == (0,)


@every_model
def test_the_input_is_left_alone(name, data):
    X, y, weights = data
    copies = X.copy(deep=True), y.copy(deep=True), weights.copy()
    model = _model(name).fit(X, y, weights)
    model.expected(X)
    pd.testing.assert_frame_equal(X, copies[0])
    pd.testing.assert_series_equal(y, copies[1])
    assert np.array_equal(weights, copies[2])


@every_model
def test_a_missing_column_is_named_and_extra_or_moved_ones_are_harmless(name, fitted, data):
    X = data[0]
    expected = fitted[name].expected(X)
    moved = X[X.columns[::-1]].assign(extra="x", infinite=np.inf)
    assert np.array_equal(fitted[name].expected(moved), expected)
    used = list(USED.get(name, RULE))
    with pytest.raises(InputError, match=rf"missing: .*({'|'.join(used)}).* or train it again"):
        fitted[name].expected(X.drop(columns=used))


@every_model
def test_unusable_rows_are_refused_by_name_and_count(name, data):
    X, y, weights = data
    for column in USED.get(name, RULE):
        X = X.assign(**{column: np.where(np.arange(len(X)) < 3, np.inf, X[column])})
    with pytest.raises(InputError, match="is infinite in 3 of 1,500 rows"):
        _model(name).fit(X, y)
    labels = y.to_numpy().astype(float)
    labels[:4] = np.nan
    with pytest.raises(InputError, match="y is NaN in 4 of 1,500 rows"):
        _model(name).fit(data[0], labels)
    with pytest.raises(InputError, match="neither 0 nor 1"):
        _model(name).fit(data[0], np.arange(len(X)) % 3)
    with pytest.raises(InputError, match="one class only"):
        _model(name).fit(data[0], np.zeros(len(X)))
    with pytest.raises(InputError, match="sample_weight is negative, NaN or infinite in 1,500"):
        _model(name).fit(data[0], y, -weights)
    with pytest.raises(InputError, match="labels of shape"):
        _model(name).fit(data[0], y.iloc[1:])


@every_model
def test_an_unfitted_model_says_so(name, data):
    with pytest.raises(InputError, match="not fitted; call fit first"):
        _model(name).expected(data[0])


@every_model
def test_absurd_and_missing_values_still_give_probabilities(name, fitted, data):
    X = data[0].iloc[:4].copy()
    for column in X.select_dtypes("float").columns:
        X[column] = [1e12, -1e12, np.nan, 0.0]
    X["attribute_town"] = ["a new town", None, "=1+1", ""]
    p = fitted[name].expected(X)
    assert ((p > 0) & (p < 1)).all()


@every_model
def test_no_customer_id_enters_an_artefact(name, fitted, tmp_path):
    model_folder.save(fitted[name], tmp_path / "model", "churn")
    for path in (tmp_path / "model").rglob("*"):
        if path.is_file():
            assert "客户".encode() not in path.read_bytes()
            assert b"\\u5ba2" not in path.read_bytes()


def test_unknown_models_and_parameters_are_refused():
    with pytest.raises(ConfigError, match="'prophet' is no model; there are blend, cadence_rule"):
        create("prophet")
    with pytest.raises(ConfigError, match="no parameter is_unbalance; it has objective, num_leaves"):
        create("gradient_boosting", is_unbalance=True)

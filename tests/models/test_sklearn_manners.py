"""Models in the hands of scikit-learn: its own checks, and the tools that take estimators."""

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from clv_worlds import simulate
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
)

from crm_ml import clv
from crm_ml.errors import InputError
from crm_ml.evaluation.calibrators import Platt
from crm_ml.models import GradientBoosting, Logistic, model_folder
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.model import MODELS, create
from crm_ml.models.one_feature_rule import OneFeatureRule
from crm_ml.recommend.recommenders import RECOMMENDERS
from crm_ml.uplift import LEARNERS
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.ridge import Ridge

PAGE = Path(__file__).parents[2] / "docs/how_to/scikit_learn.md"
SMALL = {"logistic": {}, "gradient_boosting": {"rounds": 10}, "blend": {"rounds": 10}}
FAMILIES = {"model": MODELS, "learner": LEARNERS, "recommender": RECOMMENDERS}
EVERY = [(kind, name) for kind, registry in FAMILIES.items() for name in registry]
VALUES = (clv.BetaGeo, clv.ModifiedBetaGeo, clv.ParetoNBD, clv.MbgCnbdK, clv.GammaGamma)


def deviations(name):
    """Return the checks that a model does not pass, from the table of the documentation."""
    rows = re.findall(r"^\| `(check_\w+)` \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {check for check, models in rows if f"`{name}`" in models or models == "all"}


def numbers(data):
    X, y, _ = data
    return X.select_dtypes("number").fillna(0.0)[:600], y[:600]


@pytest.mark.filterwarnings("ignore:Estimator .* does not inherit", "ignore:.* occurred during set_params")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("logistic", {}),
        ("gradient_boosting", {"rounds": 10}),
        pytest.param("gradient_boosting", {}, marks=pytest.mark.slow),
        pytest.param("plain_lightgbm", {}, marks=pytest.mark.slow),
        pytest.param("blend", {}, marks=pytest.mark.slow),
    ],
)
def test_checks_of_scikit_learn_fail_as_documented(name, options):
    results = check_estimator(create(name, **options), on_fail=None, on_skip=None)
    failed = {each["check_name"] for each in results if each["status"] == "failed"}
    assert failed == deviations(name) - {"check_dataframe_column_names_consistency"}
    assert len(results) > 55


def test_columns_are_matched_by_name_in_any_order():
    with pytest.raises(AssertionError, match="predict did not raise"):
        check_dataframe_column_names_consistency("Logistic", Logistic())
    assert "check_dataframe_column_names_consistency" in deviations("logistic")


def changes(kind):
    """Yield parameters of a class with another value than the default, one at a time."""
    for name, value in kind().get_params(deep=False).items():
        if name == "k" and value is None:
            yield {name: 2}
        if isinstance(value, bool):
            yield {name: not value}
        elif isinstance(value, int | float):
            yield {name: value / 2 if 0 < value < 1 else value + 1}


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_model_is_cloned_with_its_parameters(kind, name):
    model = FAMILIES[kind][name]
    assert type(clone(model())) is type(model())
    assert clone(model()).get_params() == model().get_params()
    assert model().__sklearn_tags__().target_tags.required
    for change in changes(model):
        made = model(**change)
        assert made.get_params() != model().get_params()
        assert clone(made).get_params() == made.get_params()


@pytest.mark.parametrize("model", [*(FAMILIES[kind][name] for kind, name in EVERY), *VALUES])
def test_parameters_that_are_set_are_those_of_a_new_model(model):
    for change in changes(model):
        assert vars(model().set_params(**change)) == vars(model(**change))


@pytest.mark.parametrize("model", VALUES)
def test_models_of_value_are_cloned_and_end_pipelines_without_labels(model):
    assert clone(model()).get_params() == model().get_params()
    assert set(clv.GammaGamma().get_params()) == {"use_first_purchase", "largest_correlation"}
    assert not model().__sklearn_tags__().target_tags.required
    rows = [(0, 0, 38), (1, 9, 38), (2, 20, 36), (5, 30, 35), (0, 0, 30), (3, 12, 39)]
    summary = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    summary = summary.assign(monetary_value=[0, 12.0, 30, 22, 0, 55], log_gaps=[0.0, 2, 4, 9, 0, 4])
    fitted = make_pipeline("passthrough", model()).fit(summary)
    assert fitted.score(summary) == model().fit(summary).score(summary)


def test_a_search_over_k_fits_each_k():
    summary = simulate(200)  # of a few customers a search ends at a maximum or not, by the processor
    model = clv.MbgCnbdK().set_params(k=3).fit(summary)
    assert model.k_ == 3
    assert model.params_ == clv.MbgCnbdK(k=3).fit(summary).params_
    assert model.set_params(k=1).fit(summary).k_ == 1


def test_parameters_are_set_all_or_none():
    model = GradientBoosting(rounds=5)
    with pytest.raises(InputError, match="GradientBoosting has no parameter trees; it has objective, num"):
        model.set_params(rounds=7, trees=3)
    with pytest.raises(InputError, match="LightGBM has no such parameter"):
        model.set_params(rounds=7, params={"leafs": 3})
    assert model.get_params()["rounds"] == 5
    assert model.set_params(rounds=7).rounds == 7


@pytest.mark.parametrize("name", ["logistic", "gradient_boosting", "recency_rule", "shrunk_rate"])
def test_searches_and_cross_validation_by_customer(name, data):
    X, y, _ = data
    model, folds = create(name, **SMALL.get(name, {})), GroupKFold(3)
    groups = X.index.get_level_values("customer_id")
    areas = cross_val_score(model, X, y, groups=groups, cv=folds, scoring="roc_auc")
    assert areas.min() > 0.6
    likelihoods = cross_val_score(model, X, y, groups=groups, cv=folds)
    losses = cross_val_score(model, X, y, groups=groups, cv=folds, scoring="neg_log_loss")
    np.testing.assert_allclose(likelihoods, losses)


def test_a_grid_search_and_a_calibration_take_frames_with_categories(data):
    X, y, weights = data
    search = GridSearchCV(Logistic(), {"strength": [1e-4, 0.1]}, cv=3).fit(X, y, sample_weight=weights)
    assert search.best_params_ == {"strength": 0.1}
    assert search.classes_.tolist() == [0, 1]
    p = CalibratedClassifierCV(Logistic(), cv=3).fit(X, y).predict_proba(X)
    assert log_loss(y, p) < log_loss(y, np.full(len(y), y.mean()))


def test_a_pipeline_hands_over_arrays_or_frames(data):
    X, y = numbers(data)
    plain = make_pipeline(StandardScaler(), Logistic()).fit(X, y)
    named = make_pipeline(StandardScaler().set_output(transform="pandas"), Logistic()).fit(X, y)
    assert "x0" in plain[-1].encoding_.columns
    assert set(named[-1].feature_names_in_) == set(X.columns)
    np.testing.assert_allclose(plain.predict_proba(X), named.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_arrays_and_frames_teach_alike(name, data, tmp_path):
    X, y = numbers(data)
    named = X.reset_index(drop=True).set_axis([f"x{number}" for number in range(X.shape[1])], axis=1)
    model = create(name, **SMALL[name])
    wanted = clone(model).fit(named, y.to_numpy()).predict_proba(named)
    for values in (X.to_numpy(), X.to_numpy().tolist(), pl.DataFrame(named)):
        assert np.array_equal(model.fit(values, y.to_numpy()).predict_proba(values), wanted)
    assert not hasattr(model.fit(X.to_numpy(), y), "feature_names_in_")
    model_folder.save(model, tmp_path / "model", "churn")
    loaded = model_folder.load(tmp_path / "model")
    assert loaded.n_features_in_ == model.n_features_in_ == X.shape[1]
    assert np.array_equal(loaded.predict_proba(X.to_numpy()), wanted)
    with pytest.raises(InputError, match=rf"X has 2 features, but \w+ is expecting {X.shape[1]} features"):
        loaded.predict(X.to_numpy()[:, :2])
    model_folder.save(CalibratedModel(loaded, Platt(1.0, 0.0)), tmp_path / "again", "churn")
    calibrated = model_folder.load(tmp_path / "again")
    assert calibrated.score(X.to_numpy(), y.to_numpy()) == pytest.approx(model.score(X.to_numpy(), y))
    scores = [cross_val_score(model, values, y, cv=3) for values in (X.to_numpy(), pl.DataFrame(named), X)]
    assert scores[0] == pytest.approx(scores[1])
    assert len(scores[2]) == 3


LEARNING = (
    Logistic(),
    GradientBoosting(rounds=3, choose_settings=False),
    OneFeatureRule(column="x0"),
    LEARNERS["s_learner"](base="logistic"),
    LEARNERS["t_learner"](base="logistic"),
)


@pytest.mark.parametrize("model", LEARNING, ids=lambda model: type(model).__name__)
def test_what_learned_from_a_frame_takes_no_array_though_its_columns_are_called_x0(model, data, tmp_path):
    """Two columns that changed places would score silently."""
    X, y = numbers(data)
    refusal = f"X is an array, but {type(model).__name__} learned from a frame"
    named = X.set_axis([f"x{number}" for number in range(X.shape[1])], axis=1)
    arm = {"treatment": np.arange(len(X)) % 2} if isinstance(model, Learner) else {}
    values = named.to_numpy()
    model.fit(named, y, **arm)
    model_folder.save(model, tmp_path / "frame", "churn")
    assert b"array" not in (tmp_path / "frame" / model_folder.CLASS).read_bytes()
    for each in (model, model_folder.load(tmp_path / "frame")):
        with pytest.raises(InputError, match=refusal):
            each.predict(values)
    wanted = model.fit(values, y.to_numpy(), **arm).predict(values)
    for again in ("array", "again"):
        model_folder.save(model, tmp_path / again, "churn")
        model = model_folder.load(tmp_path / again)
        assert np.array_equal(model.predict(values), wanted)
        assert np.array_equal(model.predict(named), wanted)


def test_columns_of_a_frame_may_be_numbers(data):
    X, y = numbers(data)
    model = Logistic().fit(X.set_axis(range(X.shape[1]), axis=1), y)
    assert model.feature_names_in_.tolist() == [str(number) for number in range(X.shape[1])]


def test_labels_of_ones_own_are_kept_and_the_second_is_what_happened(data, tmp_path):
    X, y, _ = data
    wanted = Logistic().fit(X, y).predict_proba(X)
    for first, second in (("active", "gone"), (3, 4), (-1.0, 1.0)):
        labels = np.where(y, second, first)
        mixed = pd.Series(labels, X.index)[::-1]
        model = Logistic().fit(X, mixed)
        assert model.classes_.tolist() == [first, second]
        assert np.array_equal(model.predict_proba(X), wanted)
        assert set(model.predict(X)) == {first, second}
        calibrated = CalibratedModel(model, Platt(slope=1.0, intercept=0.0))
        model_folder.save(calibrated, tmp_path / str(first), "churn")
        loaded = model_folder.load(tmp_path / str(first))
        assert np.array_equal(loaded.predict(X), model.predict(X))
        assert model.score(X, mixed) == pytest.approx(-log_loss(labels, wanted))
    with pytest.raises(InputError, match="y is none of the labels of training in 1,500 of 1,500 rows"):
        model.score(X, y + 7)
    assert Logistic().fit(X, y).fit(X, labels).fit(X, y).classes_.tolist() == [0, 1]


def test_labels_that_are_no_two_classes_are_refused(data):
    X, y = numbers(data)
    for labels, words in (
        (y + 0.5, "y is neither 0 nor 1 in 600 of 600 rows: it is continuous. Only binary classification"),
        (np.arange(600) % 3, "of several classes. Only binary classification is supported"),
        (None, "requires y to be passed, but the target y is None"),
    ):
        with pytest.raises(InputError, match=words):
            Logistic().fit(X, labels)
    with pytest.raises(InputError, match="sample_weight is zero in all of 600 rows"):
        Logistic().fit(X, y, np.zeros(600))
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        Logistic().fit(X, y.to_frame())


def test_a_model_without_a_fit_says_so_to_scikit_learn_too(data):
    for model in (Logistic(), create("recency_rule"), create("blend")):
        with pytest.raises(NotFittedError, match="is not fitted; call fit first") as caught:
            model.predict(data[0])
        again = pickle.loads(pickle.dumps(caught.value))  # as a process of joblib hands it back
        assert isinstance(again, InputError)
        assert isinstance(again, NotFittedError)
        assert str(again) == str(caught.value)


def test_a_regression_is_a_regressor(data):
    X, y = numbers(data)
    for model in (Ridge(), GradientBoosting(objective="regression", rounds=10)):
        assert is_regressor(model)
        assert not is_classifier(model)
        assert cross_val_score(model, X, 10 * y + 2.5, cv=3).min() > 0
        with pytest.raises(InputError, match="is a regression and has no classes; call predict"):
            model.fit(X, 10 * y).predict_proba(X)
        assert not hasattr(model, "predict_proba")
        assert not hasattr(model, "classes_")
    assert "probability of each label" in Logistic.predict_proba.__doc__
    assert hasattr(Logistic(), "predict_proba")


def test_parameters_of_a_calibrated_model_are_set(data):
    X, y = numbers(data)
    calibrated = CalibratedModel(Logistic().fit(X, y), Platt(1.0, 0.0))
    wanted = CalibratedModel(calibrated.model, Platt(0.5, 0.1)).predict_proba(X)
    assert np.array_equal(calibrated.set_params(calibrator=Platt(0.5, 0.1)).predict_proba(X), wanted)

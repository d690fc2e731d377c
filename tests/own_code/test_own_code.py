"""Classes, groups and parameters of a company's own, by ``module:name`` and by entry points."""

import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from third_party import third_party

from crm_ml import datasets, tracking
from crm_ml.config import load_run
from crm_ml.errors import ConfigError, InputError
from crm_ml.features import groups, matrix
from crm_ml.features.feature_groups import check_groups, code_of
from crm_ml.models import MODELS, create, model_folder
from crm_ml.plugins import modules_named, named
from crm_ml.recommend import create as recommender
from crm_ml.score_tables.feature_table import features_of
from crm_ml.snapshots import Snapshot
from crm_ml.train import experiment
from crm_ml.uplift import create as learner

RUN = {
    "family": "churn",
    "data": {"name": "simulated", "options": {"customers": 400, "seed": 0}},
    "target": {"horizon_days": 28, "active_within_days": 84, "purpose": "analytics"},
    "split": {"test": ["2024-09-01"], "training_snapshots": 2, "every_days": 28},
    "features": {"rfm": {}, "acme.groups.loyalty": {"points": 5}},
    "model": {"name": "acme.models:DaysModel", "options": {"band_days": 14}},
    "baselines": [{"name": "recency_rule"}],
    "largest_ece": 0.5,
    "replicates": 100,
    "register_as": {"name": "churn", "as_of": "2024-10-01"},
}


@pytest.fixture(autouse=True)
def site(monkeypatch):
    """Install the code of the company."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "site")
    groups.cache_clear()
    yield
    groups.cache_clear()


@pytest.fixture
def project(tmp_path, monkeypatch, template):
    (tmp_path / "configs/churn").mkdir(parents=True)
    (tmp_path / "configs/churn/own.yaml").write_text(yaml.safe_dump(RUN, sort_keys=False))
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs/mlflow.db")
    for name in ("CRM_ML_DATA", "CRM_ML_RUNS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with third_party():
        yield tmp_path


def rows(n=600, seed=0):
    """Rows whose label goes with the days since the last order."""
    draw = np.random.default_rng(seed)
    index = pd.Index([f"c{number:04d}" for number in range(n)], name="customer_id")
    X = pd.DataFrame({"rfm_days_since_order": draw.integers(1, 57, n).astype(float)}, index=index)
    X["rfm_orders"] = draw.poisson(3, n).astype(float)
    return X, (draw.random(n) < X["rfm_days_since_order"] / 60).astype(int)


@pytest.mark.usefixtures("project")
def test_a_model_and_a_group_of_ones_own_run_from_the_config_to_the_champion():
    done = experiment.run("churn/own")
    assert done.outcome.metrics["test.auc"] > 0.55
    client = tracking.connect()
    logged = client.get_run(done.run_id).data.params
    assert logged["model.name"] == "acme.models:DaysModel"
    assert logged["model.options.band_days"] == "14"
    assert logged["features.acme.groups.loyalty.points"] == "5"
    version = tracking.registered("churn", "1")
    assert json.loads((version.folder / "model.json").read_text())["model"] == "acme.models:DaysModel"
    assert version.details["features"] == {"rfm": {}, "acme.groups.loyalty": {"points": 5}}
    profiled = json.loads((version.folder / "profile.json").read_text())
    assert "loyalty_points" in json.dumps(profiled)
    X, _ = rows()
    served = mlflow.pyfunc.load_model("models:/churn/1")
    names = served.metadata.get_input_schema().input_names()
    assert names[-1] == "loyalty_points"  # after the columns of the groups that are named before it
    frame = X.reindex(columns=names).astype(float)
    p = served.predict(frame)["p_churn"].to_numpy()
    assert np.array_equal(p, model_folder.load(version.folder).predict_proba(frame)[:, 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": {"name": "acme.modells:DaysModel"}}, "model: 'acme.modells:DaysModel': there is no mod"),
        ({"model": {"name": "acme.models:WeeksModel"}}, "module acme.models has no WeeksModel"),
        ({"model": {"name": "acme.models:Incomplete"}}, "is no model: it lacks save, load"),
        ({"model": {"name": "half"}}, "'acme.models:Incomplete' is no model: it lacks save, load"),
        ({"model": {"name": "acme.losses:SETTING"}}, "'acme.losses:SETTING' is no model: it is no class"),
        ({"baselines": [{"name": "days", "options": {"days": 3}}]}, "days has no parameter days; it has ban"),
        ({"baselines": [{"name": "recency_rule", "options": {"column": "a"}}]}, "it has none"),
        ({"features": {"acme.groups": {}}}, "features: acme.groups: it is no group: it lacks COLUMNS, comp"),
        ({"features": {"acme.groups.points": {}}}, "there is no module acme.groups.points"),
        ({"features": {"loyalty": {"stars": 2}}}, "loyalty has no option stars; it has points"),
        (
            {"model": {"name": "blend", "options": {"params": {"devise": "cpu", "seed": 1}}}},
            "model: params: devise: LightGBM has no such parameter; seed: the model sets seed itself",
        ),
        (
            {"model": {"name": "blend", "options": {"params": {"loss": "acme.losses:hinge"}}}},
            "module acme.losses has no hinge",
        ),
    ],
)  # fmt: skip
def test_a_name_is_refused_before_any_data_is_read(project, monkeypatch, change, words):
    monkeypatch.setattr(experiment, "load_tables", lambda _: pytest.fail("read"))
    (project / "configs/churn/own.yaml").write_text(yaml.safe_dump(RUN | change, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        experiment.run("churn/own")
    assert words in str(caught.value)


@pytest.mark.usefixtures("project")
def test_entry_points_stand_beside_the_names_of_the_package():
    assert [name for name in MODELS if name in ("days", "half", "logistic")] == ["logistic", "days", "half"]
    assert load_run("churn/own", ["model={name: days}"]).model.name == "days"
    assert list(groups())[-1] == "loyalty"
    check_groups(["rfm", "loyalty", "acme.groups:loyalty", "acme.groups.loyalty:Visits"])
    model = create("days").fit(*rows())
    assert type(model).__name__ == "DaysModel"


def test_a_learner_and_a_recommender_of_ones_own_are_kept_by_their_class(tmp_path):
    X, y = rows()
    arm = np.arange(len(X)) % 2
    half = learner("acme.learners:HalfEffect").fit(X, y, treatment=arm)
    model_folder.save(half, tmp_path / "half", "uplift")
    assert model_folder.load(tmp_path / "half").predict(X)[0] == half.predict(X)[0]
    events = pd.DataFrame({"customer_id": ["a", "b"], "item_id": ["y", "x"], "occurred_at": [1, 2]})
    named = recommender("by_name").fit(events)
    model_folder.save(named, tmp_path / "named", "recommend")
    again = model_folder.load(tmp_path / "named")
    assert again.recommend(["a"], 1)["item_id"].tolist() == ["x"]
    for make, name, words in (
        (learner, "acme.learners:ByName", "it lacks the base class crm_ml.uplift.learner:Learner"),
        (learner, "crm_ml.uplift.learner:Learner", "it lacks _effect, _fit"),
        (recommender, "half_effect", "'half_effect' is no recommender; there are als"),
    ):
        with pytest.raises(ConfigError, match=words):
            make(name)


def test_code_beside_configs_is_found_from_notebooks_too(project, monkeypatch):
    (project / "beside_configs.py").write_text("RATE = 0.5\n")
    (project / "notebooks").mkdir()
    monkeypatch.chdir(project / "notebooks")
    monkeypatch.setattr("sys.path", [path for path in sys.path if path != str(project)])
    assert modules_named({"model": "beside_configs:RATE"}) == {"beside_configs"}
    assert named("beside_configs:RATE") == 0.5
    assert sys.path[-1] == str(project)
    with pytest.raises(ConfigError, match="no module absent_here; install it, or put it beside configs/"):
        named("absent_here:RATE")
    del sys.modules["beside_configs"]


def test_a_class_that_is_not_installed_any_more_is_named(tmp_path):
    model_folder.save(create("days").fit(*rows()), tmp_path / "model", "churn")
    content = json.loads((tmp_path / "model/model.json").read_text())
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/model.json").write_text(json.dumps(content | {"model": "acme.old:DaysModel"}))
    with pytest.raises(InputError, match=r"'acme\.old:DaysModel': there is no module acme\.old; install it"):
        model_folder.read_model(tmp_path / "bare")
    (tmp_path / "bare/model.json").write_text(json.dumps({"model": "days", "format": 1}))
    with pytest.raises(InputError, match="a model of format 1, and this version reads 2; train it again"):
        model_folder.read_model(tmp_path / "bare")


def test_parameters_of_lightgbm_pass_through_and_repeat(tmp_path):
    X, y = rows(3000)
    params = {"max_depth": 1, "path_smooth": 2.0}
    usual = create("gradient_boosting", rounds=20).fit(X, y)
    shallow = create("gradient_boosting", rounds=20, params=params).fit(X, y)
    assert not np.array_equal(usual.expected(X), shallow.expected(X))
    assert max(text.count("num_leaves=2") for text in shallow.texts_) == 20
    again = create("gradient_boosting", rounds=20, params=params, num_threads=1).fit(X[::-1], y[::-1])
    assert again.texts_ == shallow.texts_
    model_folder.save(shallow, tmp_path / "model", "churn")
    assert model_folder.load(tmp_path / "model").params == params


def test_an_objective_of_ones_own_gives_the_trees_of_the_same_loss(tmp_path):
    X, y = rows(4000)
    own = create("blend", rounds=200, linear_share=0.0, params={"objective": "acme.losses:logistic"})
    p = own.fit(X, y).expected(X)
    usual = create("blend", rounds=200, linear_share=0.0).fit(X, y).expected(X)
    assert np.corrcoef(p, usual)[0, 1] > 0.999
    assert p.mean() == pytest.approx(y.mean(), abs=0.03)
    model_folder.save(own, tmp_path / "model", "churn")
    assert np.array_equal(model_folder.load(tmp_path / "model").expected(X), p)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"eta": 0.5}, "eta: the model sets learning_rate itself; use its own options"),
        ({"n_jobs": 4}, "n_jobs: the model sets num_threads itself"),
        ({"device": "gpu"}, "device: results of other devices do not repeat"),
        ({"deterministic": False}, "deterministic: results must repeat"),
        ({"force_row_wise": True}, "force_row_wise: the order of sums"),
        ({"num_iterations": 5}, "num_iterations: the number of trees is an option of its own"),
        ({"objective": "poisson"}, "objective: it follows from what is predicted; give one of your own"),
        ({"objective": "acme.losses:SETTING"}, "objective: acme.losses:SETTING is no function"),
        ({"max_deepth": 3}, "max_deepth: LightGBM has no such parameter"),
    ],
)
@pytest.mark.parametrize("make", ["gradient_boosting", "t_learner", "two_heads"])
def test_parameters_that_are_set_already_or_do_not_repeat_are_refused(make, params, words):
    with pytest.raises(ConfigError, match=words):
        {
            "gradient_boosting": lambda: create("gradient_boosting", params=params),
            "t_learner": lambda: learner("t_learner", effect_options={"params": params}),
            "two_heads": lambda: recommender("two_heads", new_params=params),
        }[make]()


@pytest.mark.usefixtures("project")
def test_groups_of_ones_own_by_module_and_by_class_stand_in_the_order_of_the_config():
    tables = datasets.load("simulated", customers=60, seed=0)
    wanted = {"acme.groups.loyalty:Visits": {}, "rfm": {}, "acme.groups:loyalty": {"points": 2}}
    X = matrix(tables, Snapshot("2024-09-01", timedelta(days=28)), wanted)
    assert (X.columns[0], X.columns[-1]) == ("visits_orders", "loyalty_points")
    assert (X["loyalty_points"] == 2 * X["visits_orders"]).all()
    assert (X["visits_orders"] == X["rfm_orders"]).all()


@pytest.mark.usefixtures("project")
def test_the_feature_table_has_groups_of_ones_own_and_follows_their_code(tmp_path):
    assert code_of(["rfm", "acme.groups:loyalty"]) == ["acme.groups.loyalty", "crm_ml.features.rfm"]
    assert code_of(["acme.groups.loyalty:Visits"]) == ["acme.groups.loyalty"]
    tables = datasets.load("simulated", customers=60, seed=0)
    snapshot = Snapshot("2024-09-01", timedelta(days=28))
    path = features_of(tmp_path / "work", tables, snapshot, {"acme.groups.loyalty:Visits": {}})
    assert {"loyalty_points", "visits_orders"} <= set(pd.read_parquet(path).columns)
    twice = "features: loyalty and acme.groups:loyalty both give loyalty_points"
    with pytest.raises(ConfigError, match=twice):
        features_of(tmp_path / "work", tables, snapshot, {"acme.groups:loyalty": {"points": 2}})


@pytest.mark.parametrize(
    ("change", "module"),
    [
        ({"model": {"name": "acme.models:DaysModel"}}, "acme.models"),
        ({"model": {"name": "days"}}, "acme.models"),
        ({"features": {"acme.groups.loyalty": {}}}, "acme.groups.loyalty"),
        ({"features": {"loyalty": {}}}, "acme.groups.loyalty"),
        ({"model": {"options": {"params": {"objective": "acme.losses:hinge"}}}}, "acme.losses"),
        ({"data": {"name": "acme.nothing.here"}}, None),
    ],
)
def test_a_search_follows_the_code_that_its_config_names(change, module):
    assert modules_named({"family": "churn", **change}) == ({module} if module else set())

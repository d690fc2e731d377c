"""Tracking: what is logged and refused, where files lie, and aliases."""

import getpass
import json
import logging
import math
import os
import shutil
from pathlib import Path

import pytest

from crm_ml import tracking
from crm_ml.errors import InputError, IntegrityError

pytestmark = pytest.mark.xdist_group("store")


def client_text(client, run_id, path):
    return Path(client.download_artifacts(run_id, path)).read_text(encoding="utf-8")


@pytest.fixture
def other_store(store, tmp_path, monkeypatch):
    """A second store in the same process: a copy of the first one's database, without its files."""
    shutil.copy(store.runs / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("store")
def test_settings_metrics_tags_and_text_of_a_run():
    with tracking.start("trial", "first") as run:
        run.log_params({"model": {"name": "logistic", "options": {}}, "test": ("a", "b"), "seed": 0})
        run.log_metrics({"test.auc": 0.75, "test.auc.low": 0.5})
        run.log_tags({"promoted": "false"})
        run.log_json({"b": 1, "a": ["客户"]}, "facts.json")
        run.log_text("x,y\n", "tables/empty.csv")
    kept = tracking.connect().get_run(run.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.info.run_name == "first"
    assert kept.data.params == {
        "model.name": "logistic",
        "model.options": "{}",
        "test": "a, b",
        "seed": "0",
    }
    assert kept.data.metrics == {"test.auc": 0.75, "test.auc.low": 0.5}
    assert kept.data.tags["promoted"] == "false"
    found = {item.path for item in run.client.list_artifacts(run.run_id)}
    assert found == {"facts.json", "tables"}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_metrics_are_refused_whole(broken):
    with (
        pytest.raises(InputError, match=r"none was logged: test\.b, test\.c"),
        tracking.start("trial", "broken") as run,
    ):
        run.log_metrics({"test.a": 0.5, "test.c": broken, "test.b": math.nan})
    kept = tracking.connect().get_run(run.run_id)
    assert kept.data.metrics == {}
    assert kept.info.status == "FAILED"


@pytest.mark.usefixtures("new_runs")
def test_names_from_data_are_made_safe_and_stand_in_full_beside_and_every_table_is_shown():
    arms = ["10% off", "10& off", "优惠", "a/../b", "x" * 400, "email"]
    metrics = {f"test.{arm}.qini{end}": place for place, arm in enumerate(arms) for end in ("", ".low")}
    metrics["."] = 0.5
    with tracking.start("churn", "a/run", "python -m crm_ml.train a/run") as run:
        run.log_metrics(metrics)
        run.log_params({"costs": dict.fromkeys(arms, 5)})
        for path in ("first.json", "second.json", "first.json"):
            run.log_table(["metric"], [["auc"]], path)
    client = tracking.connect()
    logged = client.get_run(run.run_id)
    full = json.loads(client_text(client, run.run_id, "names.json"))
    assert {full.get(name, name): value for name, value in logged.data.metrics.items()} == metrics
    assert {full.get(name, name) for name in logged.data.params} == {f"costs.{arm}" for arm in arms}
    shown = {"test.email.qini.low", "test.优惠.qini", "test.10_ off-0f8210c1.qini.low"}
    assert shown <= set(logged.data.metrics)
    assert logged.data.tags["mlflow.source.name"] == "crm_ml.train"
    assert logged.data.tags["mlflow.user"] == getpass.getuser()
    tables = json.loads(logged.data.tags["mlflow.loggedArtifacts"])
    assert tables == [{"path": f"{name}.json", "type": "table"} for name in ("first", "second")]


def test_the_files_of_a_run_lie_beside_its_store(store):
    with tracking.start("trial", "files") as run:
        run.log_text("1", "one.txt")
    assert (store.runs / "artefacts" / run.run_id / "artifacts" / "one.txt").read_text() == "1"


def test_a_second_store_in_one_process_keeps_its_own_runs_and_files(store, other_store, monkeypatch):
    with tracking.start("elsewhere", "one") as run:
        run.log_text("1", "one.txt")
    assert (other_store / "artefacts" / run.run_id / "artifacts" / "one.txt").is_file()
    assert tracking.connect().get_experiment_by_name("elsewhere") is not None
    monkeypatch.setenv("CRM_ML_RUNS", str(store.runs))
    assert tracking.connect().get_experiment_by_name("elsewhere") is None


def test_connecting_changes_no_variable_that_names_a_store(store):
    tracking.connect()
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert tracking.tracking_uri() == f"sqlite:///{store.runs / 'mlflow.db'}"
    assert logging.getLogger("mlflow").level == logging.WARNING


def test_reports_of_usage_are_off_unless_the_user_turned_them_on(store, monkeypatch):
    assert store.exit_code == 0
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    tracking.connect()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    tracking.connect()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_a_server_is_used_where_the_environment_names_one(store, other_store, monkeypatch):
    address = f"sqlite:///{other_store / 'mlflow.db'}"
    monkeypatch.setenv("CRM_ML_RUNS", str(store.runs))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert tracking.tracking_uri() == address
    with tracking.start("served", "one"):
        pass
    assert os.environ["MLFLOW_TRACKING_URI"] == address
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.connect().get_experiment_by_name("served") is None


def test_an_alias_moves_and_an_absent_one_is_named(other_store, store):
    champion = _restored(store, other_store, "champion")
    with pytest.raises(InputError, match=r"no model churn@trial is registered in sqlite:.*; train it first"):
        tracking.champion("churn", "trial")
    with pytest.raises(InputError, match="no model ghost@champion"):
        tracking.champion("ghost")
    tracking.connect().set_registered_model_alias("churn", "trial", champion.version)
    assert tracking.champion("churn", "trial").version == champion.version


def test_a_damaged_champion_is_never_parsed(store):
    folder = tracking.champion("churn").folder
    path = sorted(folder.rglob("*.txt"))[0]
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"0", b"1", 1))
        with pytest.raises(IntegrityError, match=f"{path.name} has changed"):
            tracking.champion("churn")
    finally:
        path.write_bytes(content)
    assert tracking.champion("churn").folder == folder
    assert store.exit_code == 0


def _restored(store, other_store, alias):
    """The champion of the copied store, whose files still lie in the first one."""
    version = tracking.champion("churn", alias)
    assert version.folder.is_relative_to(store.runs)
    assert str(other_store) in tracking.tracking_uri()
    return version

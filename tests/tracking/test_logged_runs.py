"""What MLflow is told of a run, its data, its model and its version."""

import json
from pathlib import Path
from types import SimpleNamespace

import challenge_world
import numpy as np
import pytest
from logged_world import BEFORE, DAYS, trained

from crm_ml import tracking
from crm_ml.front.fit_report import FitReport
from crm_ml.storage.paths import project_root
from crm_ml.tracking.deferred_metrics import log_at
from crm_ml.train.record.evaluation_table import evaluation_table
from crm_ml.train.record.fingerprints import content_sum
from crm_ml.train.record.model_card_parts import first_metrics, metrics_table
from crm_ml.train.record.outcome import Trace
from crm_ml.train.record.run_datasets import run_datasets


@pytest.fixture
def logged(new_runs):
    assert new_runs.is_dir()
    done = [trained("noise"), trained("signal")]
    client = tracking.connect()
    return [(each, client.get_run(each.run_id)) for each in done]


def artefact(run, path):
    return Path(tracking.connect().download_artifacts(run.info.run_id, path)).read_text(encoding="utf-8")


def test_a_run_tells_mlflow_its_data_metrics_by_day_and_meaning_and_no_row(logged):
    (_, other), (done, run) = logged
    datasets = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
    assert set(datasets) == {"training", "test"}
    assert {each.name for each in datasets.values()} == {"complete_journey"}
    content, windows = zip(*(each.digest.split("-") for each in datasets.values()), strict=True)
    assert content == (content_sum(BEFORE["inputs"]["tables"])[:12],) * 2 and len(set(windows)) == 2
    same = {each.dataset.digest for each in other.inputs.dataset_inputs}
    assert same == {each.digest for each in datasets.values()}
    assert json.loads(datasets["test"].schema)["mlflow_colspec"] == [
        {"name": "orders.order_id", "type": "string", "required": False},
        {"name": "orders.paid_cents", "type": "long", "required": False},
    ]
    assert json.loads(datasets["test"].profile)["test_rows"] == {"test": 600}

    history = tracking.connect().get_metric_history(run.info.run_id, "by_day/auc")
    rows = done.outcome.rows.parts["test"]
    assert [(each.step, each.timestamp // 86_400_000) for each in history] == [(0, 17_464), (1, 17_492)]
    for day, each in zip(DAYS, history, strict=True):
        keep = np.char.startswith(rows.fold, day)
        above = rows.p["model"][keep & (rows.y == 1)][:, None] > rows.p["model"][keep & (rows.y == 0)]
        assert each.value == pytest.approx(above.mean(), abs=1e-3)
    assert "by_day/auc.recency_rule" in run.data.metrics and "by_day/ece.recency_rule" not in run.data.metrics

    table = json.loads(artefact(run, "evaluation.json"))
    assert table == {"columns": ["metric", "model", "no"], "data": [["auc", "0.8 [0.7, 0.9]", "0.5"]]}
    tags = run.data.tags
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "evaluation.json", "type": "table"}]
    for words in (
        "churn version 2: ",
        "auc | 0.8 [0.7, 0.9] | no 0.5",
        f"train {done.name}",
        "/model_card.md)",
    ):
        assert words in tags["mlflow.note.content"]
    texts = [each.dataset.to_dictionary() for each in run.inputs.dataset_inputs]
    names = np.unique(challenge_world.rows(DAYS).customer_id)
    told = json.dumps([texts, run.data.tags, run.data.params, table])
    assert not any(name in told for name in names)


def test_the_registry_says_what_a_model_and_a_version_are(logged):
    client, (_, run) = tracking.connect(), logged[1]
    version = client.get_model_version("churn", "2")
    for words in (
        "when it was made",
        "auc | 0.8 [0.7, 0.9] | no 0.5",
        "- holds: calibrated",
        "/model_card.md)",
    ):
        assert words in version.description
    wanted = {"family": "churn", "labels_end": "2017-12-27", "data": "complete_journey"}
    wanted["model_card"] = f"runs:/{run.info.run_id}/model_card.md"
    assert wanted.items() <= version.tags.items()
    model = client.get_registered_model("churn")
    assert "active customer" in model.description and model.tags == {"family": "churn"}
    for day, arm in enumerate(("10% off", "email", "10& off"), 17_600):
        log_at(tracking.registered("churn", "2"), "realised.", {f"{arm}.auc": 0.5}, day)
    full = json.loads(artefact(run, "names.json"))
    logged_later = {name for name in client.get_run(run.info.run_id).data.metrics if "realised" in name}
    assert {full.get(name, name) for name in logged_later} == {
        f"realised.{arm}.auc" for arm in ("10% off", "email", "10& off")
    }
    client.update_registered_model("churn", "Ours.")
    trained("answer")
    assert client.get_registered_model("churn").description == "Ours."


OWN = {
    "test.v1.5 off.qini": 0.8, "test.v1.5 off.qini.low": 0.7, "test.v1.5 off.qini.high": 0.9,
    "baseline.acme.rules:Mine.v1.5 off.qini": 0.6, "difference.acme.rules:Mine.v1.5 off.qini": 0.2,
    "baseline.response.v1.5 off.qini": 0.5, "difference.v1.5 off.qini": 0.3,
}  # fmt: skip


def test_baselines_and_arms_with_dots_keep_their_names_wherever_metrics_are_shown():
    columns, rows = evaluation_table(OWN)
    assert columns == [
        "metric", "model", "acme.rules:Mine", "response", "model - acme.rules:Mine", "model - best baseline",
    ]  # fmt: skip
    assert rows == [["v1.5 off.qini", "0.8 [0.7, 0.9]", "0.6", "0.5", "0.2", "0.3"]]
    assert first_metrics(OWN, None, 5) == ["v1.5 off.qini"]
    assert "| acme.rules:Mine 0.6, response 0.5 |" in metrics_table(OWN, ["v1.5 off.qini"])
    frame = FitReport("title", None, OWN, ()).frame
    assert list(zip(frame["model"], frame["value"], strict=True)) == [
        ("model", 0.8), ("acme.rules:Mine", 0.6), ("model - acme.rules:Mine", 0.2), ("response", 0.5),
        ("difference", 0.3),
    ]  # fmt: skip
    assert set(frame["metric"]) == {"v1.5 off.qini"}


def described(split=None, **data):
    """Datasets of a run by what they are for."""
    outcome = SimpleNamespace(rows=None, trace=Trace({}, split or {}, {}, {}))
    run = challenge_world.config(data={"name": "complete_journey"} | data)
    return {each.context: each for each in run_datasets(run, BEFORE, outcome, {"labels_end": "2017-12-27"})}


def test_other_days_of_training_are_another_digest_and_other_counts_of_validation_are_none():
    days = {"final": {"training": ["2017-10-04", "2017-11-01"]}, "rows": {"2017-10-04": 7}}
    fewer = {"final": {"training": ["2017-11-01"]}, "rows": {"2017-10-04": 7}}
    training = described(days)["training"]
    assert training.digest != described(fewer)["training"].digest
    assert training.digest == described(days | {"rows": {}})["training"].digest
    assert training.profile["split"] == {"final": days["final"]}


@pytest.mark.parametrize(
    ("data", "name", "source"),
    [
        ({"path": "/home/ada.lovelace/customers"}, "complete_journey", "complete_journey"),
        ({"path": "../customers"}, "complete_journey", "complete_journey"),
        ({"path": "data/../shop/raw"}, "complete_journey", "shop/raw"),
        ({"path": str(project_root() / "shop")}, "complete_journey", "shop"),
        ({"name": str(project_root() / "configs/data/shop.yaml")}, *["configs/data/shop.yaml"] * 2),
        ({"name": "/home/ada.lovelace/shop.yaml"}, "shop.yaml", "shop.yaml"),
    ],
)
def test_the_source_of_a_dataset_is_no_path_of_a_machine(data, name, source):
    dataset = described(**data)["training"]
    assert (dataset.name, dataset.source) == (name, source)

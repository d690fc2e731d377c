"""What a run leaves in a real store, and that a second one repeats it to the bit."""

import json
import math
from fnmatch import fnmatch

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress
from run_store import RUN, files, first, folder, overall, version_folder, versions
from small_runs import PLAIN, metrics_of_probabilities

from crm_ml import datasets, features, tracking
from crm_ml.config import load_run
from crm_ml.evaluation.calibration_check import CalibrationCheck
from crm_ml.models import model_folder
from crm_ml.storage.manifest import fingerprint
from crm_ml.train import experiment
from crm_ml.train.families.churn import experiment as churn
from crm_ml.train.families.probability import run as probability_run

pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


def test_every_committed_run_trains_and_names_its_metrics(store):
    assert store.exit_code == 0
    assert set(store.metrics) == set(store.names)
    for name in store.of("churn"):
        metrics = store.metrics[name]
        baselines = [part.name for part in load_run(name).baselines]
        assert {"recency_rule", "cadence_rule", "logistic"} <= set(baselines)
        told = {one for one in metrics if not one.startswith("tuning.")}
        assert told == metrics_of_probabilities(baselines)
        assert all(math.isfinite(value) for value in metrics.values())
        lows = [each for each in told if each.endswith(".low")]
        assert all(metrics[low] < metrics[low.removesuffix("low") + "high"] for low in lows)
        assert 0.7 < metrics["test.auc"] < 0.99
        best = max(metrics[f"baseline.{each}.auc"] for each in (*baselines, PLAIN))
        assert metrics["difference.auc"] == pytest.approx(metrics["test.auc"] - best)


def test_the_store_holds_the_same_metrics_and_the_whole_account_of_a_run(store, client):
    for name in store.of("churn"):
        run = first(client, name)
        assert run.info.status == "FINISHED"
        assert overall(run) == pytest.approx(store.metrics[name])
        assert run.data.tags["promoted"] == "true"
        assert run.data.params["model.name"] == load_run(name).model.name
        assert run.data.params["split.every_days"] == "28"
        plots = {f"plots/{plot}.png" for plot in ("calibration", "gains", "segments_auc")}
        tables = {
            f"tables/{table}" for table in ("metrics.csv", "differences.csv", "segments.csv", "report.json")
        }
        facts = {"config.json", "facts.json", "gates.json", "provenance.json"}
        assert plots | tables | facts <= files(run)
        pictures = [(folder(run) / plot).read_bytes() for plot in plots]
        assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") for picture in pictures)
        assert len(set(pictures)) == 3
        written = pd.read_csv(folder(run) / "tables/metrics.csv").set_index(["model", "metric", "over"])
        assert written.loc[("model", "auc", "folds"), "value"] == pytest.approx(run.data.metrics["test.auc"])


def test_facts_prove_that_training_labels_end_before_each_test(client):
    facts = json.loads((folder(first(client)) / "facts.json").read_text())
    assert [each["as_of"] for each in facts["folds"]] == ["2017-10-25", "2017-11-22"]
    assert facts["folds"][0]["training"] == ["2017-08-30", "2017-09-27"]
    assert all(each["training_labels_end"] <= each["as_of"] for each in [*facts["folds"], facts["final"]])
    assert facts["final"]["as_of"] == "2017-12-20"
    unwanted = load_run(RUN).leave_out
    assert not [name for name in facts["features"] if any(fnmatch(name, one) for one in unwanted)]
    assert set(facts["features"]) == set(facts["single_auc"]) != set()
    assert len(facts["predictions_sha256"]) == 64


def test_provenance_names_code_environment_and_tables(store, client):
    known = json.loads((folder(first(client)) / "provenance.json").read_text())
    tables = datasets.load("complete_journey", store.households)
    assert known["tables"]["fingerprint"] == tables.fingerprint
    assert known["python"].startswith("3.")
    assert len(known["lock_sha256"]) == 64
    report = json.loads((folder(first(client)) / "tables/report.json").read_text())
    for table in report.values():
        assert table["read"] == table["accepted"] + sum(table["quarantined"].values())


def test_quarantined_rows_lie_beside_the_store_and_never_in_it(store, client):
    run = first(client)
    tables = datasets.load("complete_journey", store.households)
    beside = {path.name for path in (store.runs / run.info.run_id / "quarantine").iterdir()}
    assert beside == {path.name for path in tables.report.quarantine_files().values()} != set()
    inside = [path for path in (store.runs / "artefacts").rglob("*") if "quarantine" in str(path)]
    assert inside == []


def test_the_registered_model_loads_without_pickle_and_scores_as_the_folder_does(store):
    tables = datasets.load("complete_journey", store.households)
    known = features.matrix(tables, load_run(RUN).target.snapshot(load_run(RUN).split.test[-1]))
    served = mlflow.pyfunc.load_model("models:/churn@champion")
    champion = tracking.champion("churn")
    wanted = model_folder.load(champion.folder).expected(known)
    used = served.metadata.get_input_schema().input_names()
    found = served.predict(known[used])
    assert list(found.columns) == ["p_churn"]
    assert list(found.index) == list(known.index)
    assert np.array_equal(found["p_churn"].to_numpy(), wanted)
    assert len(np.unique(wanted)) > 50
    assert champion.content == fingerprint(champion.folder)
    kinds = {path.suffix for path in champion.folder.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".txt", ".npz", ".parquet"}


def test_a_second_run_repeats_every_bit_and_a_failing_gate_keeps_the_champion(store, client, monkeypatch):
    before, role = versions(client)
    monkeypatch.setattr(CalibrationCheck, "within", lambda _check, _limit: False)
    done = experiment.run(RUN, store.settings(RUN))
    facts = json.loads((folder(first(client)) / "facts.json").read_text())
    assert done.outcome.facts["predictions_sha256"] == facts["predictions_sha256"]
    assert done.outcome.metrics == pytest.approx(store.metrics[RUN], abs=0)
    assert [gate.passed for gate in done.outcome.gates] == [True, False, True]
    after, still = versions(client)
    assert after == [*before, int(done.version)]
    assert still == role != done.version
    numbers = (store.of("churn").index(RUN) + 1, done.version)
    models = [version_folder(client, "churn", number) for number in numbers]
    assert models[0] != models[1]
    assert fingerprint(models[0]) == fingerprint(models[1])
    run = client.get_run(done.run_id)
    assert run.data.tags["promoted"] == "false"
    assert json.loads((folder(run) / "gates.json").read_text())[1]["passed"] is False


def test_another_seed_is_another_model(store):
    config = load_run(RUN, store.settings(RUN))
    tables = datasets.load("complete_journey", store.households)
    fold = churn.fold(config, config.split.test[0])
    rows = churn.compute_rows(config, tables, fold.training, Progress(disable=True))
    hashes = set()
    for seed in (1, 2):
        changed = load_run(RUN, [*store.settings(RUN), f"model.options.seed={seed}"])
        hashes.add(probability_run.fit_calibrated(changed, rows, fold).expected(rows.X).tobytes())
    assert len(hashes) == 2

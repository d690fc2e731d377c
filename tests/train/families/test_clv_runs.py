"""What the committed lifetime-value runs leave in a real store, and that a second one repeats it."""

import math

import mlflow
import numpy as np
import pandas as pd
import pytest
from run_store import facts, files, first, folder, overall, version_folder, versions

from crm_ml import tracking
from crm_ml.clv import clv_pyfunc
from crm_ml.clv.model_selection import CHALLENGER
from crm_ml.config import load_run
from crm_ml.evaluation.total_verdict import TotalVerdict
from crm_ml.models import model_folder
from crm_ml.storage.manifest import fingerprint
from crm_ml.train import experiment
from crm_ml.train.experiment import load_tables
from crm_ml.train.families.clv import report
from crm_ml.train.families.clv.experiment import source_of
from crm_ml.train.families.clv.report import METRICS

RUN = "clv/bg_nbd"
MODELS = ("test", "baseline.zeros", "baseline.past_count", "baseline.recency_rule", "difference")
pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


def config(store, name, **more):
    return load_run(name, store.settings(name, **more))


def test_every_committed_run_names_its_metrics(store):
    assert {"clv/bg_nbd", "clv/cdnow"} <= set(store.of("clv"))
    for name in store.of("clv"):
        metrics = store.metrics[name]
        kinds = [f"{kind}{metric}" for kind in ("", "purchases_") for metric in METRICS]
        names = [f"{model}.{metric}" for model in MODELS for metric in kinds]
        assert set(metrics) == {each + end for each in names for end in ("", ".low", ".high")}
        assert all(math.isfinite(value) for value in metrics.values())
        assert all(metrics[f"{each}.low"] <= metrics[f"{each}.high"] for each in names)
        assert metrics["test.normalised_gini"] > 0.2
        assert metrics["baseline.zeros.total_error"] == -1
        for kind in ("", "purchases_"):
            least = min(MODELS[1:-1], key=lambda one, k=kind, m=metrics: m[f"{one}.{k}rmse"])
            for metric in METRICS:
                wanted = metrics[f"test.{kind}{metric}"] - metrics[f"{least}.{kind}{metric}"]
                assert metrics[f"difference.{kind}{metric}"] == pytest.approx(wanted)


def test_the_store_holds_the_whole_account_of_a_run(store, client):
    for name in store.of("clv"):
        run = first(client, name)
        assert (run.info.status, run.data.tags["promoted"]) == ("FINISHED", "true")
        assert overall(run) == pytest.approx(store.metrics[name], abs=0)
        plots = {f"plots/{plot}.png" for plot in ("frequency", "cumulative", "p_alive", "deciles")}
        tables = {f"tables/{one}.csv" for one in ("validation", "metrics", "differences", "purchases")}
        other = {"config.json", "facts.json", "gates.json", "provenance.json", "tables/report.json"}
        assert plots | tables | other <= files(run)
        pictures = {(folder(run) / plot).read_bytes() for plot in plots}
        assert len(pictures) == 4
        assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") for picture in pictures)
        keys = ["model", "metric", "over"]
        for table, kind in (("metrics", ""), ("purchases", "purchases_")):
            written = pd.read_csv(folder(run) / f"tables/{table}.csv").set_index(keys)["value"]
            assert written["model", "rmse", "pooled"] == pytest.approx(run.data.metrics[f"test.{kind}rmse"])
        judged = set(pd.read_csv(folder(run) / "tables/validation.csv")["model"])
        candidates = {one.name for one in config(store, name).candidates}
        assert candidates | {CHALLENGER} <= judged
        assert all(gate["passed"] and gate["reason"] for gate in facts(run, "gates"))


def test_facts_prove_that_no_label_of_the_test_window_chose(store, client):
    for name in store.of("clv"):
        run, told = config(store, name), facts(first(client, name))
        *validation, test = told["windows"]
        day = f"{run.split.test}"
        assert [one["as_of"] for one in validation] == [str(one) for one in run.split.validation]
        assert all(one["as_of"] < one["labels_end"] <= day for one in validation)
        assert test["as_of"] == day < test["labels_end"]
        assert told["final_as_of"] == f"{run.register_as.as_of}"
        assert all(one["customers"] > 100 and one["purchases"] > 0 < one["value"] for one in told["windows"])
        choice = told["choice"]
        assert choice["base"] in {one.name for one in run.candidates}
        assert choice["reason"].startswith(f"{choice['base']}: Gini ")
        assert "challenger" in choice["reason"]
        assert (told["tilt"] != {"power": 1.0, "total": 1.0}) == choice["tilted"]
        assert len(told["predictions_sha256"]) == 64


def test_the_registered_model_loads_without_pickle_and_scores_as_the_folder_does(store):
    assert store.exit_code == 0
    for name in store.of("clv"):
        run = config(store, name)
        champion = tracking.champion(run.register_as.name)
        served = mlflow.pyfunc.load_model(f"models:/{run.register_as.name}@champion")
        known = source_of(run, load_tables(run)).summary(run.register_as.as_of)
        wanted = model_folder.load(champion.folder).predict(known)
        used = served.metadata.get_input_schema().input_names()
        found = served.predict(known[used].astype("float64"))
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)
        assert list(found.columns) == list(clv_pyfunc.OUTPUTS)
        assert wanted["clv"].between(wanted["clv_low"], wanted["clv_high"]).all()
        assert wanted["clv"].nunique() > 100
        assert np.isfinite(wanted).all(axis=None)
        assert champion.content == fingerprint(champion.folder)
        assert champion.details["labels_end"] == f"{run.register_as.as_of}"
        assert {path.suffix for path in champion.folder.iterdir()} <= {".json", ".txt"}
        assert (champion.folder / "clv.json").stat().st_size < 10_000


@pytest.mark.slow  # test_reproduce and test_experiment do so for fewer customers, and for churn
def test_a_second_run_repeats_every_bit_and_a_failing_gate_keeps_the_champion(store, client, monkeypatch):
    before, role = versions(client, "clv")
    monkeypatch.setattr(report, "total_verdict", lambda *_: TotalVerdict(False, "missed"))
    done = experiment.run(RUN, store.settings(RUN))
    told = facts(first(client, RUN))
    assert done.outcome.facts["predictions_sha256"] == told["predictions_sha256"]
    assert done.outcome.facts["choice"] == told["choice"]
    assert done.outcome.metrics == pytest.approx(store.metrics[RUN], abs=0)
    assert [gate.passed for gate in done.outcome.gates] == [True, False, True]
    after, still = versions(client, "clv")
    assert after == [*before, int(done.version)]
    assert still == role != done.version
    models = [version_folder(client, "clv", number) for number in (1, done.version)]
    assert models[0] != models[1]
    assert fingerprint(models[0]) == fingerprint(models[1])
    run = client.get_run(done.run_id)
    assert run.data.tags["promoted"] == "false"
    assert facts(run, "gates")[1]["passed"] is False

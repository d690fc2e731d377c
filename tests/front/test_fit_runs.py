"""A fit is the run of `crm_ml.train`: the same figures, logged where that is asked for, of any family."""

import json
import shutil

import pytest
from run_store import overall
from small_data import few_households
from small_fits import CHURN, SHOP
from small_runs import settings
from third_party import third_party

import crm_ml
from crm_ml import datasets, tracking
from crm_ml.config import load_run
from crm_ml.train.__main__ import main as train
from crm_ml.train.reproduce import main as reproduce

pytestmark = pytest.mark.slow
RUN = "churn/lightgbm"


@pytest.fixture
def home(tmp_path, monkeypatch, template):
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs/mlflow.db")
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with third_party():
        yield tmp_path


def test_metrics_are_those_of_the_command_to_the_bit(home):
    overrides = settings(RUN, few_households(home / "households", 120))
    arguments = [part for text in overrides for part in ("--set", text)]
    assert train([RUN, *arguments, "--metrics-json", str(home / "metrics.json")]) == 0
    config = load_run(RUN, overrides)
    tables = datasets.load(config.data.name, config.data.path)
    fitted = crm_ml.fit("churn", tables, settings=config.model_dump())
    assert json.loads((home / "metrics.json").read_text())[RUN] == dict(fitted.evaluation.metrics)
    champion = tracking.registered("churn", "1")
    assert champion.details["files"] == fitted._version.details["files"]


@pytest.mark.usefixtures("home")
def test_a_tracked_fit_is_logged_and_says_why_it_cannot_be_reproduced(capsys):
    shop = datasets.load("simulated", **SHOP)
    fitted = crm_ml.fit("churn", shop, settings=CHURN, track=True)
    run = tracking.connect().get_run(fitted.run_id)
    assert overall(run) == pytest.approx(dict(fitted.evaluation.metrics))
    assert run.data.params["data.name"] == datasets.IN_MEMORY
    assert tracking.registered("churn", "1").content == fitted.source().sums
    assert reproduce([fitted.run_id]) == 2
    assert "the tables were in memory, and nothing keeps them" in capsys.readouterr().err

"""The two commands on one store: exit codes, what they say, and what they leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_ml import tracking
from crm_ml.lists import read_list
from crm_ml.score.__main__ import main as score
from crm_ml.score.play_out import main as play_out
from crm_ml.train.__main__ import main as train

PROJECT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("store")


@pytest.fixture
def lists(store, tmp_path):
    """Write the list of the committed scoring config for the few households; return its exit code."""

    # A few households are too few for the gates of an answer and of items; their aliases are set by hand.
    for name in ("propensity", "recommend"):
        tracking.connect().set_registered_model_alias(name, "champion", "1")

    def run(*more):
        return score(["--set", f"data.path={store.households}", "--out", str(tmp_path), *more])

    return run


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def module(name, *arguments, folder=PROJECT):
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": "200"}
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_training_ends_with_a_table_the_gates_and_the_way_to_the_page(store):
    assert store.exit_code == 0
    for name in store.names:
        assert f"{name}: test windows, 95 % intervals" in store.output
    for row in ("model ", "recency_rule", "cadence_rule", "logistic", "model - ", "zeros", "past_count"):
        assert f"│ {row}" in store.output
    found = store.metrics[store.of("churn")[-1]]
    assert f" {found['test.auc']:.4f} │" in store.output
    assert f" {found['test.auc.low']:.3f} to {found['test.auc.high']:.3f} │" in store.output
    assert "holds  not worse than the best baseline: AUC - " in store.output
    assert "holds  calibrated: ECE 0.0" in store.output
    assert "holds  total: error " in store.output
    for registered in ("churn", "clv", "clv_cdnow"):
        assert f"{registered} version 1 (champion); run " in store.output
    assert f"page: mlflow server --backend-store-uri sqlite:///{store.runs / 'mlflow.db'}\n" in store.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["churn/lightgmb"], "churn/lightgmb: no run of that name; there are churn/"),
        (["../notebooks/lightgbm"], "lies outside configs/"),
        (["churn/lightgbm", "--set", "sed=1", "--set", "seed=one"], "2 mistakes"),
        (["churn/lightgbm", "--set", "seed"], "write it as key=value"),
        (["churn/lightgbm", "churn/absent"], "churn/absent: no run of that name"),
        (["--set", "data.name=grocer"], "'grocer' is no data set"),
        (["--set", "data.path=/no/such/folder"], "order_lines: transactions.parquet does not exist"),
    ],
)
def test_what_can_not_be_trained_exits_with_2_and_one_message(store, capsys, arguments, words):
    before = {run.info.run_id for run in all_runs()}
    assert train(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert words in captured.err
    assert {run.info.run_id for run in all_runs()} == before
    assert store.exit_code == 0


def test_metrics_are_written_only_when_all_runs_are_done(store, tmp_path):
    few = store.settings("churn/lightgbm", features="{rfm: {}, cadence: {}}", leave_out="[nothing_*]")
    sets = [f"--set={setting}" for setting in few]
    assert train(["churn/lightgbm", *sets, "--metrics-json", str(tmp_path / "metrics.json")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_list_is_read_back_and_a_second_run_changes_no_byte(lists, tmp_path, capsys):
    assert lists() == 0
    rows = read_list(tmp_path / "grocer")
    assert len(rows) > 50
    assert rows["customer_id"].is_unique
    assert set(rows["action_id"]) <= {"win_back_coupon", "reminder_push", "coupon_booklet", "weekly_items"}
    assert set(rows["consent_basis"]) == {"assumed"}
    assert (rows["expected_value_cents"] > 0).all()
    assert rows["p_churn"].dropna().between(0, 1).all()
    assert rows["reason_codes"].map(len).between(1, 3).all()
    booklets = rows[rows["action_id"] == "coupon_booklet"]
    assert booklets["p_response"].between(0, 1).all()
    assert set(booklets["value_basis"]) == {"p_response x assumed effect"}
    weekly = rows[rows["action_id"] == "weekly_items"]
    assert weekly["item_ids"].map(len).eq(5).all()
    assert weekly["item_p"].map(lambda p: 0 < np.nansum(p.astype(float)) <= 5).all()
    assert all("last " in text for text in weekly["item_reasons"].iloc[0])
    assert set(weekly["value_basis"]) == {"p_items x assumed effect"}
    models = ("churn", "clv", "propensity", "recommend")
    named = [f"{name}@{tracking.champion(name).content[:12]}" for name in models]
    assert {tuple(one) for one in rows["model_versions"]} == {tuple(named)}
    assert (rows["clv_cents"] >= 0).all()  # every household of the list has bought before
    assert rows["clv_cents"].nunique() > 50
    assert pd.Timestamp("2018-01-01", tz="UTC") == rows["as_of"].iloc[0]
    assert str(tmp_path) in capsys.readouterr().out
    before = contents(tmp_path)
    assert lists() == 3
    assert "already published" in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("model", "file"), [("churn", "booster_0.txt"), ("clv", "clv.json")])
def test_a_damaged_model_exits_with_4_and_leaves_the_last_list(lists, tmp_path, capsys, model, file):
    assert lists("--as-of", "2017-12-31") == 0
    before = contents(tmp_path)
    path = sorted(tracking.champion(model).folder.rglob(file))[0]
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"0", b"1", 1))
        assert lists() == 4
    finally:
        path.write_bytes(content)
    assert f"{file} has changed" in capsys.readouterr().err
    assert contents(tmp_path) == before
    assert set(read_list(tmp_path / "grocer")["as_of"].dt.date.astype(str)) == {"2017-12-31"}


@pytest.mark.parametrize("setting", ["models.churn=churn@absent", "models.clv=clv@absent"])
def test_scoring_without_a_champion_says_what_to_do(lists, tmp_path, capsys, setting):
    assert lists("--set", setting) == 2
    wanted = setting.partition("=")[2]
    assert f"no model {wanted} is registered in sqlite:" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            "models.clv=churn@champion",
            "churn@champion: it is a model of family churn, and one of clv is needed",
        ),
        ("models.propensity=churn@champion", "one of propensity is needed"),
        ("models.uplift=clv@champion", "one of uplift is needed"),
        (
            "models.churn=clv@champion",
            "clv@champion: it is a model of family clv, and one of churn",
        ),
    ],
)
def test_a_champion_of_the_other_family_is_refused(lists, tmp_path, capsys, setting, words):
    assert lists("--set", setting) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_the_simulated_shop_is_valued_by_what_its_campaigns_have_shown_and_played_out(
    store, tmp_path, capsys
):
    tracking.connect().set_registered_model_alias("uplift", "champion", "1")
    customers = "data.options.customers=4000"
    assert score(["score/simulated", "--set", customers, "--out", str(tmp_path)]) == 0
    rows = read_list(tmp_path / "simulated")
    version = tracking.champion("uplift")
    for action, arm in (("visit_coupon", "coupon"), ("visit_reminder", "reminder")):
        told = rows[rows["action_id"] == action]
        measured = arm in version.details["verified_arms"]
        basis = f"uplift of {arm} by uplift@{version.content[:12]}" if measured else "assumed rate"
        assert set(told["value_basis"]) <= {basis}
        assert told["uplift"].notna().eq(measured).all()
    assert set(rows["consent_basis"]) == {"consents table"}
    assert store.exit_code == 0
    assert play_out([str(tmp_path / "simulated"), "--set", customers]) == 0
    assert "intervals hold the truth" in capsys.readouterr().out
    assert play_out([str(tmp_path / "simulated"), "--config", "score/default"]) == 2
    assert "its data are complete_journey, whose customers nobody can let live on" in capsys.readouterr().err


def test_an_action_valued_by_lifetime_needs_a_model_of_lifetime_value(lists, tmp_path, capsys):
    assert lists("--as-of", "2017-12-30", "--set", "models.clv=null") == 2
    told = "win_back_coupon: retention needs a model of clv in the settings (models: {clv: clv@champion})"
    assert told in capsys.readouterr().err
    assert not (tmp_path / "grocer" / "latest.json").exists()


def test_the_modules_run_as_commands(tmp_path):
    done = module("crm_ml.train", "churn/absent")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: churn/absent: no run of that name; there are churn/")
    assert len(done.stderr.splitlines()) == 1
    done = module("crm_ml.train", "--sett", "a=b")
    assert done.returncode == 2
    assert "unrecognized arguments" in done.stderr
    done = module("crm_ml.train", folder=tmp_path)
    assert done.returncode == 2
    assert "there is no project here" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert "--metrics-json PATH" in module("crm_ml.train", "--help").stdout


def test_the_metrics_file_is_what_the_runs_reported(store):
    written = [json.loads(path.read_text()) for path in store.runs.parent.glob("metrics_*.json")]
    assert all(written)
    assert {name: found for one in written for name, found in one.items()} == store.metrics
    assert set(store.metrics) == set(store.names)


def all_runs():
    client = tracking.connect()
    experiments = [one.experiment_id for one in client.search_experiments()]
    return client.search_runs(experiments, max_results=1000)

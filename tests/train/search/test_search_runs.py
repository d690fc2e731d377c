"""Runs with a search: what they leave, that SIGTERM costs nothing, and that they come again."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import threading
import time
from datetime import timedelta

import pandas as pd
import pytest
import scripts
import yaml
from rich.progress import Progress
from run_store import facts, files, first, folder
from stores import MORE_OF_A_KIND, PROJECT

from crm_ml import tracking
from crm_ml.config import load_run
from crm_ml.snapshots import Snapshot
from crm_ml.train import experiment
from crm_ml.train.__main__ import main
from crm_ml.train.families.churn import experiment as churn
from crm_ml.train.families.propensity import experiment as propensity
from crm_ml.train.record.logged_run import logged_run
from crm_ml.train.search.validation_folds import days_before

TUNED = {
    "churn/tuned": "churn/lightgbm",
    "propensity/tuned": "propensity/coupon",
    "recommend/tuned": "recommend/category",
}
RUN = "churn/tuned"
pytestmark = pytest.mark.xdist_group("store")
every = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in MORE_OF_A_KIND)) for name in TUNED]
)


@pytest.fixture
def client(store):
    assert store.exit_code == 0
    return tracking.connect()


def trials_of(run):
    return facts(run, "reproduction")[5]["content"]


def children(client, run):
    found = client.search_runs(
        [run.info.experiment_id], filter_string=f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    return sorted(found, key=lambda one: int(one.info.run_name.removeprefix("trial ")))


@pytest.mark.parametrize("name", TUNED)
def test_a_run_with_a_search_is_its_run_without_one_in_all_else(name):
    tuned, plain = (
        yaml.safe_load((PROJECT / f"configs/{one}.yaml").read_text()) for one in (name, TUNED[name])
    )
    assert tuned.pop("tuning")["trials"] >= (6 if name == "recommend/tuned" else 20)
    assert tuned["register_as"].pop("name") == f"{plain['register_as'].pop('name')}_tuned"
    if name == "recommend/tuned":  # names what the plain one leaves to the code
        own = {"new_rounds": 100, "new_leaves": 15, "new_learning_rate": 0.03}
        assert tuned["model"].pop("options") == {**plain["model"].pop("options"), **own}
    assert tuned == plain


def test_committed_searches_see_no_label_of_what_judges_them(store):
    folds = {}
    run = load_run("churn/tuned")
    folds["churn"] = churn.folds_ahead(run), Snapshot(run.split.test[0], timedelta(days=1))
    run = load_run("propensity/tuned", [f"data.path={store.households}"])
    plan = propensity.make_plan(run, experiment.load_tables(run))
    folds["propensity"] = plan.ahead, plan.folds[0].test
    for ahead, test in folds.values():
        begins = min(one.test.as_of for one in ahead.confirm)
        assert max(one.test.label_ends_at for one in ahead.search) <= begins
        assert max(one.test.label_ends_at for one in ahead.confirm) <= test.as_of
        for each in ahead.every:
            assert max(one.label_ends_at for one in each.training) <= each.test.as_of
    assert [one.test.campaign_id for one in plan.ahead.confirm] == ["8", "9", "10"]
    run = load_run("recommend/tuned")
    days = days_before(run.target.snapshot(run.test[0]), run.tuning.validation)
    assert [str(one) for one in days.every] == ["2017-09-11", "2017-10-09", "2017-11-06"]


@every
def test_a_run_leaves_its_trials_its_verdict_and_a_picture(store, client, name):
    run = first(client, name)
    told = facts(run)["tuning"]
    assert {"plots/tuning.png", "tables/trials.csv", "tables/tuning.csv"} <= files(run)
    assert (folder(run) / "plots/tuning.png").read_bytes().startswith(b"\x89PNG")
    trials = pd.read_csv(folder(run) / "tables/trials.csv")
    assert trials["number"].tolist() == [0, 1, 2, 3]
    assert sum(told["states"].values()) == 4
    start = load_run(name, store.settings(name))
    for option in start.tuning.space:
        assert trials.loc[0, option] == pytest.approx(start.start(option))
    gain = told["verdict"]["confirmed"]["gain"]
    logged = [run.data.metrics[f"tuning.gain{end}"] for end in ("", ".low", ".high")]
    assert logged == pytest.approx([gain["value"], gain["low"], gain["high"]])
    assert told["verdict"]["taken"] == (gain["low"] > 0)
    assert f"tuning: {told['verdict']['reason']}" in store.output
    table = pd.read_csv(folder(run) / "tables/tuning.csv").set_index(["part", "settings"])
    best = trials.loc[told["verdict"]["best"]]
    assert table.loc[("search", "tuned"), "value"] == pytest.approx(best["value"])
    assert best["gain"] == trials.loc[trials["state"] == "complete", "gain"].max()
    if told["verdict"]["confirmed"]:
        paired = table.loc[("confirm", "tuned"), "value"] - table.loc[("confirm", "defaults"), "value"]
        assert abs(paired) == pytest.approx(abs(gain["value"]))


@every
def test_each_trial_is_a_nested_run_once(client, name):
    run = first(client, name)
    trials = pd.read_csv(folder(run) / "tables/trials.csv")
    below = children(client, run)
    assert [one.info.run_name for one in below] == [f"trial {number}" for number in range(4)]
    for one, row in zip(below, trials.to_dict("records"), strict=True):
        assert one.info.status == "FINISHED"
        assert one.data.tags["trial.state"] == row["state"]
        assert one.data.metrics == pytest.approx({"value": row["value"], "gain": row["gain"]})
        for option in load_run(name).tuning.space.keys() & row.keys():
            assert float(one.data.params[option]) == row[option]


@contextlib.contextmanager
def terminated(runs, trials):
    """Send SIGTERM to this process as soon as so many trials are kept."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # should the search be over by then

    def watch():
        until = time.monotonic() + 200
        while time.monotonic() < until:
            time.sleep(0.02)
            for path in runs.glob("studies/*/study.db"):
                with contextlib.suppress(sqlite3.Error), sqlite3.connect(path) as study:
                    if study.execute("SELECT count(*) FROM trials").fetchone()[0] >= trials:
                        os.kill(os.getpid(), signal.SIGTERM)
                        return

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        watching.join()
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow  # test_search stops and kills searches without the command around them
def test_sigterm_costs_nothing_and_a_second_command_goes_on(store, client, tmp_path, monkeypatch, capsys):
    wanted = trials_of(first(client, RUN))
    sets = [part for setting in store.settings(RUN) for part in ("--set", setting)]
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path))
    with terminated(tmp_path, 1):
        assert main([RUN, *sets]) == 143
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: stopped by SIGTERM: ")
    assert said.endswith(" of 4 trials are over; they are kept; run the same command again to go on")
    (study,) = tmp_path.glob("studies/*/study.db")
    with sqlite3.connect(study) as kept:
        begun = kept.execute("SELECT datetime_complete FROM trials ORDER BY number").fetchall()
    assert 1 <= len(begun) <= 4
    assert main([RUN, *sets]) == 0
    with sqlite3.connect(study) as kept:
        done = kept.execute("SELECT datetime_complete FROM trials ORDER BY number").fetchall()
    assert (len(done), done[: len(begun)]) == (4, begun)  # what was over was not done again
    own = tracking.connect()
    (experiment_id,) = {one.experiment_id for one in own.search_experiments() if one.name == "churn"}
    runs = own.search_runs([experiment_id])
    above = {one.info.run_id: one for one in runs if one.info.run_name == RUN}
    assert sorted(one.info.status for one in above.values()) == ["FAILED", "FINISHED"]
    (finished,) = [one for one in above.values() if one.info.status == "FINISHED"]
    parents = [one.data.tags["mlflow.parentRunId"] for one in runs if one.info.run_name != RUN]
    assert parents == [finished.info.run_id] * 4
    assert trials_of(finished) == wanted


@pytest.mark.slow
def test_a_run_comes_again_without_reading_or_keeping_a_study(store, client):
    name = "recommend/tuned"
    run = load_run(name, store.settings(name))
    assert logged_run(first(client, name).info.run_id).config == run
    before = {path: path.stat().st_mtime_ns for path in store.runs.glob("studies/*/*")}
    assert len(before) == len(TUNED)
    for path in before:
        path.rename(path.with_suffix(".aside"))
    try:
        with Progress(disable=True) as progress:
            outcome = experiment.execute(run, experiment.load_tables(run), progress)
        assert not list(store.runs.glob("studies/*/study.db"))
    finally:
        for path in before:
            path.with_suffix(".aside").rename(path)
    logged = trials_of(first(client, name))
    for key, value in json.loads(json.dumps(outcome.trace.trials)).items():
        assert logged[key] == value
    assert len(outcome.trials) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_the_experiment_tells_what_the_runs_found(store, tmp_path, monkeypatch, capsys):
    results = scripts.load("007_tuning/results.py", monkeypatch)
    shutil.copy(PROJECT / "experiments/007_tuning/README.md", tmp_path / "README.md")
    assert results.main(["--folder", str(tmp_path)]) == 0
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(told["looks"]) == len(TUNED)
    for name in TUNED:
        one = told["runs"][name]["verdict"]
        said = (one["confirmed"] or {}).get("gain")
        gain = f"{said['value']:.5f} [{said['low']:.5f}, {said['high']:.5f}]" if said else ""
        verdict = "tuned settings taken" if one["taken"] else "**defaults kept**"
        assert f"| {gain} | {verdict} |" in written
        assert f"{store.metrics[name][f'test.{results.RUNS[name]}']:.4f} [" in written
    assert results.main(["--folder", str(tmp_path), "--only", "churn/tuned"]) == 0
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == written
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == told
    capsys.readouterr()
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "empty"))
    assert results.main(["--folder", str(tmp_path)]) == 2
    assert "churn/tuned: no finished run in sqlite" in capsys.readouterr().err

"""A run that is run again from what it logged is identical, or the first stage that differs is named."""

import contextlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_store import facts, folder
from small_data import few_households

from crm_ml import tracking
from crm_ml.config import Data, Defaults, load
from crm_ml.tables import Tables
from crm_ml.train import experiment
from crm_ml.train.fingerprints import array_sum, column_sums, content_sum, table_sums
from crm_ml.train.input_files import input_files
from crm_ml.train.reproduce import main
from crm_ml.train.reproduction import COMPARED, FILE, TOLD

pytestmark = [pytest.mark.xdist_group("reproduce"), pytest.mark.timeout(300)]
PROJECT = Path(__file__).resolve().parents[2]
DEFAULT = load(PROJECT / "configs/default.yaml", Defaults).runs
CHURN = "churn/lightgbm"
LINES = "transactions.parquet"
ONE = "num_threads: 1, rounds: 5"
SMALL = {
    "churn/lightgbm": {
        "features": "{rfm: {}, cadence: {}}", "leave_out": "[rfm_*_365d]", "split.test": "[2017-10-25]",
        "split.training_snapshots": "1", "model.options": "{rounds: 20, n_seeds: 1, num_threads: 1}",
        "calibration": "{}", "register_as.as_of": "2017-12-20",
    },
    "clv/bg_nbd": {
        "split.validation": "[2017-07-10]", "interval_replicates": "20", "register_as.as_of": "2017-12-20",
        "candidates": "[{purchases: beta_geo}, {purchases: modified_beta_geo}]",
        "challenger": f"{{windows: 1, every_days: 28, options: {{min_data_in_leaf: 20, {ONE}}}}}",
    },
    "propensity/coupon": {
        "features": "{rfm: {}}", "leave_out": "[rfm_*_365d]", "target.kinds": "[Type A]",
        "split.test_from": "2017-10-30", "split.test_until": "2017-11-10",
        "model.options": "{rounds: 20, n_seeds: 1, num_threads: 1}",
    },
    "uplift/simulated": {
        "data.options": "{customers: 2000, seed: 0, campaigns: 4}", "split.test_from": "2024-09-01",
        "features": "{cadence: {}}", "leave_out": "[]", "others": "[]",
        "model.options": "{num_threads: 1, outcome_options: {rounds: 5}, effect_options: {rounds: 5}}",
    },
    "recommend/two_heads": {
        "model.options": f"{{windows: 2, own: 20, candidates: 10, {ONE}}}", "register_as.as_of": "2017-12-20",
        "baselines": "[{name: popularity}]",
    },
}  # fmt: skip


@contextlib.contextmanager
def home(root):
    """Let runs and data lie in a folder, from the project's folder."""
    with pytest.MonkeyPatch.context() as monkeypatch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("CRM_ML_RUNS", str(root / "runs"))
        monkeypatch.setenv("CRM_ML_DATA", str(root / "data"))
        monkeypatch.setenv("CRM_ML_THREADS", "1")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory):
    """Run ids of the default runs, trained on few customers with one thread, and the folder of all of it."""
    root = tmp_path_factory.mktemp("reproduce")
    households = few_households(root / "households")
    ids = {}
    with home(root):
        for name in DEFAULT:
            wanted = {"replicates": "100", **SMALL[name]}
            if not name.startswith("uplift/"):
                wanted["data.path"] = str(households)
            ids[name] = experiment.run(name, [f"{key}={value}" for key, value in wanted.items()]).run_id
    return ids, root


@pytest.fixture
def runs(trained_runs):
    """Run ids by name, with their store in use."""
    ids, root = trained_runs
    with home(root):
        yield ids


@contextlib.contextmanager
def changed(path, change):
    """Change a JSON artefact within the block."""
    before = path.read_bytes()
    content = json.loads(before)
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)


def artefact(run_id, name):
    return folder(tracking.connect().get_run(run_id)) / name


def reproduced(capsys, *arguments):
    """Exit code of the command and the lines that it showed."""
    code = main(list(arguments))
    return code, capsys.readouterr().out.splitlines()


def account(run_id):
    told = json.loads(artefact(run_id, FILE).read_text(encoding="utf-8"))
    return {one["stage"]: one["content"] for one in told}, told


def store_state():
    client = tracking.connect()
    models = {f"{one.name} {one.version} {one.aliases}" for one in client.search_model_versions()}
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    return models, {run.info.run_id for run in runs}


def test_every_default_run_is_identical_on_other_threads_in_a_fresh_process(runs):
    assert set(SMALL) == set(DEFAULT)
    before = store_state()
    command = [sys.executable, "-m", "crm_ml.train.reproduce", "--threads", "2", *runs.values()]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert [line for line in lines if line.endswith(f"run {runs[CHURN]}")] == [f"{CHURN}, run {runs[CHURN]}"]
    assert lines.count("identical") == len(DEFAULT)
    assert lines[-1] == "identical"
    threads = 'environment (not compared): threads.CRM_ML_THREADS: "1" -> "2"'
    assert lines.count(threads) == len(DEFAULT)
    assert store_state() == before


def test_a_run_logs_each_stage_with_its_sum(runs):
    for name, run_id in runs.items():
        stages, told = account(run_id)
        assert [one["stage"] for one in told] == [TOLD, *COMPARED], name
        assert all(content_sum(one["content"]) == one["sha256"] for one in told), name
        environment = stages[TOLD]
        known = {"git_commit", "git_dirty", "lock_sha256", "python", "cpu", "cores", "threads", "pools"}
        assert known | {"seeds", "as_of", "files"} <= set(environment), name
        assert environment["seeds"]["seed"] == 17, name
        assert "num_threads" not in json.dumps(stages["trials"]), name
        assert stages["predictions"]["metrics"], name
        assert stages["predictions"]["by_model"], name
        assert all("sha256" in one for one in stages["model"]["files"].values()), name
        assert stages["split"]["settings"]["register_as"]["as_of"] == environment["as_of"], name


def test_inputs_are_named_by_file_table_column_and_reason(runs):
    stages, _ = account(runs[CHURN])
    line_file = stages[TOLD]["files"][LINES]
    inputs = stages["inputs"]
    assert line_file["rows"] == inputs["counts"]["order_lines"]["read"] > 0
    assert line_file["schema"]["sales_value"] == "double"
    for name, table in inputs["tables"].items():
        counted = inputs["counts"][name]
        assert table["rows"] == counted["accepted"] == counted["read"] - sum(counted["quarantined"].values())
    assert inputs["tables"]["order_lines"]["columns"]["paid_cents"].startswith("BIGINT ")


def test_one_changed_input_row_is_found_before_anything_is_fitted(runs, trained_runs, capsys):
    lines = trained_runs[1] / "households" / LINES
    before = lines.read_bytes()
    frame = pd.read_parquet(lines)
    frame.loc[frame.index[7], "sales_value"] += 0.01
    frame.to_parquet(lines, index=False)
    try:
        code, said = reproduced(capsys, runs[CHURN])
    finally:
        lines.write_bytes(before)
    assert (code, said[-1]) == (4, "differs: inputs")
    found = [line.partition(": ")[2].partition(":")[0] for line in said if line.startswith("inputs: ")]
    assert found == ["tables.order_lines.columns.paid_cents", "tables.order_lines.sum"]
    assert any(line.startswith(f"environment (not compared): files.{LINES}.sha256") for line in said)
    assert any("not run: inputs differ" in line for line in said)


def test_another_seed_and_another_library_are_named(runs, capsys):
    def reseed(config):
        config["model"]["options"]["seed"] = 5

    def older(stages):
        libraries = next(one for one in stages if one["stage"] == "libraries")
        libraries["content"]["lightgbm"] = "0.0.1"
        libraries["sha256"] = content_sum(libraries["content"])

    run_id = runs[CHURN]
    with changed(artefact(run_id, "config.json"), reseed):
        code, said = reproduced(capsys, run_id)
        assert (code, said[-1]) == (4, "differs: trials")
        assert "trials: settings.model.options.seed: 0 -> 5" in said
        assert any(line.startswith("predictions: by_model.columns.model") for line in said)
        assert not any(line.startswith(("features: ", "split: ", "inputs: ")) for line in said)
        with changed(artefact(run_id, FILE), older):
            code, said = reproduced(capsys, run_id)
    assert (code, said[-1]) == (4, "differs: libraries")
    assert any(line.startswith('libraries: lightgbm: "0.0.1" -> ') for line in said)


def test_what_can_not_be_run_again_is_refused_by_name(runs, capsys):
    run_id = runs[CHURN]
    assert main(["0" * 32]) == 2
    assert "no run '00000000" in capsys.readouterr().err
    assert main(["../../etc"]) == 2
    capsys.readouterr()

    def moved(config):
        config["data"]["path"] = "nowhere"

    with changed(artefact(run_id, "config.json"), moved):
        assert main([run_id]) == 2
    assert f"order_lines: {LINES} does not exist" in capsys.readouterr().err
    with changed(artefact(run_id, FILE), lambda stages: stages[2]["content"].update(more=1)):
        assert main([run_id]) == 4
    assert "inputs does not agree with its sum" in capsys.readouterr().err
    kept = artefact(run_id, FILE)
    kept.rename(kept.with_suffix(".aside"))
    try:
        assert main([run_id]) == 2
    finally:
        kept.with_suffix(".aside").rename(kept)
    assert f"has no readable {FILE}" in capsys.readouterr().err
    assert facts(tracking.connect().get_run(run_id), "reproduction")
    with pytest.raises(SystemExit) as stopped:
        main([run_id, "--threads", "0"])
    assert stopped.value.code == 2


def lines_of(paid):
    rows = {
        "customer_id": list("abcd"), "order_id": list("1234"), "item_id": ["x"] * 4, "quantity": [1] * 4,
        "ordered_at_epoch_s": [0, 1, 2, 3], "paid_cents": paid, "discount_cents": [0] * 4,
        "coupon_cents": [0] * 4,
    }  # fmt: skip
    return Tables(customers=pd.DataFrame({"customer_id": list("abcd")}), order_lines=pd.DataFrame(rows))


def test_sums_of_tables_know_pairs_and_places_but_no_order():
    first = table_sums(lines_of([5, 5, 7, 7]))["order_lines"]
    assert first["rows"] == 4
    other = table_sums(lines_of([6, 6, 7, 7]))["order_lines"]  # a XOR is blind to pairs
    assert other["columns"]["paid_cents"] != first["columns"]["paid_cents"]
    swapped = table_sums(lines_of([7, 5, 5, 7]))["order_lines"]
    assert swapped["columns"] == first["columns"]
    assert swapped["sum"] != first["sum"]
    tables = lines_of([5, 5, 7, 7])
    backwards = Tables(customers=tables.customers, order_lines=tables.order_lines.iloc[::-1])
    assert table_sums(backwards)["order_lines"] == first


def test_sums_of_columns_know_the_row_and_the_last_bit_of_a_value():
    frame = pd.DataFrame({"a": [0.1, 0.2, np.nan], "b": ["x", None, "y"]}, index=["k", "l", "m"])
    sums = column_sums(frame)
    assert column_sums(frame.sample(frac=1, random_state=1)) == sums
    nudged = column_sums(frame.assign(a=[np.nextafter(0.1, 1), 0.2, np.nan]))
    assert (nudged["a"] != sums["a"], nudged["b"] == sums["b"]) == (True, True)
    assert column_sums(frame.assign(b=["x", "y", None]))["b"] != sums["b"]
    assert column_sums(frame.set_axis(["l", "k", "m"]))["a"] != sums["a"]
    assert array_sum(np.array([1, 2])) != array_sum(np.array([2, 1]))


def test_files_of_each_kind_of_data_are_found(monkeypatch):
    monkeypatch.chdir(PROJECT)
    assert set(input_files(Data(name="complete_journey"))) >= {LINES, "campaigns.parquet"}
    assert "CDNOW_sample.txt" in input_files(Data(name="cdnow"))
    assert input_files(Data(name="simulated")) == {}
    one = input_files(Data(name="hillstrom", path="pyproject.toml"))
    assert list(one) == ["pyproject.toml"]
    assert len(one["pyproject.toml"]["sha256"]) == 64

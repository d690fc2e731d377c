"""A run that is run again from what it logged is identical, or the first stage that differs is named."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from run_store import facts, folder
from small_runs import DEFAULT, SMALL, home, households_in, settings
from soak import sample
from stores import PROJECT

from crm_ml import tracking
from crm_ml.datasets._input_files import input_files
from crm_ml.storage.manifest import new_folder
from crm_ml.tables import Tables
from crm_ml.train import experiment
from crm_ml.train.record.account import COMPARED, FILE, TOLD, as_artefact, from_artefact
from crm_ml.train.record.fingerprints import (
    array_sum,
    column_sums,
    content_sum,
    differences,
    plain,
    table_sums,
)
from crm_ml.train.reproduce import main

pytestmark = [pytest.mark.xdist_group("reproduce"), pytest.mark.timeout(300)]
CHURN = "churn/lightgbm"
LINES = "transactions.parquet"
WATCHED = str(Path(__file__).parents[1] / "helpers/watched_reproduce.py")


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory):
    """Run ids of the default runs, trained on few customers with one thread, and the folder of all of it.

    Afterwards every matrix that was kept is wrong: who reads one comes to another result.
    """
    root = tmp_path_factory.mktemp("reproduce")
    households = households_in(root / "households")
    with home(root):
        ids = {name: experiment.run(name, settings(name, households)).run_id for name in DEFAULT}
    for kept in (root / "data" / "features").iterdir():
        spoil(kept)
    return ids, root


def spoil(kept):
    """Shift the numbers of a kept matrix, with sums that agree."""
    table = pq.read_table(kept / "matrix.parquet")
    shutil.rmtree(kept)
    for place, field in enumerate(table.schema):
        if str(field.type) in ("int64", "double"):
            table = table.set_column(place, field, pc.add(table.column(place), 1).cast(field.type))
    with new_folder(kept, rows=table.num_rows, columns=table.column_names) as part:
        pq.write_table(table, part / "matrix.parquet")


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


@pytest.mark.slow  # tests/train/test_experiment.py guards the same of one run
@pytest.mark.parametrize("threads", [2, *sample("as many threads as before", [1], 0)])
def test_every_default_run_is_identical_in_a_fresh_process(runs, threads):
    assert set(SMALL) == set(DEFAULT) == set(runs)
    before = store_state()
    command = [sys.executable, WATCHED, "--threads", str(threads), *runs.values()]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, told = (line.rstrip() for line in done.stdout.splitlines())
    titles = [line for line in lines if line.endswith(tuple(f", run {run_id}" for run_id in runs.values()))]
    assert titles == [f"{name}, run {run_id}" for name, run_id in runs.items()]
    assert lines.count("identical") == len(DEFAULT)
    assert not any(line.startswith("differs") for line in lines)
    changed = f'environment (not compared): threads.CRM_ML_THREADS: "1" -> "{threads}"'
    assert lines.count(changed) == (len(DEFAULT) if threads == 2 else 0)
    assert store_state() == before
    check_threads(json.loads(told), threads)


def check_threads(told, threads):
    """The number of threads has reached LightGBM, numba, DuckDB and the pools of OpenMP and BLAS."""
    assert told["early"] == []  # nothing that reads the environment was loaded before it was set
    assert told["fits"] == [threads]
    assert [each["duckdb"] for each in told["environments"]] == [threads] * len(DEFAULT)
    last = told["environments"][-1]
    assert last["numba"] == threads
    assert {pool.split()[0] for pool in last["pools"]} == {"openblas", "openmp"}
    assert {pool.split()[-1] for pool in last["pools"]} == {str(threads)}


def test_a_run_logs_each_stage_with_its_sum(runs):
    for name, run_id in runs.items():
        stages, told = account(run_id)
        assert [one["stage"] for one in told] == [TOLD, *COMPARED], name
        assert all(content_sum(one["content"]) == one["sha256"] for one in told), name
        environment = stages[TOLD]
        known = {"git_commit", "git_dirty", "lock_sha256", "python", "cpu", "cores", "threads"}
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


def test_one_changed_input_row_and_another_library_are_found_before_anything_is_fitted(
    runs, trained_runs, capsys
):
    def older(stages):
        libraries = next(one for one in stages if one["stage"] == "libraries")
        libraries["content"]["lightgbm"] = "0.0.1"
        libraries["sha256"] = content_sum(libraries["content"])

    with one_changed_row(trained_runs[1] / "households" / LINES):
        code, said = reproduced(capsys, runs[CHURN])
        with changed(artefact(runs[CHURN], FILE), older):
            both = reproduced(capsys, runs[CHURN])
    assert (code, said[-1]) == (4, "differs: inputs")
    found = [line.partition(": ")[2].partition(":")[0] for line in said if line.startswith("inputs: ")]
    assert found == ["tables.order_lines.columns.paid_cents", "tables.order_lines.sum"]
    assert any(line.startswith(f"environment (not compared): files.{LINES}.sha256") for line in said)
    assert any("not run: inputs differ" in line for line in said)
    assert not any(line.startswith("libraries: ") for line in said)
    assert (both[0], both[1][-1]) == (4, "differs: libraries")
    installed = importlib.metadata.version("lightgbm")
    assert f'libraries: lightgbm: "0.0.1" -> "{installed}"' in both[1]


@contextlib.contextmanager
def one_changed_row(path):
    """Let the eighth row of a file say one cent more within the block."""
    before = path.read_bytes()
    frame = pd.read_parquet(path)
    frame.loc[frame.index[7], "sales_value"] += 0.01
    frame.to_parquet(path, index=False)
    try:
        yield
    finally:
        path.write_bytes(before)


def test_another_seed_is_named_by_its_setting_and_what_follows_from_it(runs, capsys):
    with changed(
        artefact(runs[CHURN], "config.json"), lambda config: config["model"]["options"].update(seed=5)
    ):
        code, said = reproduced(capsys, runs[CHURN])
    assert (code, said[-1]) == (4, "differs: trials")
    assert "trials: settings.model.options.seed: 0 -> 5" in said
    assert any(line.startswith("model: files.") for line in said)
    assert any(line.startswith("predictions: by_model.columns.model") for line in said)
    assert not any(line.startswith(("libraries: ", "features: ", "split: ", "inputs: ")) for line in said)


def test_a_trial_table_is_logged_and_compared_to_the_last_bit():
    def table(**more):
        second = {
            "number": 1,
            "params": {"leaves": 7, "rate": 0.1 + 0.2},
            "value": 1 / 3,
            "state": "complete",
        }
        failed = {"number": 2, "params": {"leaves": 2}, "value": float("nan"), "state": "failed"}
        return plain({"trials": [second | more, failed], "verdict": {"taken": 1, "margin": -0.0}})

    stages = {name: {} for name in (TOLD, *COMPARED)} | {"trials": table()}
    text = json.dumps(as_artefact(stages), allow_nan=False)  # what JSON does not know stands there as text
    logged = from_artefact(json.loads(text), "a" * 32)["trials"]
    assert differences(logged, table()) == []
    assert logged["trials"][0]["value"].hex() == (1 / 3).hex()
    assert logged["trials"][1]["value"] == "NaN"
    nudged = float(np.nextafter(1 / 3, 1))
    assert differences(logged, table(value=nudged)) == [f"trials.1.value: {1 / 3} -> {nudged}"]
    assert differences(logged, table(state="pruned")) == ['trials.1.state: "complete" -> "pruned"']
    assert differences(logged, table(number=True)) == ["trials.1.number: 1 -> true"]
    swapped = table() | {"trials": table()["trials"][::-1]}
    assert "trials.1.number: 1 -> 2" in differences(logged, swapped)
    assert "trials.2.number: 2 -> absent" in differences(logged, table() | {"trials": table()["trials"][:1]})
    flat = {"a.b": 1, "a": {"b": 2}}
    assert len(differences(flat, flat | {"a.b": 3})) == 1  # though both have one dotted name


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
    assert f"has no readable {FILE}; it was logged by an older version" in capsys.readouterr().err
    client, tag = tracking.connect(), {"mlflow.parentRunId": run_id}
    trial = client.create_run(client.get_run(run_id).info.experiment_id, tags=tag).info.run_id
    assert main([trial]) == 2
    assert f"run {trial} is a trial of run {run_id}; give that one" in capsys.readouterr().err
    client.delete_run(trial)
    assert facts(tracking.connect().get_run(run_id), "reproduction")
    with pytest.raises(SystemExit) as stopped:
        main([run_id, "--threads", "0"])
    assert stopped.value.code == 2


def lines_of(paid):
    rows = {
        "customer_id": list("abcd"), "order_id": list("1234"), "item_id": ["x"] * 4, "quantity": [1] * 4,
        "ordered_at_epoch_s": [10**9 + n for n in range(4)], "paid_cents": paid, "discount_cents": [0] * 4,
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
    twice = pd.DataFrame({"a": [1.0, 1.0]}, index=["k", "k"])  # rows of one key do not cancel out
    assert column_sums(twice) != column_sums(twice + 1)
    assert array_sum(np.array([1, 2])) != array_sum(np.array([2, 1]))


def test_files_of_each_kind_of_data_are_found(monkeypatch, tmp_path):
    monkeypatch.chdir(PROJECT)
    assert set(input_files("complete_journey")) >= {LINES, "campaigns.parquet"}
    sample = input_files("cdnow")["CDNOW_sample.txt"]
    assert sample["rows"] == 6919  # as its authors say
    assert input_files("simulated") == {}
    (tmp_path / "mail.csv").write_text('segment,visit\n"a,b\nc",1\nd,0\n', encoding="utf-8")
    (tmp_path / "notes.csv").write_text('so "it" is\n"', encoding="utf-8")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    found = input_files("hillstrom", str(tmp_path))
    assert list(found) == ["mail.csv", "notes.csv", "torn.parquet"]
    assert found["mail.csv"]["rows"] == 2
    assert found["mail.csv"]["schema"] == {"segment": "VARCHAR", "visit": "VARCHAR"}
    assert set(found["notes.csv"]) == set(found["torn.parquet"]) == {"bytes", "sha256"}
    assert found["mail.csv"]["sha256"] == hashlib.sha256((tmp_path / "mail.csv").read_bytes()).hexdigest()

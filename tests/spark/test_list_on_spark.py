"""A list made by the tasks of Spark has the bytes of the one that DuckDB makes in one process."""

import os
import subprocess
import sys
from datetime import timedelta

import list_by_engine
import pandas as pd
import pytest
import score_world
from list_by_engine import make_list
from spark_cluster import killing_executor

from crm_ml import datasets, features
from crm_ml.parts.dealing import deal
from crm_ml.parts.workers import LocalWorkers
from crm_ml.snapshots import Snapshot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]
PARTS = 4


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("duckdb")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CRM_ML_DATA", str(folder))
        (folder / "configs").mkdir()
        monkeypatch.chdir(folder)
        return make_list(folder, LocalWorkers(), 1)


@pytest.fixture
def folder(project, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(project / "data"))
    return project


def test_a_standalone_cluster_makes_the_same_bytes(folder, standalone, expected):
    assert make_list(folder, standalone, PARTS) == expected


@pytest.mark.parametrize("engine", ["local[2]", "connect"])
def test_local_threads_and_spark_connect_make_the_same_bytes(folder, standalone, cluster, expected, engine):
    assert standalone.session is not None  # whose driver is the server of Spark Connect
    address = cluster.connect if engine == "connect" else engine
    command = [sys.executable, list_by_engine.__file__, address, str(folder), str(PARTS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    lists = sorted((folder / "lists" / "test").glob("20*"))
    assert {path.name: score_world.contents(path) for path in lists} == expected


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(folder, standalone, cluster, expected):
    log, killed = folder / "first.log", folder / "killed"

    def predict(rows):
        import time

        if not log.exists():
            log.write_text(f"{os.getppid()}\n")
            while not killed.exists():
                time.sleep(0.05)
            time.sleep(5)  # until the kill arrives
        return (rows["rfm_days_since_order"].to_numpy() / 90).clip(0, 1)

    with killing_executor(cluster, log, killed):
        assert make_list(folder, standalone, PARTS, predict=predict) == expected
    assert [*(folder / "lists").rglob("*.tmp"), *(folder / "work").rglob("*.tmp")] == []


def test_features_of_all_groups_are_the_same_to_the_bit(folder, standalone):
    tables = datasets.load("simulated", folder, customers=300)
    snapshot = Snapshot("2024-12-01", timedelta(days=28))
    features.write(tables, snapshot, folder / "whole.parquet")
    parted = deal(tables, PARTS, folder / "work")

    def write(number):
        part = parted.parts()[number]
        path = folder / f"{number}.parquet"
        features.write(parted.part(part), snapshot, path, constants=parted.constants)
        return path

    paths = list(standalone.map(write, range(PARTS)))
    whole = pd.read_parquet(folder / "whole.parquet").set_index("customer_id").sort_index()
    dealt = pd.concat(map(pd.read_parquet, paths)).set_index("customer_id").sort_index()
    pd.testing.assert_frame_equal(dealt, whole, check_exact=True)
    assert len(whole.columns) > 90

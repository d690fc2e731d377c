"""A folder whose name is a pattern of names is read by its own name, from the scores to the loaded rows."""

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import score_world
from export_world import export
from score_world import AS_OF, churn_source, contents, settings, usual_catalog

from crm_ml import features
from crm_ml.delivery.loaders import csv_file, duckdb_table
from crm_ml.lists.diff import difference
from crm_ml.score import batch
from crm_ml.score_tables.champion_set import Champions

REAL_WRITE = features.write
written = {}
PACKAGE = Path(batch.__file__).parents[1]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return score_world.tables(tmp_path_factory.mktemp("tables"), n_customers=30)


def write_once(tables, snapshot, path, groups=None, constants=None):
    """Compute the features of a day once for both folders."""
    if snapshot.as_of not in written:
        REAL_WRITE(tables, snapshot, path, groups, constants)
        written[snapshot.as_of] = path.read_bytes()
    path.write_bytes(written[snapshot.as_of])


def everything(folder, tables, monkeypatch):
    """Write two lists, the second after the contacts of the first, compare them, export and load one."""
    monkeypatch.setenv("CRM_ML_DATA", str(folder / "data"))
    for day in (AS_OF, AS_OF + timedelta(days=1)):
        batch.run(settings(as_of=day, daily_cap=10), usual_catalog(), tables, Champions([churn_source()]))
    first, second = sorted((folder / "data/lists/test").glob("2024-*"))
    change = difference(first, second, folder / "changes.parquet")
    export(second, "braze-cloud", folder / "braze")
    csv_file.load(second, folder / "csv")
    duckdb_table.load(second, folder / "crm.duckdb")
    return contents(folder / "data/lists") | {"loaded": loaded(folder / "crm.duckdb"), "change": str(change)}


def loaded(file):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("SELECT count(*) FROM crm_ml_list_rows").fetchall()


def test_a_folder_of_any_name_gives_the_same_lists_exports_and_rows(tmp_path, tables, monkeypatch):
    monkeypatch.setattr(features, "write", write_once)
    wanted = everything(tmp_path / "plain", tables, monkeypatch)
    shutil.copytree(tmp_path / "plain", tmp_path / "day=2024/bx")  # which b* would name as well
    assert everything(tmp_path / "day=2024/b*", tables, monkeypatch) == wanted


def test_all_of_the_package_opens_files_by_their_names():
    """DuckDB takes paths as patterns: `sql.parquet_rows` and `sql.file_literal` write them as names."""
    readers = ("connection.read_", "read_parquet({literal", "read_parquet('", "read_csv([{', '.join(literal")
    guilty = [
        path.name for path in PACKAGE.rglob("*.py") if any(one in path.read_text("utf-8") for one in readers)
    ]
    assert not guilty

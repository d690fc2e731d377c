"""The DuckDB sink: each list once in one file, whatever happens meanwhile."""

import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest
from sink_world import KILLS, forks, kill_often, list_id, table, write_list

from crm_ml.delivery.loaders import duckdb_table
from crm_ml.errors import AlreadyPublished, InputError, IntegrityError


def query(path, sql):
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def counts(path):
    """Rows of each list by the table and by the ledger."""
    if not path.exists():
        return {}, {}
    with duckdb.connect(str(path)) as connection:
        there = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'crm_ml_lists'"
        if not connection.execute(there).fetchall():
            return {}, {}
        rows = "SELECT list_id, count(*) FROM crm_ml_list_rows GROUP BY 1"
        ledger = "SELECT list_id, rows FROM crm_ml_lists"
        return tuple(dict(connection.execute(sql).fetchall()) for sql in (rows, ledger))


def test_rows_come_back_as_they_were(tmp_path):
    found, path = write_list(tmp_path), tmp_path / "new" / "crm.duckdb"
    assert duckdb_table.load(found, path).rows == 1_000
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql("SELECT * FROM crm_ml_list_rows ORDER BY customer_id").to_arrow_table()
    assert rows.to_pylist() == table(1_000, list_id(found)).to_pylist()
    assert query(path, "SELECT list_id, rows, length(sha256) FROM crm_ml_lists") == [
        (list_id(found), 1_000, 64)
    ]
    assert sorted(one.name for one in path.parent.iterdir()) == ["crm.duckdb"]


def test_a_list_is_loaded_once_and_others_beside_it(tmp_path):
    one, other, path = write_list(tmp_path, 10), write_list(tmp_path, 20, day=2), tmp_path / "crm.duckdb"
    duckdb_table.load(one, path)
    with pytest.raises(AlreadyPublished, match=r"already in crm\.duckdb"):
        duckdb_table.load(one, path)
    duckdb_table.load(other, path)
    wanted = {list_id(one): 10, list_id(other): 20}
    assert counts(path) == (wanted, wanted)
    query(path, "UPDATE crm_ml_lists SET sha256 = 'other'")
    with pytest.raises(IntegrityError, match="with another content"):
        duckdb_table.load(one, path)


def test_new_columns_are_added_and_missing_ones_are_null(tmp_path):
    path = tmp_path / "crm.duckdb"
    for number, arms in enumerate([None, ["treat", "explore"], None], start=1):
        more = {} if arms is None else {"seen": pa.array(arms)}
        duckdb_table.load(write_list(tmp_path, 2, day=number, **more), path)
    found = query(path, "SELECT seen, count(*) FROM crm_ml_list_rows GROUP BY 1 ORDER BY 1")
    assert found == [("explore", 1), ("treat", 1), (None, 4)]
    retyped = write_list(tmp_path, 2, day=4, seen=pa.array([1, 2]))
    with pytest.raises(InputError, match="seen is BIGINT in the list and VARCHAR "):
        duckdb_table.load(retyped, path)
    assert len(counts(path)[1]) == 3


def test_rows_of_another_list_id_are_refused(tmp_path):
    path = tmp_path / "crm.duckdb"
    with pytest.raises(IntegrityError, match="3 of another list_id; nothing was loaded"):
        duckdb_table.load(write_list(tmp_path, 3, list_id=pa.array(["other"] * 3)), path)
    assert counts(path) == ({}, {})


def test_a_file_that_another_process_has_open_is_a_clear_error(tmp_path):
    found, path = write_list(tmp_path, 10), tmp_path / "crm.duckdb"
    duckdb_table.load(found, path)
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input(); c.close()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(InputError, match="another process has it open; close it there and load again"):
            duckdb_table.load(write_list(tmp_path, 20, day=2), path)
        other.communicate("\n")
    assert counts(path)[1] == {list_id(found): 10}


def test_what_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "crm.duckdb"
    path.write_text("a,b\n" * 5_000)
    with pytest.raises(InputError, match="it is no DuckDB file"):
        duckdb_table.load(write_list(tmp_path, 1), path)
    assert path.read_text() == "a,b\n" * 5_000
    with pytest.raises(InputError, match="nothing was loaded"):
        duckdb_table.load(write_list(tmp_path, 2), path / "below" / "crm.duckdb")


def test_of_two_loaders_at_once_one_wins_and_one_exits_with_3(tmp_path):
    found, path = write_list(tmp_path / "lists", 8_000), tmp_path / "crm.duckdb"
    ask = forks()
    assert sorted(ask("load", found, "--into", f"duckdb:{path}", twice=True)["codes"]) == [0, 3]
    assert counts(path) == ({list_id(found): 8_000},) * 2


@pytest.mark.soak("kills", KILLS)
def test_kills_at_any_moment_neither_lose_nor_double_a_row(tmp_path):
    """Kill loaders into a file that is not there yet and into one that holds another list, by turns."""
    old, found = write_list(tmp_path / "lists", 100), write_list(tmp_path / "lists", 8_000, day=2)
    path, kept = tmp_path / "db" / "crm.duckdb", {}

    def wanted():
        return kept | {list_id(found): 8_000}

    def check():
        assert counts(path) in ((kept, kept), (wanted(), wanted()))

    def reset():
        for one in path.parent.glob("crm.duckdb*"):
            one.unlink()
        if kept:
            kept.clear()
        else:
            duckdb_table.load(old, path)
            kept[list_id(old)] = 100

    ask = forks()

    def run(**how):
        return ask("load", found, "--into", f"duckdb:{path}", **how)["code"]

    path.parent.mkdir()
    whole = ask("load", found, "--into", f"duckdb:{path}")
    assert whole["code"] == 0
    reset()
    kill_often(run, whole["seconds"], reset, check)
    run(kill_after=whole["seconds"] / 2)
    assert run() in (0, 3)
    assert counts(path) == (wanted(), wanted())
    assert run() == 3
    assert [one.name for one in path.parent.iterdir()] == ["crm.duckdb"]

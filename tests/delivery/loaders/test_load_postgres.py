"""The PostgreSQL sink on a real server: each list once, whatever happens meanwhile."""

import contextlib
import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from sink_world import AS_OF, KILLS, forks, kill_often, list_id, table, write_list

from crm_ml.delivery.loaders import postgres
from crm_ml.errors import AlreadyPublished, ConfigError, InputError, IntegrityError
from crm_ml.score import load as command

pytestmark = [pytest.mark.xdist_group("postgres"), pytest.mark.slow]


@contextlib.contextmanager
def connected(address):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


def query(address, sql):
    with connected(address) as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def counts(address):
    """Rows of each list by the table and by the ledger."""
    there = query(address, "SELECT count(*) FROM pg_class WHERE relname = 'crm_ml_list_rows'")[0][0]
    if not there:
        return {}, {}
    rows = query(address, "SELECT list_id, count(*) FROM crm_ml_list_rows GROUP BY 1")
    return dict(rows), dict(query(address, "SELECT list_id, rows FROM crm_ml_lists"))


def test_rows_come_back_as_they_were_with_their_types(tmp_path, database):
    found = write_list(tmp_path)
    loaded = postgres.load(found)
    assert (loaded.rows, loaded.list_id) == (1_000, list_id(found))
    with connected(database) as cursor:
        cursor.execute("SELECT * FROM crm_ml_list_rows ORDER BY customer_id")
        assert cursor.fetch_arrow_table().to_pylist() == table(1_000, list_id(found)).to_pylist()
    types = "SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = '{}'"
    kinds = {one[0]: one[1:] for one in query(database, types.format("crm_ml_list_rows"))}
    assert kinds["item_ids"] == ("ARRAY", "_text")
    assert kinds["expected_value_cents"] == ("bigint", "int8")
    assert kinds["as_of"] == kinds["send_at"] == ("timestamp with time zone", "timestamptz")
    ledger = query(database, "SELECT list_id, rows, length(sha256) FROM crm_ml_lists")
    assert ledger == [(list_id(found), 1_000, 64)]


def test_a_list_is_loaded_once_and_others_beside_it(tmp_path, database):
    one, other = write_list(tmp_path, 10), write_list(tmp_path, 20, day=2)
    postgres.load(one)
    with pytest.raises(AlreadyPublished, match="already in"):
        postgres.load(one)
    postgres.load(other)
    wanted = {list_id(one): 10, list_id(other): 20}
    assert counts(database) == (wanted, wanted)


def test_a_list_of_another_content_is_no_retry(tmp_path, database):
    one = write_list(tmp_path, 10)
    postgres.load(one)
    query(database, "UPDATE crm_ml_lists SET sha256 = 'other'")
    with pytest.raises(IntegrityError, match="with another content"):
        postgres.load(one)


def test_new_columns_are_added_and_missing_ones_are_null(tmp_path, database):
    old = write_list(tmp_path, 2)
    new = write_list(tmp_path, 2, day=2, arm=pa.array(["treat", "explore"]), seen=pa.array(["x", "y"]))
    postgres.load(old)
    postgres.load(new)
    rows = f"SELECT as_of, arm FROM crm_ml_list_rows ORDER BY list_id = '{list_id(new)}', customer_id"
    found = query(database, rows)
    assert [arm for _, arm in found] == [None, None, "treat", "explore"]
    assert found[0][0] == AS_OF
    retyped = write_list(tmp_path, 2, day=3, seen=pa.array([1, 2]))
    with pytest.raises(InputError, match=r"seen is bigint in the list and text"):
        postgres.load(retyped)
    unknown = write_list(tmp_path, 2, day=4, raw=pa.array([b"x", b"y"]))
    with pytest.raises(InputError, match=r"no type of PostgreSQL is known for raw \(binary\)"):
        postgres.load(unknown)
    assert len(counts(database)[1]) == 2


def test_a_row_that_the_server_refuses_undoes_the_whole_list(tmp_path, database):
    names = pa.array([f"c{i:07d}" for i in range(60_000)])
    twice = write_list(tmp_path, 60_001, customer_id=pa.concat_arrays([names, names[:1]]))
    with pytest.raises(InputError, match="SQLSTATE 23505; nothing was loaded") as error:
        postgres.load(twice)
    assert "c0000000" not in str(error.value)
    nul = write_list(tmp_path, 1, action_id=pa.array(["a\x00b"]))
    with pytest.raises(InputError, match="nothing was loaded"):
        postgres.load(nul)
    assert counts(database) == ({}, {})


def test_rows_of_another_list_id_are_refused(tmp_path, database):
    wrong = write_list(tmp_path, 3, list_id=pa.array(["other"] * 3))
    with pytest.raises(IntegrityError, match="0 rows of 3 came into"):
        postgres.load(wrong)
    assert counts(database) == ({}, {})


def test_the_second_loader_waits_and_takes_over_if_the_first_gives_up(tmp_path, database):
    from adbc_driver_postgresql import dbapi

    found, late = write_list(tmp_path, 10), []
    postgres.load(write_list(tmp_path, 5, day=2))
    with contextlib.closing(dbapi.connect(database)) as first, first.cursor() as cursor:
        cursor.execute("INSERT INTO crm_ml_lists VALUES ($1, 10, $2)", (list_id(found), "other"))
        second = threading.Thread(target=lambda: late.append(postgres.load(found).rows))
        second.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not query(database, waiting)[0][0]:
            assert second.is_alive()
        assert late == []
        first.rollback()
    second.join()
    assert late == [10]


def test_of_two_loaders_at_once_one_wins_and_one_exits_with_3(tmp_path, database):
    found = write_list(tmp_path, 5_000)
    ask = forks(CRM_ML_POSTGRES=database)
    assert sorted(ask("load", found, "--into", "postgres:", twice=True)["codes"]) == [0, 3]
    assert counts(database) == ({list_id(found): 5_000},) * 2


@pytest.mark.soak("kills", KILLS)
def test_kills_at_any_moment_neither_lose_nor_double_a_row(tmp_path, database):
    old, found = write_list(tmp_path, 100), write_list(tmp_path, 5_000, day=2)
    postgres.load(old)
    kept, wanted = {list_id(old): 100}, {list_id(old): 100, list_id(found): 5_000}

    def check():
        seen = counts(database)
        assert seen in ((kept, kept), (wanted, wanted))

    def reset():
        for name in ("crm_ml_list_rows", "crm_ml_lists"):
            query(database, f"DELETE FROM {name} WHERE list_id = '{list_id(found)}'")

    ask = forks(CRM_ML_POSTGRES=database)

    def run(**how):
        return ask("load", found, "--into", "postgres:", **how)["code"]

    whole = ask("load", found, "--into", "postgres:")
    assert whole["code"] == 0
    reset()
    kill_often(run, whole["seconds"], reset, check)
    assert run() in (0, 3)
    assert counts(database) == (wanted, wanted)
    assert run() == 3


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://crm:geheim@/postgres?host={folder}/none", "there is no such socket"),
        ("postgresql://nobody9:geheim@/postgres?host={folder}", "there is no such user"),
        ("postgresql://crm:geheim@/none9?host={folder}", "there is no such database"),
        ("postgresql://crm:geheim@localhost:geheim/postgres", "can't connect"),
        ("geheim://crm:geheim@x", "can't connect"),
    ],
    ids=["socket", "user", "database", "port", "scheme"],  # pytest has the name of a test in the environment
)
def test_an_error_of_the_connection_tells_no_part_of_the_address(
    tmp_path, server, monkeypatch, capsys, caplog, address, says
):
    monkeypatch.setenv("CRM_ML_POSTGRES", address.format(folder=server.folder))
    assert command.main([str(write_list(tmp_path, 1)), "--into", "postgres:"]) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    for secret in ("geheim", "nobody9", "none9", str(server.folder)):
        assert secret not in shown.err + shown.out + caplog.text


def test_the_address_comes_from_the_environment_alone(tmp_path, monkeypatch, capsys):
    found = str(write_list(tmp_path, 1))
    assert command.main([found, "--into", "postgres://crm:geheim@host/db"]) == 2
    shown = capsys.readouterr().err
    assert "never on the command line" in shown
    assert "geheim" not in shown
    monkeypatch.delenv("CRM_ML_POSTGRES", raising=False)
    with pytest.raises(ConfigError, match="set CRM_ML_POSTGRES to the address"):
        postgres.load(write_list(tmp_path, 2))


def test_without_the_driver_the_error_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['adbc_driver_postgresql'] = None\n"
        "from crm_ml.score.load import main\n"
        f"sys.exit(main([{str(write_list(tmp_path, 1))!r}, '--into', 'postgres:']))"
    )
    environment = {"CRM_ML_POSTGRES": "postgresql://nowhere", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'pip install "crm_ml[postgres]"' in done.stderr

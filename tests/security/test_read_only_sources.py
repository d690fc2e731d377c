"""Attacks on sources: queries that write, attach, load or never end, and views that look elsewhere."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from postgres_server import database, server  # noqa: F401  (fixtures)
from soak import drawn, size

from crm_ml.errors import InputError
from crm_ml.tables.databases import DuckTable
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import file_literal, literal
from crm_ml.tables.sql_query import SqlQuery

MAIL = "jane@example.com"
Tried = Callable[[int], None]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project root beside a file that no source may read or write; queries may take .2 s."""
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_ML_QUERY_SECONDS", "0.2")
    (tmp_path / "outside.csv").write_text(f"mail\n{MAIL}\n")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def engine(root: Path) -> "Iterator[duckdb.DuckDBPyConnection]":
    """The connection that sources are copied to."""
    assert root
    with connect() as connection:
        yield connection


def bytes_below(folder: Path) -> dict[str, str]:
    """Sums of all files below a folder but those of the data folder, and all names."""
    places = [path for path in folder.rglob("*") if "data" not in path.relative_to(folder).parts[:1]]
    plain = {
        path for path in places if path.is_file() and not path.name.endswith("-shm")
    }  # locks of a writer
    return {
        str(path): hashlib.md5(path.read_bytes() if path in plain else b"").hexdigest() for path in places
    }


def refused(source: DuckTable | SqlQuery, engine: "duckdb.DuckDBPyConnection", changes: bool = False) -> str:
    """Open a source, which must be refused in one line without a cell, nothing changed and nothing left."""
    before = bytes_below(source.root.parent)
    with pytest.raises(InputError) as error:
        source.open(engine, "rows")
    assert "\n" not in str(error.value)
    assert MAIL not in str(error.value)
    assert changes or bytes_below(source.root.parent) == before
    assert not engine.execute("SELECT 1 FROM duckdb_tables() UNION ALL SELECT 1 FROM duckdb_databases() "
                              "WHERE NOT internal AND database_name <> 'memory'").fetchall()  # fmt: skip
    return str(error.value)


def rows(source: DuckTable | SqlQuery, engine: "duckdb.DuckDBPyConnection") -> list[tuple[object, ...]]:
    source.open(engine, "rows")
    try:
        return engine.execute("SELECT * EXCLUDE (_row) FROM rows ORDER BY _row").fetchall()
    finally:
        engine.execute("DROP TABLE rows")


def made(root: Path, *statements: str, name: str = "shop.db") -> Path:
    with contextlib.closing(sqlite3.connect(root / name, isolation_level=None)) as shop:
        shop.execute("CREATE TABLE things (id TEXT, mail TEXT)")
        shop.execute("INSERT INTO things VALUES ('a', ?)", [MAIL])
        for statement in statements:
            shop.execute(statement)
    return root / name


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
WRITES = {
    "DROP TABLE things": "does not read",
    "PRAGMA journal_mode = wal": "does not read",
    "ATTACH '{out}/new.db' AS other": "does not read",
    "VACUUM INTO '{out}/new.db'": "does not read",
    "EXPLAIN SELECT 1": "does not read",
    "REPLACE INTO things VALUES ('b', '')": "does not read",
    "/* SELECT */ DELETE FROM things": "does not read",
    "-- SELECT\nDROP TABLE things": "does not read",
    "WITH x AS (SELECT 1) DELETE FROM things": "it may read tables alone",
    "WITH x AS (SELECT 1) INSERT INTO things SELECT 1, 2": "it may read tables alone",
    "WITH x AS (SELECT 1) UPDATE things SET id = 'b' RETURNING *": "it may read tables alone",
    "WITH x AS (SELECT 1) REPLACE INTO things SELECT 1, 2": "it may read tables alone",
    "SELECT 1; DROP TABLE things": "several statements",
    "SELECT 1;; ATTACH '{out}/new.db' AS o": "several statements",
    "SELECT load_extension('{out}/evil.so')": "it may read tables alone",
    "SELECT load_extension('{out}/evil.so', 'init')": "it may read tables alone",
    "SELECT fts3_tokenizer('simple')": "it may read tables alone",
    "SELECT readfile('{out}/outside.csv')": "no such function",
    "SELECT writefile('{out}/new', 'x')": "no such function",
    "SELECT edit('x', 'touch {out}/new')": "",
    "SELECT * FROM fsdir('{out}')": "no such table",
    "SELECT * FROM pragma_journal_mode('wal')": "",
    "SELECT * FROM pragma_database_list": "it may read tables alone",
    "SELECT * FROM pragma_writable_schema(1)": "",
    "SELECT * FROM sqlite_dbpage": "no such table",
    "SELECT 'a' REGEXP '(a+)+$'": "no such function",
    "SELECT CAST(mail AS INT), json_extract('{{}}', mail) FROM things": "",
    "SELECT zeroblob(2000000)": "larger than 1,048,576 bytes",
    "SELECT replace(hex(zeroblob(400000)), '0', 'xxxxxxxxxx')": "larger than 1,048,576 bytes",
    "SELECT * FROM large": "larger than 1,048,576 bytes",
    "SELECT * FROM bad": "not UTF-8",
    "SELECT id FROM things WHERE id = ?": "names parameters",
    "SELECT :name": "names parameters",
    "SELECT \0": "no text",
    "SELECT '\ud800'": "no text",
    f"{ENDLESS} SELECT x FROM r": "took longer than 0.2 s",
    f"{ENDLESS} SELECT count(*) FROM r": "took longer than 0.2 s",
    f"{ENDLESS} SELECT group_concat(x) FROM r": "",
    f"{ENDLESS} SELECT 1 FROM r WHERE x < 0": "took longer than 0.2 s",
}
ADDRESSES = [
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite:///shop.db?mode=rwc",
    "sqlite:///file:shop.db?mode=rwc&uri=true",
    "sqlite:///file%3Ashop.db%3Fmode=rwc",
    "sqlite:///shop.db?vfs=unix-none",
    "sqlite:///../outside.db",
    "sqlite:////etc/passwd",
    "sqlite:///link.db",
    "sqlite:///new.db",
    "sqlite:///pipe.db",
    "sqlite+aiosqlite:///shop.db",
    "sqlite+pysqlcipher://:key@/shop.db",
]


def test_a_query_on_sqlite_reads_rows_and_nothing_else(
    root: Path, engine: "duckdb.DuckDBPyConnection", tried: Tried
) -> None:
    made(
        root,
        "CREATE TABLE bad AS SELECT CAST(x'ff6a616e65' AS TEXT) AS x",
        "CREATE TABLE large AS SELECT zeroblob(1500000) AS x",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "INSERT INTO words VALUES ('good morning')",
    )
    (root / "link.db").symlink_to(root.parent / "outside.csv")
    os.mkfifo(root / "pipe.db")
    for query, reason in WRITES.items():
        message = refused(SqlQuery("sqlite:///shop.db", query.format(out=root.parent), root), engine)
        assert reason in message, (query, message)
    for address in ADDRESSES:
        refused(SqlQuery(address, "SELECT 1", root), engine)
    assert rows(SqlQuery("sqlite:///shop.db", "SELECT * FROM things", root), engine) == [("a", MAIL)]
    words = "SELECT text FROM words WHERE words MATCH 'morning'"
    assert rows(SqlQuery("sqlite:///shop.db", words, root), engine) == [("good morning",)]
    tried(len(WRITES) + len(ADDRESSES))


def test_no_file_is_made_beside_sqlite(root: Path, engine: "duckdb.DuckDBPyConnection", tried: Tried) -> None:
    """A log or journal of a program that still writes, or was killed, is read or told, never repaired."""
    query = "SELECT id FROM things"
    logged = made(root, "PRAGMA journal_mode = wal", name="logged.db")
    source = SqlQuery("sqlite:///logged.db", query, root)
    before = bytes_below(root)
    assert rows(source, engine) == [("a",)]
    assert bytes_below(root) == before
    with contextlib.closing(sqlite3.connect(logged, isolation_level=None)) as writer:
        writer.execute("INSERT INTO things VALUES ('b', '')")
        before = bytes_below(root)
        assert rows(source, engine) == [("a",), ("b",)], "a program that writes it is no hindrance"
        assert bytes_below(root) == before
        for end in ("", "-wal"):
            shutil.copy(f"{logged}{end}", root / f"killed.db{end}")
    assert "killed.db-wal" in refused(SqlQuery("sqlite:///killed.db", query, root), engine)
    killed = (
        "import os, sqlite3; c = sqlite3.connect('hot.db'); c.execute('create table things(id)'); "
        "c.executemany('insert into things values (?)', [('a' * 1000,)] * 500); c.commit(); "
        "c.execute('pragma cache_size = 5'); c.execute('update things set id = 1'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed], cwd=root, check=False)
    assert "hot.db-journal" in refused(SqlQuery("sqlite:///hot.db", query, root), engine)
    (root / "text.db").write_text(MAIL * 100)
    assert "no SQLite file" in refused(SqlQuery("sqlite:///text.db", query, root), engine)
    damaged = made(root, name="damaged.db")
    damaged.write_bytes(damaged.read_bytes()[:4096] + b"\xff" * 4096)
    assert "damaged" in refused(SqlQuery("sqlite:///damaged.db", query, root), engine)
    tried(6)


VIEWS = {
    "SELECT * FROM read_csv('{out}/outside.csv')": "reads files out",
    "SELECT * FROM read_csv_auto('{out}/out*.csv')": "reads files out",
    "SELECT * FROM '{out}/outside.csv'": "reads files out",
    "SELECT * FROM read_csv('{root}/../outside.csv')": "reads files out",
    "SELECT * FROM read_csv('{root}/link.csv')": "reads files out",
    "SELECT * FROM read_csv('{root}/*.csv', union_by_name = true)": "reads files out",
    "SELECT * FROM read_csv(['{root}/mine.csv', '{out}/outside.csv'])": "reads files out",
    "SELECT * FROM read_text('{out}/outside.csv')": "reads files out",
    "SELECT * FROM read_blob('{out}/outside.csv')": "reads files out",
    "SELECT * FROM read_text('file://{out}/outside.csv')": "reads files out",
    "SELECT * FROM read_json('{out}/outside.csv')": "reads files out",
    "SELECT * FROM read_parquet('{out}/outside.csv')": "reads files out",
    "SELECT * FROM parquet_metadata('{out}/outside.csv')": "reads files out",
    "SELECT * FROM sniff_csv('{out}/outside.csv')": "reads files out",
    "SELECT * FROM glob('{out}/*')": "reads files out",
    "SELECT * FROM glob('/etc/*')": "reads files out",
    "SELECT * FROM read_csv('/proc/self/environ')": "reads files out",
    "SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')": "reads files out",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')": "reads files out",
    "SELECT * FROM read_csv('http://169.254.169.254/latest')": "reads files out",
    "SELECT * FROM looked('{out}/outside.csv')": "reads files out",
    "SELECT * FROM outer_view": "reads files out",
    "SELECT 1 AS x WHERE 'a' IN (SELECT content FROM read_text('{out}/outside.csv'))": "reads files out",
    "WITH q AS (SELECT * FROM read_text('{out}/outside.csv')) SELECT * FROM q": "reads files out",
    "SELECT * FROM range(1) LEFT JOIN (SELECT * FROM read_text('{out}/outside.csv')) ON true": "reads files",
    "SELECT * FROM query('SELECT * FROM read_text(''{out}/outside.csv'')')": "reads files out",
    "SELECT * FROM sqlite_scan('{out}/x.db', 'things')": "",
    "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')": "",
    "SELECT * FROM load_aws_credentials()": "",
    "SELECT getenv('HOME')": "",
    "SELECT * FROM python_variable": "",
    "SELECT * FROM range(1000000000000)": "took longer than 0.2 s",
    "SELECT count(*) FROM range(10000000000) a, range(1000) b": "took longer than 0.2 s",
    f"{ENDLESS} SELECT x FROM r": "took longer than 0.2 s",
    "SELECT mail::INTEGER AS x FROM mine": "can't be read: Conversion",
    "SELECT error(mail) FROM mine": "can't be read",
    "SELECT strptime(mail, '%Y') FROM mine": "can't be read",
}
STATEMENTS = [
    "COPY (SELECT 1) TO '{out}/new.csv'",
    "COPY (SELECT 1) TO '{root}/../new.parquet'",
    "EXPORT DATABASE '{out}/new'",
    "ATTACH '{out}/new.duckdb' AS new",
    "ATTACH '{out}/outside.csv' AS new (READ_ONLY)",
    "INSTALL httpfs",
    "INSTALL spatial FROM community",
    "LOAD httpfs",
    "LOAD '{out}/evil.duckdb_extension'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET lock_configuration = false",
    "SET allowed_configs = ['threads']",
    "SET secret_directory = '{out}'",
    "SET temp_directory = '{out}/new'",
    "SET log_query_path = '{out}/new'",
    "SET autoload_known_extensions = true",
    "SET python_enable_replacements = true",
    "PRAGMA profile_output = '{out}/new'",
    "PRAGMA enable_profiling",
    "RESET memory_limit",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "CREATE SECRET s (TYPE s3)",
    "IMPORT DATABASE '{out}'",
    "FROM python_variable",
]


def test_a_view_of_a_duckdb_file_sees_the_root_alone(
    root: Path, engine: "duckdb.DuckDBPyConnection", tried: Tried
) -> None:
    python_variable = engine.sql("SELECT 42 AS x").to_arrow_table()
    (root / "mine.csv").write_text("mail\nx\n")
    (root / "link.csv").symlink_to(root.parent / "outside.csv")
    places = {"out": root.parent, "root": root}
    offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    attacks = {}
    with duckdb.connect(str(root / "shop.duckdb"), config=offline) as shop:
        shop.execute(f"CREATE TABLE mine AS SELECT '{MAIL}' AS mail")
        shop.execute("CREATE MACRO looked(place) AS TABLE SELECT * FROM read_text(place)")
        shop.execute(f"CREATE VIEW outer_view AS SELECT * FROM read_text('{root.parent}/outside.csv')")
        shop.execute(f"CREATE VIEW inside AS SELECT * FROM read_csv('{root}/mine.csv')")
        for number, (view, reason) in enumerate(VIEWS.items()):
            with contextlib.suppress(duckdb.Error):  # DuckDB makes no view of what needs an extension
                shop.execute(f"CREATE VIEW view_{number} AS {view.format(**places)}")
                attacks[f"view_{number}"] = reason
    assert len(attacks) > 25
    played = drawn("views of a DuckDB file", list(attacks), size(8, len(attacks), len(attacks)))
    for name in played:
        message = refused(DuckTable(root / "shop.duckdb", name, root), engine)
        assert attacks[name] in message, (name, message)
    assert rows(DuckTable(root / "shop.duckdb", "mine", root), engine) == [(MAIL,)]
    assert rows(DuckTable(root / "shop.duckdb", "inside", root), engine) == [("x",)]
    os.mkfifo(root / "pipe.csv")
    assert "pipe or device" in refused(DuckTable(root / "shop.duckdb", "inside", root), engine)
    before = bytes_below(root.parent)
    with connect(folders=[root]) as confined:
        for statement in STATEMENTS:
            with pytest.raises(duckdb.Error):
                confined.execute(statement.format(**places))
    assert python_variable.num_rows == 1
    assert bytes_below(root.parent) == before
    tried(len(played) + 1 + len(STATEMENTS))


def test_a_root_whose_name_is_a_pattern_is_read_and_opens_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "q? [1]*"
    for folder in (root, tmp_path / "qx 1y"):
        folder.mkdir()
        (folder / "o.csv").write_text("a\n1\n")
    (tmp_path / "other.csv").write_text("a\n1\n")
    with connect(folders=[root]) as confined:
        read = f"SELECT a FROM read_csv({file_literal(root / 'o.csv')})"
        assert confined.execute(read).fetchall() == [(1,)]
        for path in (
            f"{tmp_path}/qx 1y/o.csv",
            f"{tmp_path}/q? [[]1][*]/../other.csv",
            f"{tmp_path}/*/o.csv",
        ):
            with pytest.raises(duckdb.PermissionException):
                confined.execute(f"SELECT a FROM read_csv({literal(path)})")


@pytest.mark.parametrize("limit", ["abc", "1GB'; CREATE TABLE x AS SELECT 1 --", "", "1 GB; SELECT 1", "-"])
def test_a_memory_limit_is_no_sql(limit: str, root: Path) -> None:
    from crm_ml.errors import ConfigError

    assert root
    with contextlib.suppress(ConfigError), connect(memory_limit=limit) as connection:
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


@pytest.mark.slow
def test_what_spills_lies_in_a_private_folder_and_outlives_no_kill(root: Path, tried: Tried) -> None:
    """Sorting of more than its memory, in a process that is killed meanwhile."""
    spills = (
        "from crm_ml.tables.engine import connect; c = connect(1, '60MB'); "
        f"c.execute(\"CREATE TABLE t AS SELECT '{MAIL}' || range AS x FROM range(30000000) ORDER BY x\")"
    )
    planted = root.parent / "planted"
    planted.mkdir()
    environment = os.environ | {"TMPDIR": str(planted), "PYTHONPATH": os.pathsep.join(sys.path)}
    data = Path(os.environ["CRM_ML_DATA"])
    with subprocess.Popen([sys.executable, "-c", spills], env=environment) as sorting:
        until = time.monotonic() + 30
        while not list(data.rglob("*storage*.tmp")) and time.monotonic() < until:
            time.sleep(0.02)
        spilled = list(data.rglob("*storage*.tmp"))
        modes = {path.stat().st_mode & 0o777 for path in data.glob(".private-*")}
        modes |= {path.stat().st_mode & 0o777 for path in data.glob(".private-*/.*")}
        sorting.send_signal(signal.SIGKILL)
    assert spilled
    assert modes == {0o700}
    assert not list(planted.iterdir())
    subprocess.run(
        [sys.executable, "-c", "from crm_ml.tables.engine import connect; connect()"],
        env=environment,
        check=True,
    )
    assert not list(data.glob(".private-*/*")) + list(data.glob(".private-*/.*"))
    tried(4)


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listening.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        for each in held:
            each.close()


KINDS = [
    "mssql+pyodbc://u:canary@h/db",
    "oracle://u:canary@h/db",
    "snowflake://u:canary@h/db",
    "canary://u:canary@h",
    "postgresql+canary://u:canary@h/db",
    "postgresql://u:canary@h:canary/db",
    "postgresql://u:canary@h/db?plugin=canary",
    "${NO_SUCH_VARIABLE}",
    "canary",
]


def test_an_address_that_cant_be_kept_from_writing_is_refused_and_not_shown(
    root: Path, engine: "duckdb.DuckDBPyConnection", tried: Tried
) -> None:
    for url in KINDS:
        assert "canary" not in refused(SqlQuery(url, "SELECT 1", root), engine).lower().replace(
            "canary_url", ""
        )
    for query in (
        "SELECT 1; DROP TABLE x",
        "SELECT ';'",
        "COPY t TO PROGRAM 'touch x'",
        "CALL x()",
        "DO $$ $$",
    ):
        refused(SqlQuery("postgresql://u@127.0.0.1:1/db", query, root), engine)
    for query in (
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT 1 /*!INTO DUMPFILE '/tmp/x'*/",
        "SELECT 1 /*M! */",
    ):
        refused(SqlQuery("mysql://u@127.0.0.1:1/db", query, root), engine)
    tried(len(KINDS) + 8)


SERVER_QUERIES = [
    "WITH x AS (DELETE FROM things RETURNING *) SELECT * FROM x",
    "SELECT 1; COMMIT; DROP TABLE things",
    "SELECT * INTO made FROM things",
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 99)",
    "SELECT writes()",
    "SELECT commits()",
    "SELECT set_config('transaction_read_only', 'off', false), writes()",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT * FROM things FOR UPDATE",
    "SELECT query_to_xml('DELETE FROM things', true, true, '')",
    "SELECT dblink_exec('', 'DELETE FROM things')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT mail::int FROM things",
    "SELECT pg_sleep(60)",
    "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
    "SELECT generate_series(1, 1000000000000)",
    f"{ENDLESS} SELECT count(*) FROM r",
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pg8000"])
def test_a_query_on_postgresql_reads_rows_and_nothing_else(
    driver: str,
    root: Path,
    request: pytest.FixtureRequest,
    engine: "duckdb.DuckDBPyConnection",
    tried: Tried,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip(driver)
    monkeypatch.setenv("CRM_ML_QUERY_SECONDS", "1")
    address, postgres = request.getfixturevalue("database"), request.getfixturevalue("server")
    name = address.partition("@/")[2].partition("?")[0]

    def psql(statement: str) -> str:
        return str(postgres.run("psql", "-h", str(postgres.folder), "-U", "crm", name, "-qAtc", statement))

    psql(f"CREATE TABLE things (id text, mail text); INSERT INTO things VALUES ('a', '{MAIL}')")
    psql("CREATE SEQUENCE numbers")
    psql("CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS $$ DELETE FROM things RETURNING 1 $$")
    body = "BEGIN COMMIT; DELETE FROM things; RETURN 1; END"
    psql(f"CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS $$ {body} $$")
    state = "SELECT (SELECT count(*) FROM things), last_value, is_called, (SELECT count(*) FROM pg_class), " \
            "(SELECT count(*) FROM pg_largeobject_metadata) FROM numbers"  # fmt: skip
    before = psql(state)
    socket_file = f"unix_sock={postgres.folder}/.s.PGSQL.5432"
    place = socket_file if driver == "pg8000" else f"host={postgres.folder}"
    url = f"postgresql+{driver}://crm@/{name}?{place}"
    for query in SERVER_QUERIES:
        refused(SqlQuery(url, query, root), engine)
    assert rows(SqlQuery(url, "SELECT lo_create(0) IS NOT NULL;", root), engine), (
        "undone with the transaction"
    )
    assert psql(state) == before
    assert rows(SqlQuery(url, "SELECT id FROM things", root), engine) == [("a",)]
    with silent_server() as port:
        refused(SqlQuery(f"postgresql+{driver}://u:p@127.0.0.1:{port}/db", "SELECT 1", root), engine)
    tried(len(SERVER_QUERIES) + 2)

"""The DuckDB loader: the rows of lists in one table of a database file, each list once.

A list is loaded in one transaction together with its entry in the ledger ``crm_ml_lists``, so that a retry
after a kill neither loses nor doubles a row. Loaders of one folder wait for each other.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.delivery.loaders.load_once import (
    LEDGER,
    ROWS,
    Loaded,
    Verified,
    check_loaded,
    refuse_loaded,
    verify,
)
from crm_ml.errors import InputError
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.manifest import sync
from crm_ml.storage.workspace import discard, locked, new_workspace
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident, literal, parquet_rows

if TYPE_CHECKING:
    import duckdb


NAMES = ("duckdb",)
TARGET = "PATH"


def load(folder: Path, target: str | Path) -> Loaded:
    """Load a list into a DuckDB file, which is made where it is missing.

    Parameters
    ----------
    folder : Path
        A list, or the folder of all lists of a name, whose newest is loaded.
    target : str or Path
        The database file; its tables ``crm_ml_lists`` (one row a list) and ``crm_ml_list_rows``. Columns that
        the table does not have yet are added, and are null in older rows.

    Raises
    ------
    InputError
        If there is no list, another process has the file open, it is no DuckDB file or can't be written, or a
        column has another type there.
    AlreadyPublished
        If the list is in it already (exit code 3).
    IntegrityError
        If the list is damaged, or is there with another content (exit code 4).
    """
    verified, target = verify(folder), Path(target)
    with _translate_errors(target), contextlib.ExitStack() as stack:
        make_folder(target.parent)
        stack.enter_context(locked(target.parent, wait=True))
        _make(target)
        connection = _open(target)
        stack.callback(connection.close)
        _load(connection, verified, target.name)
    return Loaded(verified.list_id, verified.rows, str(target))


def _load(connection: "duckdb.DuckDBPyConnection", verified: Verified, where: str) -> None:
    """Load in one transaction; closing the connection before its end undoes all of it."""
    connection.execute("BEGIN TRANSACTION")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {LEDGER} "
        "(list_id VARCHAR PRIMARY KEY, rows BIGINT NOT NULL, sha256 VARCHAR NOT NULL)"
    )
    there = connection.execute(
        f"SELECT sha256 FROM {LEDGER} WHERE list_id = ?", [verified.list_id]
    ).fetchall()
    if there:
        refuse_loaded(verified, there[0][0], where)
    read = f"SELECT * FROM {parquet_rows(verified.file)}"
    connection.execute(f"CREATE TABLE IF NOT EXISTS {ROWS} AS {read} LIMIT 0")
    _fit_columns(connection, read, where)
    connection.execute(
        f"INSERT INTO {LEDGER} VALUES (?, ?, ?)", [verified.list_id, verified.rows, verified.sha256]
    )
    loaded = connection.execute(f"INSERT INTO {ROWS} BY NAME {read}").fetchall()[0][0]
    strangers = f"SELECT count(*) FROM ({read}) WHERE list_id IS DISTINCT FROM ?"
    check_loaded(verified, loaded, connection.execute(strangers, [verified.list_id]).fetchall()[0][0], where)
    connection.execute("COMMIT")


def _fit_columns(connection: "duckdb.DuckDBPyConnection", read: str, where: str) -> None:
    """Add the columns that the table lacks, and refuse those of another type."""
    there = _types(connection, f"SELECT * FROM {ROWS}")
    differ = []
    for name, kind in _types(connection, read).items():
        if name not in there:
            connection.execute(f"ALTER TABLE {ROWS} ADD COLUMN {ident(name)} {kind}")
        elif there[name] != kind:
            differ.append(f"{name} is {kind} in the list and {there[name]} in {where}")
    if differ:
        raise InputError(f"{'; '.join(differ)}; load into another file")


def _types(connection: "duckdb.DuckDBPyConnection", query: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def _make(target: Path) -> None:
    """Make an empty database where there is none, whole or not at all; the caller holds the folder's lock."""
    import duckdb

    for space in target.parent.glob(f".{target.name}.*.tmp"):
        discard(space)
    if target.exists():
        return
    with private_files(), new_workspace(target) as space:
        duckdb.connect(str(space / target.name)).close()
        sync(space / target.name)
        (space / target.name).rename(target)
    sync(target.parent)


def _open(target: Path) -> "duckdb.DuckDBPyConnection":
    """Open the file with the threads, memory and time zone of the package's own connections."""
    connection = connect()
    connection.execute(f"ATTACH {literal(target)} AS target")
    connection.execute("USE target")
    return connection


@contextlib.contextmanager
def _translate_errors(target: Path) -> Iterator[None]:
    import duckdb

    try:
        yield
    except (OSError, duckdb.Error) as error:
        text = str(error)
        if "lock" in text.lower():
            reason = "another process has it open; close it there and load again"
        elif "not a valid DuckDB database file" in text:
            reason = "it is no DuckDB file"
        else:
            reason = text.splitlines()[0]
        raise InputError(f"{target}: {reason}; nothing was loaded") from error

"""The PostgreSQL loader: the rows of lists in one table of a database, each list once.

A list is loaded by binary COPY in one transaction together with its entry in the ledger ``crm_ml_lists``. Of
two loaders the second waits at the ledger's primary key until the first has committed, or takes over if it
died.
The address is read from the environment and appears in no error and no log; neither does what the server or
the driver says, since that may hold parts of it or of a row: its SQLSTATE does.
"""

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import environment
from crm_ml.delivery.loaders.load_once import (
    KEY,
    LEDGER,
    ROWS,
    Loaded,
    Verified,
    check_loaded,
    refuse_loaded,
    verify,
)
from crm_ml.errors import ConfigError, InputError
from crm_ml.extras import require
from crm_ml.tables.sql import columns, ident

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = ("postgres", "postgresql")
TARGET = ""
ADDRESS = "CRM_ML_POSTGRES"
WHERE = "the database of CRM_ML_POSTGRES"
_CONNECT_S = "10"
_LOCK = 7_262_451_310_417_204_811  # any number that no other program takes for its advisory lock
_REASONS = {
    "password authentication failed": "the password is not accepted",
    "no password supplied": "a password is needed",
    "no pg_hba.conf entry": "the server does not admit this user from here",
    "Connection refused": "no server listens there",
    "No such file or directory": "there is no such socket",
    "could not translate host name": "the host is unknown",
    "timeout": "the server did not answer in time",
    "role": "there is no such user",
    "database": "there is no such database",
}


def load(folder: Path, target: str = "") -> Loaded:
    """Load a list into the PostgreSQL database whose address stands in ``CRM_ML_POSTGRES``.

    The tables ``crm_ml_lists`` (one row a list) and ``crm_ml_list_rows`` (key list_id, customer_id, slot) are
    made in the first schema of the search path where they are missing. Columns that the table does not have
    yet are added, and are null in older rows.

    Parameters
    ----------
    folder : Path
        A list, or the folder of all lists of a name, whose newest is loaded.
    target : str
        Must be empty: an address on the command line would be seen by all users of the machine.

    Raises
    ------
    ConfigError
        If the address or the driver is missing, or a target is given.
    InputError
        If there is no list, the server can't be reached or refuses, or a column has another type there.
    AlreadyPublished
        If the list is in it already, also when another loader was faster (exit code 3).
    IntegrityError
        If the list is damaged, or is there with another content (exit code 4).
    """
    if target:
        raise ConfigError(f"the address stands in {ADDRESS}, never on the command line; write postgres:")
    address = environment.text(ADDRESS)
    if not address:
        raise ConfigError(
            f"set {ADDRESS} to the address of the database: postgresql://user@host:port/database"
        )
    driver = _driver()
    verified = verify(folder)
    types = _types(verified.schema())
    os.environ.setdefault("PGCONNECT_TIMEOUT", _CONNECT_S)  # of libpq, for an address that names none
    with _translate_errors(driver), contextlib.ExitStack() as stack:
        connection = stack.enter_context(contextlib.closing(driver.connect(address)))
        cursor = stack.enter_context(contextlib.closing(connection.cursor()))
        _make_tables(connection, cursor, types)
        _load(cursor, verified)
        connection.commit()
    return Loaded(verified.list_id, verified.rows, WHERE)


def _driver() -> Any:
    require("adbc_driver_postgresql.dbapi", "the PostgreSQL loader")
    return importlib.import_module("adbc_driver_postgresql.dbapi")


def _load(cursor: Any, verified: Verified) -> None:
    """Enter the list into the ledger, waiting for another loader of it, and copy its rows."""
    import pyarrow as pa

    entry = (
        f"INSERT INTO {LEDGER} (list_id, rows, sha256) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
    )
    cursor.execute(entry, (verified.list_id, verified.rows, verified.sha256))
    if not cursor.fetchall():
        cursor.execute(f"SELECT sha256 FROM {LEDGER} WHERE list_id = $1", (verified.list_id,))
        refuse_loaded(verified, cursor.fetchall()[0][0], WHERE)
    reader = pa.RecordBatchReader.from_batches(verified.schema().remove_metadata(), verified.batches())
    cursor.adbc_ingest(ROWS, reader, mode="append")
    count = f"SELECT count(*), count(*) FILTER (WHERE list_id = $1) FROM {ROWS} WHERE list_id = $1"
    cursor.execute(count, (verified.list_id,))
    rows = cursor.fetchall()[0][0]
    check_loaded(verified, rows, verified.rows - rows, WHERE)


def _make_tables(connection: Any, cursor: Any, types: dict[str, str]) -> None:
    """Make what is missing, in a transaction of its own; a lock is taken only if something is."""
    if _missing(cursor, types):
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        cursor.fetchall()
        for statement in _missing(cursor, types):
            cursor.execute(statement)
    connection.commit()


def _missing(cursor: Any, types: dict[str, str]) -> list[str]:
    """Return the statements that make what is missing, and refuse columns of another type."""
    cursor.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace "
        f"AND c.relname IN ('{LEDGER}', '{ROWS}')"
    )
    existing = cursor.fetchall()
    there = {name: kind for table, name, kind in existing if table == ROWS}
    statements = []
    if LEDGER not in {table for table, _, _ in existing}:
        ledger = "(list_id text PRIMARY KEY, rows bigint NOT NULL, sha256 text NOT NULL)"
        statements.append(f"CREATE TABLE {LEDGER} {ledger}")
    if not there:
        cells = ", ".join(f"{ident(name)} {kind}" for name, kind in types.items())
        return [*statements, f"CREATE TABLE {ROWS} ({cells}, PRIMARY KEY ({columns(KEY)}))"]
    differ = [
        f"{name} is {kind} in the list and {there[name]} in {WHERE}"
        for name, kind in types.items()
        if there.get(name, kind) != kind
    ]
    if differ:
        raise InputError(f"{'; '.join(differ)}; load into another schema")
    new = [f"ADD COLUMN {ident(name)} {kind}" for name, kind in types.items() if name not in there]
    return [*statements, *([f"ALTER TABLE {ROWS} {', '.join(new)}"] if new else [])]


def _types(schema: "pa.Schema") -> dict[str, str]:
    """Return the PostgreSQL type of each column.

    Raises
    ------
    InputError
        With all columns that have none.
    """
    types = {field.name: _type(field.type) for field in schema}
    unknown = [f"{field.name} ({field.type})" for field in schema if types[field.name] is None]
    if unknown:
        raise InputError(f"no type of PostgreSQL is known for {', '.join(unknown)}")
    return {name: kind for name, kind in types.items() if kind is not None}


def _type(kind: "pa.DataType") -> str | None:
    import pyarrow as pa

    if pa.types.is_list(kind):
        of = _type(kind.value_type)
        return f"{of}[]" if of else None
    known = {
        pa.string(): "text",
        pa.large_string(): "text",
        pa.int16(): "smallint",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double precision",
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.timestamp("us", tz="UTC"): "timestamp with time zone",
    }
    return known.get(kind)


@contextlib.contextmanager
def _translate_errors(driver: Any) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        state = getattr(error, "sqlstate", None)
        known = (reason for sign, reason in _REASONS.items() if sign in str(error))
        reason = f"SQLSTATE {state}" if state else next(known, "can't connect")
        raise InputError(f"{WHERE}: {reason}; nothing was loaded") from None

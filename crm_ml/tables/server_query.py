"""A query on a database server, in a transaction that the server itself keeps from writing."""

import contextlib
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.tables.query_limits import SizeLimit, chunks, time_limit
from crm_ml.tables.server_errors import explained

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy

_CONNECT_S = 10
_FETCHED_ROWS = 2_000
_WRITES_FILES = re.compile(r"\b(outfile|dumpfile)\b|/\*M?!", re.IGNORECASE)
_OPTIONS: dict[str, dict[str, object]] = {
    "psycopg": {"connect_timeout": _CONNECT_S},
    "psycopg2": {"connect_timeout": _CONNECT_S},
    "pg8000": {"timeout": _CONNECT_S},
    "pymysql": {"connect_timeout": _CONNECT_S, "local_infile": False},
    "mysqldb": {"connect_timeout": _CONNECT_S, "local_infile": 0},
    "mysqlconnector": {"connection_timeout": _CONNECT_S, "allow_local_infile": False},
    "mariadbconnector": {"connect_timeout": _CONNECT_S, "local_infile": False},
}
_OF_TRANSACTION: dict[str, dict[str, Any]] = {"postgresql": {"postgresql_readonly": True}}


def server_rows(url: "sqlalchemy.URL", query: str) -> "pa.Table":
    """Return the rows of a query on a server.

    Parameters
    ----------
    url : sqlalchemy.URL
    query : str
        One statement.

    Raises
    ------
    InputError
        If the server can't be reached or kept from writing, or the query fails, writes, or takes or gives too
        much. No message holds a part of the address, or a cell.
    """
    kind = url.get_backend_name()
    _refuse_statement(query, kind)
    engine = _engine(url)
    try:
        with (
            _quiet_pool(),
            _connected(engine, kind) as connection,
            time_limit(lambda: _shut(connection.connection.driver_connection)) as is_late,
        ):
            _read_only(connection, kind)
            return _table(connection, query, is_late)
    except InputError:
        raise
    except Exception as error:
        raise explained(error, kind) from None
    finally:
        with contextlib.suppress(Exception):
            engine.dispose()


def _refuse_statement(query: str, kind: str) -> None:
    """Refuse several statements, which could end the transaction, and files that a server would write."""
    if ";" in query.rstrip().removesuffix(";"):
        raise InputError(
            "query has a ; within; write one statement, and chr(59) or char(59) for that sign in a text"
        )
    if kind in ("mysql", "mariadb") and _WRITES_FILES.search(query):
        raise InputError("query names OUTFILE, DUMPFILE or a comment that is run; write one that only reads")


def _engine(url: "sqlalchemy.URL") -> "sqlalchemy.Engine":
    import sqlalchemy

    kind = url.get_backend_name()
    if kind not in ("postgresql", "mysql", "mariadb") and kind not in environment.query_backends():
        raise InputError(
            "url names a kind of database whose connections can't be kept from writing; export it to Parquet "
            f"or give it a user that may only read and name the kind in {environment.QUERY_BACKENDS}"
        )
    try:
        driver = url.get_dialect().driver
        return sqlalchemy.create_engine(url, connect_args=_OPTIONS.get(driver, {}), pool_size=1)
    except ImportError as error:
        raise InputError(f"the driver {error.name} of its database is not installed; install it") from None
    except (sqlalchemy.exc.ArgumentError, TypeError, ValueError):
        raise InputError(
            "url names a driver that SQLAlchemy does not know, or an option that the driver does not take; "
            "write one such as postgresql+psycopg://user@host/database"
        ) from None


@contextlib.contextmanager
def _connected(engine: "sqlalchemy.Engine", kind: str) -> "Iterator[sqlalchemy.Connection]":
    """Connect for a block; a connection that was cut in it may not be closed in order."""
    connection = engine.connect().execution_options(**_OF_TRANSACTION.get(kind, {}))
    with contextlib.suppress(AttributeError):  # pg8000 takes the time to connect for that of a query too
        connection.connection.driver_connection._usock.settimeout(None)  # type: ignore[union-attr]
    try:
        yield connection
    finally:
        with contextlib.suppress(Exception):
            connection.close()


@contextlib.contextmanager
def _quiet_pool() -> Iterator[None]:
    """Keep SQLAlchemy from logging what servers say, which may hold cells, when it closes a connection."""
    log = logging.getLogger("sqlalchemy.pool")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def _read_only(connection: "sqlalchemy.Connection", kind: str) -> None:
    """Let the server refuse to write and end the query in time, and ask it whether it does."""
    seconds = max(1, round(environment.query_seconds()))
    if kind == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {min(seconds * 1_000, 2**31 - 1)}")
        state = connection.exec_driver_sql("SHOW transaction_read_only").scalar()
    elif kind in ("mysql", "mariadb"):
        of_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        limit = f"max_statement_time = {seconds}" if of_mariadb else f"max_execution_time = {seconds * 1_000}"
        connection.exec_driver_sql(f"SET SESSION {limit}")
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
        name = "tx_read_only" if of_mariadb else "transaction_read_only"
        state = connection.exec_driver_sql(f"SELECT @@SESSION.{name}").scalar()
    else:
        return
    if str(state).lower() not in ("on", "1"):
        raise InputError("the server did not begin a read-only transaction; nothing was read")


def _table(connection: "sqlalchemy.Connection", query: str, is_late: Callable[[], bool]) -> "pa.Table":
    import sqlalchemy

    from crm_ml.tables.python_rows import to_arrow

    statement = sqlalchemy.text(query.rstrip().removesuffix(";"))
    result = connection.execute(statement, execution_options={"stream_results": True})
    names = [str(name) for name in result.keys()]  # noqa: SIM118  (a result is no dict)

    def fetch(rows: int) -> list[Any]:
        return list(result.fetchmany(rows))

    return to_arrow(names, chunks(fetch, _FETCHED_ROWS, is_late), SizeLimit().add)


def _shut(raw: Any) -> None:
    """Shut the socket of a connection down: whoever waits for it goes on, and the server stops by itself."""
    own = getattr(raw, "_usock", None) or getattr(raw, "_sock", None)  # of pg8000, of PyMySQL
    if own is not None:
        own.shutdown(socket.SHUT_RDWR)
        return
    with socket.socket(fileno=os.dup(raw.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)

"""DuckDB connections; DuckDB is the default engine and is opened only here."""

import contextlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

DEFAULT_THREADS = 2


def connect(threads: int | None = None, memory_limit: str | None = None) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that spills to disk and works in UTC.

    Parameters
    ----------
    threads : int, optional
        Worker threads; by default ``CRM_ML_THREADS`` or 2.
    memory_limit : str, optional
        Such as ``"1GB"``; beyond it DuckDB spills to a temporary folder. By default ``CRM_ML_MEMORY`` or the
        limit of DuckDB.

    Returns
    -------
    duckdb.DuckDBPyConnection

    Raises
    ------
    ConfigError
        If ``CRM_ML_THREADS`` is no whole number above 0.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads or _threads(),
        "temp_directory": str(Path(tempfile.gettempdir()) / "crm_ml_duckdb"),
    }
    limit = memory_limit or os.environ.get("CRM_ML_MEMORY")
    if limit:
        config["memory_limit"] = limit
    connection = duckdb.connect(":memory:")
    for key, value in config.items():
        connection.execute(f"SET {key} = '{value}'")
    return _in_utc(connection)


def connect_for_frames() -> "duckdb.DuckDBPyConnection":
    """Return a connection for Arrow frames that are not registered by name.

    All such connections of a process share one DuckDB, since opening one takes longer than a small query.
    """
    return cursor_of(_shared(os.getpid(), _threads(), os.environ.get("CRM_ML_MEMORY")))


def cursor_of(connection: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    """Return another connection to the same database, for a thread of its own."""
    return _in_utc(connection.cursor())


def _in_utc(connection: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    """Set the options of a connection that are not shared by its database."""
    import duckdb

    connection.execute("SET TimeZone = 'UTC'")
    with contextlib.suppress(duckdb.InvalidInputException):  # Jupyter without ipywidgets has no bar to stop
        connection.execute("SET enable_progress_bar = false")
    return connection


@cache
def _shared(_process: int, threads: int, memory_limit: str | None) -> "duckdb.DuckDBPyConnection":
    return connect(threads, memory_limit)


def _threads() -> int:
    threads = os.environ.get("CRM_ML_THREADS") or str(DEFAULT_THREADS)
    if not (threads.strip().isdecimal() and int(threads) > 0):
        raise ConfigError(f"CRM_ML_THREADS is {threads!r}; set it to a whole number above 0, such as 2")
    return int(threads)

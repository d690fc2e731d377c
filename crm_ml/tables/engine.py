"""The one place that opens DuckDB, the default engine."""

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
        Worker threads; ``CRM_ML_THREADS`` or 2 without it.
    memory_limit : str, optional
        Such as ``"1GB"``; beyond it DuckDB spills to a temporary folder. ``CRM_ML_MEMORY`` or DuckDB's own
        default without it.

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
    """Return a connection for frames of Arrow that get no name in it.

    Such connections of a process share one DuckDB: opening one takes longer than to sum up a small frame.
    """
    return _in_utc(_shared(os.getpid(), _threads(), os.environ.get("CRM_ML_MEMORY")).cursor())


def _in_utc(connection: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    """Set what belongs to a connection and not to its DuckDB."""
    import duckdb

    connection.execute("SET TimeZone = 'UTC'")
    with contextlib.suppress(duckdb.InvalidInputException):  # Jupyter without ipywidgets has no bar to stop
        connection.execute("SET enable_progress_bar = false")
    return connection


@cache
def _shared(_process: int, threads: int, memory_limit: str | None) -> "duckdb.DuckDBPyConnection":
    return connect(threads, memory_limit)


def _threads() -> int:
    given = os.environ.get("CRM_ML_THREADS") or str(DEFAULT_THREADS)
    if not (given.strip().isdecimal() and int(given) > 0):
        raise ConfigError(f"CRM_ML_THREADS is {given!r}; set it to a whole number above 0, such as 2")
    return int(given)

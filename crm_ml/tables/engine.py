"""DuckDB connections; DuckDB is the default engine and is opened only here.

None of them loads or fetches an extension, keeps a secret, reads variables of Python or lets SQL change its
settings. Those that are told their folders read and write nothing else.
"""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import environment
from crm_ml.errors import ConfigError
from crm_ml.storage.private_scratch import process_scratch
from crm_ml.tables.sql import file_literal, literal

if TYPE_CHECKING:
    import duckdb

logger = logging.getLogger(__name__)
_spill_numbers = itertools.count()
_CLOSED: dict[str, bool | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "allowed_configs": ["TimeZone", "enable_progress_bar", "arrow_lossless_conversion"],
}
_FLUSHED_ROWS = 20_000  # of a file in a partitioned write, which holds all of them in memory until then


def connect(
    threads: int | None = None, memory_limit: str | None = None, folders: Iterable[Path] | None = None
) -> "duckdb.DuckDBPyConnection":
    """Open an in-memory DuckDB that spills to disk and works in UTC.

    Parameters
    ----------
    threads : int, optional
        Worker threads; by default ``CRM_ML_THREADS`` or 2.
    memory_limit : str, optional
        Such as ``"1GB"``; beyond it DuckDB spills to a private folder
        (`crm_ml.storage.private_scratch.process_scratch`). By default ``CRM_ML_MEMORY`` or the limit of
        DuckDB.
    folders : iterable of Path, optional
        What it may read and write, also through links; by default any file.

    Returns
    -------
    duckdb.DuckDBPyConnection

    Raises
    ------
    ConfigError
        If ``CRM_ML_THREADS`` is no whole number above 0, or the limit no size.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = dict(_CLOSED)
    config |= {"threads": threads or environment.threads(), "temp_directory": _spill_folder()}
    config["partitioned_write_flush_threshold"] = _FLUSHED_ROWS
    if limit := memory_limit or environment.memory():
        config["memory_limit"] = limit
    try:
        connection = duckdb.connect(":memory:", config=config)
    except (duckdb.ParserException, duckdb.InvalidInputException):
        raise ConfigError("CRM_ML_MEMORY is no size; write it as 4GB or 500MB") from None
    if folders is not None:
        # a path in SQL is a pattern, which DuckDB compares as it is written and then as what it matches
        allowed = ", ".join(form(folder.resolve()) for folder in folders for form in (literal, file_literal))
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return _in_utc(connection)


def _spill_folder() -> str:
    """Return a folder to be made by DuckDB when it spills; none where nothing can be written."""
    if os.name != "posix":  # no locks by which the folder of a dead process is known
        return ""
    try:
        return str(process_scratch().absolute() / f"spill-{next(_spill_numbers)}")
    except OSError as error:
        logger.warning("DuckDB can't spill to disk: the data folder can't be written (%s)", error.strerror)
        return ""


def connect_for_frames() -> "duckdb.DuckDBPyConnection":
    """Return a connection for Arrow frames that are not registered by name.

    All such connections of a process share one DuckDB, since opening one takes longer than a small query.
    """
    return cursor_of(_shared(os.getpid(), environment.threads(), environment.memory()))


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

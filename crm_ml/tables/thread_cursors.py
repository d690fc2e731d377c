"""Relations for the calling thread: a DuckDB connection serves one thread of one process at a time."""

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.tables.engine import connect, cursor_of

if TYPE_CHECKING:
    import duckdb

_OF_PARENT = "a forked process has no part in the DuckDB in memory of its parent: load the tables in it"
_OF_THREAD = "another thread can't read temporary tables and frames of a DuckDB connection: use plain tables"


class ThreadCursors:
    """A connection of the thread that makes this, of which each other thread takes a cursor.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection, optional
        Without it, relations can't be moved to another thread.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> connection = connect()
    >>> cursors = ThreadCursors(connection)
    >>> numbers = {"numbers": connection.sql("SELECT 42 AS number")}
    >>> with ThreadPoolExecutor() as pool:
    ...     pool.submit(lambda: cursors.moved(numbers)[0]["numbers"].fetchall()).result()
    [(42,)]
    """

    def __init__(self, connection: "duckdb.DuckDBPyConnection | None" = None) -> None:
        self._connection = connection
        self._process, self._thread = os.getpid(), threading.get_ident()

    @property
    def connection(self) -> "duckdb.DuckDBPyConnection | None":
        """The connection, of the thread that is at home; None where it is unknown."""
        return self._connection

    @property
    def at_home(self) -> bool:
        """Whether the calling thread is the one of the connection."""
        return (self._process, self._thread) == (os.getpid(), threading.get_ident())

    def moved(self, relations: Mapping[str, Any]) -> "tuple[dict[str, Any], ThreadCursors]":
        """Return relations of the connection on one of the calling thread, with the cursors of that one.

        In a forked process it is a fresh connection, since the threads of the DuckDB of the parent are not
        there.

        Raises
        ------
        InputError
            If the connection is unknown, or the relations read what is not in the database of all its cursors
            (temporary tables, frames), or in a forked process anything but files.
        """
        import duckdb

        forked = os.getpid() != self._process
        connection = connect() if forked else self._cursor()
        try:
            moved = {name: connection.sql(relation.sql_query()) for name, relation in relations.items()}
        except duckdb.Error as error:
            reason = _OF_PARENT if forked else _OF_THREAD
            raise InputError(f"tables: {reason}, or pass tables.to('polars')") from error
        return moved, ThreadCursors(connection)

    def _cursor(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            raise InputError(
                "tables: their DuckDB connection belongs to another thread; make them with "
                "Tables(..., cursors=ThreadCursors(connection)), or pass tables.to('polars')"
            )
        return cursor_of(self._connection)

"""Queries on databases as sources, SQLite files and servers that SQLAlchemy knows; none of them writes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import environment
from crm_ml.errors import InputError
from crm_ml.tables.sources import copy_rows, inside, refuse_row_column
from crm_ml.tables.sql import ident

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import sqlalchemy

_READS = re.compile(r"\s*(--[^\n]*\n\s*|/\*.*?\*/\s*|\()*(select|with|values)\b", re.IGNORECASE | re.DOTALL)
_FROM_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class SqlQuery:
    """A query on a database; `url` may be ``${NAME}`` from the environment."""

    url: str
    query: str
    root: Path

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the rows of the query.

        Raises
        ------
        InputError
            If the query is none that reads, the database can't be reached or opened for reading alone, or it
            takes or gives too much (`crm_ml.tables.query_limits`).
        """
        if not _READS.match(self.query):
            raise InputError("query does not read; write one that begins with SELECT, WITH or VALUES")
        rows = self._rows(self._url())
        refuse_row_column(dict.fromkeys(rows.column_names, ""))
        connection.register(f"{view}_rows", rows)
        try:
            return copy_rows(connection, view, f"SELECT * FROM {ident(view + '_rows')}")
        finally:
            connection.unregister(f"{view}_rows")

    def _rows(self, url: "sqlalchemy.URL") -> "pa.Table":
        if url.get_backend_name() != "sqlite":
            from crm_ml.tables.server_query import server_rows

            return server_rows(url, self.query)
        from crm_ml.tables.sqlite_query import sqlite_rows

        if url.drivername not in ("sqlite", "sqlite+pysqlite") or url.query or not url.database:
            raise InputError("url of a SQLite file is sqlite:///path/in/the/root.db, without options")
        return sqlite_rows(inside(self.root, url.database, must_exist=True), self.query)

    def digest(self) -> None:
        """Return None: the content is known once the query has run."""
        return

    @property
    def files(self) -> tuple[Path, ...]:
        """No file."""
        return ()

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the rows are those of the query."""

    def _url(self) -> "sqlalchemy.URL":
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        variable = _FROM_ENVIRONMENT.fullmatch(self.url)
        text = environment.text(variable[1]) if variable else self.url
        if not text:
            raise InputError(f"the environment variable {variable[1] if variable else ''} is not set")
        try:
            return make_url(text)
        except (ArgumentError, ValueError):  # a ValueError of a port shows parts of the password
            raise InputError(
                "url is no SQLAlchemy URL; write one such as sqlite:///crm.db, with signs such as @ as %40"
            ) from None

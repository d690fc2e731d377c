"""Database sources: a table of a DuckDB file, and a query on any database that SQLAlchemy supports."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.tables.engine import connect
from crm_ml.tables.sources import copy_rows, inside, refuse_row_column
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

_CHUNK_ROWS = 100_000
_READS = re.compile(r"\s*(--[^\n]*\n\s*|/\*.*?\*/\s*|\()*(select|with|values)\b", re.IGNORECASE | re.DOTALL)
_FROM_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class DuckTable:
    """A table or view of a DuckDB file, opened read-only; a view reads no file out of `root`."""

    path: Path
    table: str
    root: Path

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the table, so that the file is released.

        Raises
        ------
        InputError
            If it is a view that reads a file out of the root.
        """
        self._refuse_other_files()
        alias = ident(f"{view}_file")
        connection.execute(f"ATTACH {literal(self.path)} AS {alias} (READ_ONLY)")
        try:
            return copy_rows(connection, view, f"SELECT * FROM {alias}.{self._name}")
        finally:
            connection.execute(f"DETACH {alias}")

    @property
    def _name(self) -> str:
        return ".".join(ident(part) for part in self.table.split("."))

    def _refuse_other_files(self) -> None:
        """Bind the table on a connection that may open files of the root alone."""
        import duckdb

        with connect(folders=[self.root.resolve()]) as confined:
            confined.execute(f"ATTACH {literal(self.path)} AS source (READ_ONLY)")
            try:
                confined.execute(f"SELECT * FROM source.{self._name} LIMIT 0")
            except duckdb.PermissionException:
                raise InputError(
                    f"{self.table} is a view that reads files out of the project root; make it a table, or "
                    "move the files in"
                ) from None

    def digest(self) -> None:
        """Return None: the file may contain other tables."""
        return

    @property
    def files(self) -> tuple[Path, ...]:
        """The database file."""
        return (self.path,)

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the table was copied whole."""


@dataclass(frozen=True)
class SqlQuery:
    """A query on any database that SQLAlchemy supports; `url` may be ``${NAME}`` from the environment."""

    url: str
    query: str
    root: Path

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the rows of the query in chunks."""
        import sqlalchemy

        if not _READS.match(self.query):
            raise InputError("query does not read; write one that begins with SELECT, WITH or VALUES")
        try:
            engine = sqlalchemy.create_engine(self._url())
        except ImportError as error:
            raise InputError(
                f"the driver {error.name} of its database is not installed; install it"
            ) from None
        try:
            with engine.connect().execution_options(stream_results=True, postgresql_readonly=True) as remote:
                if engine.dialect.name == "sqlite":
                    remote.execute(sqlalchemy.text("PRAGMA query_only = ON"))
                result = remote.execute(sqlalchemy.text(self.query))
                return _pull(connection, view, result)
        except sqlalchemy.exc.SQLAlchemyError as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            raise InputError(f"the query fails on {engine.url.render_as_string()}: {reason}") from None
        finally:
            engine.dispose()

    def digest(self) -> None:
        """Return None: the content is known once the query has run."""
        return

    @property
    def files(self) -> tuple[Path, ...]:
        """No file."""
        return ()

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the rows are those of the query."""

    def _url(self) -> Any:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        variable = _FROM_ENVIRONMENT.fullmatch(self.url)
        text = os.environ.get(variable[1]) if variable else self.url
        if not text:
            raise InputError(f"the environment variable {variable[1] if variable else ''} is not set")
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):  # a ValueError of a port shows parts of the password
            raise InputError(
                "url is no SQLAlchemy URL; write one such as sqlite:///crm.db, with signs such as @ as %40"
            ) from None
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            return url.set(database=str(inside(self.root, url.database, must_exist=True)))
        return url


def _pull(connection: "duckdb.DuckDBPyConnection", view: str, result: Any) -> dict[str, str]:
    """Copy a SQLAlchemy result; a column has the type of its Python values, or text if they differ."""
    from crm_ml.tables.python_rows import to_arrow

    names = [str(name) for name in result.keys()]  # noqa: SIM118  (a result is no dict)
    refuse_row_column(dict.fromkeys(names, ""))
    table = to_arrow(names, _chunks(result))
    connection.register(f"{view}_rows", table)
    try:
        return copy_rows(connection, view, f"SELECT * FROM {ident(view + '_rows')}")
    finally:
        connection.unregister(f"{view}_rows")


def _chunks(result: Any) -> Iterator[list[Any]]:
    while rows := result.fetchmany(_CHUNK_ROWS):
        yield rows

"""Queries as sources of tables: those of the package over named files, and the ids that other tables use."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.tables.sources import copy_rows, sha256
from crm_ml.tables.sql import file_literal, ident, parquet_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class FilesQuery:
    """A query of the package itself over named files; it must order its rows uniquely.

    Parameters
    ----------
    sql : str
        A DuckDB query with ``{name}`` where a file is read.
    named : dict of str to Path
        The files.
    """

    sql: str
    named: dict[str, Path]

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the rows of the query."""
        return copy_rows(connection, view, self.sql.format(**{k: _read(v) for k, v in self.named.items()}))

    def digest(self) -> str:
        """Return the sha256 of the query and its files."""
        return hashlib.sha256("".join([self.sql, *map(sha256, self.files)]).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(self.named.values())

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the rows are those of the query."""


def _read(path: Path) -> str:
    """Return what stands for a file in a query: all of a Parquet file, or the path of another one."""
    if path.suffix == ".parquet":
        return f"(FROM {parquet_rows(path)})"
    return file_literal(path)


@dataclass(frozen=True)
class IdsOf:
    """The ids that other tables use, as a table of their own.

    Parameters
    ----------
    ids : str
        A query with the column ``id``.
    column : str
        Name of the column of ids.
    """

    ids: str
    column: str

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the distinct ids in ascending order."""
        select = (
            f"SELECT DISTINCT id AS {ident(self.column)} FROM ({self.ids}) WHERE id IS NOT NULL ORDER BY 1"
        )
        return copy_rows(connection, view, select)

    def digest(self) -> str:
        """Return a constant: the ids are determined by the other tables."""
        return ""

    @property
    def files(self) -> tuple[Path, ...]:
        """No file."""
        return ()

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the rows are those of the query."""

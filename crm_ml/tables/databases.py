"""Tables of DuckDB files as sources, opened read-only; a view in one reads files of the root alone."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.tables.engine import connect
from crm_ml.tables.query_limits import SizeLimit, time_limit
from crm_ml.tables.sources import copy_rows
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH_ROWS = 100_000
_MOST_TIMES = 200
_WITHOUT_CELLS = ("CatalogException", "BinderException", "ParserException")


@dataclass(frozen=True)
class DuckTable:
    """A table or view of a DuckDB file, opened read-only.

    The query of a view is SQL that somebody else wrote, so it runs in a DuckDB of its own, which opens no
    file out of `root` and knows no other source.
    """

    path: Path
    table: str
    root: Path

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the table, so that the file is released.

        Raises
        ------
        InputError
            If it is a view that reads a file out of the root, or it takes or gives too much
            (`crm_ml.tables.query_limits`).
        """
        import duckdb

        alias = ident(f"{view}_file")
        try:
            connection.execute(f"ATTACH {literal(self.path)} AS {alias} (READ_ONLY)")
            try:
                if self._is_stored(connection, f"{view}_file"):
                    with time_limit(connection.interrupt):
                        return copy_rows(connection, view, f"SELECT * FROM {alias}.{self._name}")
            finally:
                connection.execute(f"DETACH {alias}")
            return self._copy_view(connection, view)
        except duckdb.Error as error:
            raise InputError(self._reason(error)) from None

    @property
    def _name(self) -> str:
        return ".".join(ident(part) for part in self.table.split("."))

    def _is_stored(self, connection: "duckdb.DuckDBPyConnection", database: str) -> bool:
        """Return whether the rows stand in the file; a view is a query."""
        schema, _, name = self.table.rpartition(".")
        of_name = "database_name = ? AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)"
        listed = f"SELECT count(*) FROM duckdb_tables() WHERE {of_name}"
        counted = connection.execute(listed, [database, schema or "main", name]).fetchall()
        return bool(counted[0][0])

    def _copy_view(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the rows of a view from a DuckDB that reads the root alone."""
        root = self.root.resolve()
        _refuse_waiting(root)
        with connect(folders=[root]) as confined, time_limit(confined.interrupt):
            confined.execute("SET arrow_lossless_conversion = true")
            confined.execute(f"ATTACH {literal(self.path)} AS source (READ_ONLY)")
            rows = confined.sql(f"SELECT * FROM source.{self._name}")
            types = dict(zip(rows.columns, map(str, rows.types), strict=True))
            arrow = _counted(rows.to_arrow_reader(_BATCH_ROWS), _MOST_TIMES * self.path.stat().st_size)
            connection.register(f"{view}_rows", arrow)
            try:
                cells = ", ".join(f"{ident(name)}::{kind} AS {ident(name)}" for name, kind in types.items())
                return copy_rows(connection, view, f"SELECT {cells} FROM {ident(view + '_rows')}")
            finally:
                connection.unregister(f"{view}_rows")

    def _reason(self, error: "duckdb.Error") -> str:
        """Return what DuckDB says, in one line without cells of the data."""
        kind = type(error).__name__
        if kind == "PermissionException":
            return (
                f"{self.table} is a view that reads files out of the project root; make it a table, or move "
                "the files in"
            )
        text = str(error).replace(str(self.path), self.path.name).strip().splitlines()
        told = text[0] if text and kind in _WITHOUT_CELLS else kind.removesuffix("Exception")
        return f"can't be read: {told}"

    def digest(self) -> None:
        """Return None: the file may contain other tables."""
        return

    @property
    def files(self) -> tuple[Path, ...]:
        """The database file."""
        return (self.path,)

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the table was copied whole."""


def _counted(reader: "pa.RecordBatchReader", at_least: int) -> "pa.RecordBatchReader":
    """Return a reader that refuses to give too much."""
    import pyarrow as pa

    limit = SizeLimit(at_least)

    def batches() -> "Iterator[pa.RecordBatch]":
        for batch in reader:
            limit.add(batch.nbytes)
            yield batch

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _refuse_waiting(root: Path) -> None:
    """Refuse pipes and devices below the root, for which a view that names one would wait without end."""
    for folder, _, names in os.walk(root):
        for entry in (Path(folder) / name for name in names):
            mode = entry.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                raise InputError(
                    f"has a view, which may read files of the project root, and {entry.relative_to(root)} "
                    "there is a pipe or device; remove it, or make the view a table"
                )

"""Sources of tables: CSV and Parquet files, frames and queries, each opened as a relation of raw columns."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage import paths
from crm_ml.tables.sql import columns as quoted
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

ROW = "_row"


class TableSource(Protocol):
    """A source that can be opened as a view with the column `_row`, counted from 1, and the raw columns."""

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create `view` and return the raw columns with their DuckDB types."""

    def digest(self) -> str | None:
        """Return a hash of the content, or None if it is known only after opening the source."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that are read."""


@dataclass(frozen=True)
class _OneFile:
    path: Path

    def digest(self) -> str:
        """Return the sha256 of the file."""
        return sha256(self.path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)


@dataclass(frozen=True)
class CsvFile(_OneFile):
    """A CSV file with a header; all cells are read as text."""

    delimiter: str = ","
    encoding: str = "utf-8"

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create the view in strict mode without guessing, so that a ragged row is an error."""
        from crm_ml.tables.csv_header import read_header

        types = dict.fromkeys(read_header(self.path, self.delimiter, self.encoding), "VARCHAR")
        refuse_row_column(types)
        schema = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in types)
        connection.execute(
            f"CREATE VIEW {ident(view)} AS SELECT row_number() OVER () AS {ROW}, * FROM read_csv("
            f"{literal(self.path)}, auto_detect = false, header = true, delim = {literal(self.delimiter)}, "
            f"quote = '\"', escape = '\"', encoding = {literal(self.encoding)}, strict_mode = true, "
            f"null_padding = false, ignore_errors = false, columns = {{{schema}}})"
        )
        return types


@dataclass(frozen=True)
class ParquetFile(_OneFile):
    """A Parquet file."""

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create the view; rows are counted in file order."""
        if self.path.stat().st_size == 0:
            raise InputError("is empty (0 bytes)")
        read = f"read_parquet({literal(self.path)}, file_row_number = true)"
        described = connection.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {read}").fetchall()
        types = {str(row[0]): str(row[1]) for row in described}
        refuse_row_column(types)
        connection.execute(
            f"CREATE VIEW {ident(view)} AS SELECT file_row_number + 1 AS {ROW}, "
            f"* EXCLUDE (file_row_number) FROM {read}"
        )
        return types


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame in memory: pandas, Polars, Arrow or a DuckDB relation."""

    frame: Any

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Copy the frame through Arrow."""
        import narwhals as nw

        arrow = nw.from_native(self.frame).lazy().collect(backend="pyarrow").to_native()
        connection.register(f"{view}_arrow", arrow)
        try:
            return copy_rows(connection, view, f"SELECT * FROM {ident(view + '_arrow')}")
        finally:
            connection.unregister(f"{view}_arrow")

    def digest(self) -> None:
        """Return None: the content is hashed in DuckDB."""
        return

    @property
    def files(self) -> tuple[Path, ...]:
        """No file."""
        return ()


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
        return copy_rows(connection, view, self.sql.format(**{k: literal(v) for k, v in self.named.items()}))

    def digest(self) -> str:
        """Return the sha256 of the query and its files."""
        return hashlib.sha256("".join([self.sql, *map(sha256, self.files)]).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(self.named.values())


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


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(root: Path, path: str, must_exist: bool = False) -> Path:
    """Return `path` under `root`.

    Raises
    ------
    InputError
        If it leads out of `root`, also by a link, or is absent and must exist.
    """
    try:
        full = paths.inside(root, path)
    except ConfigError as error:
        raise InputError(f"{path} lies outside the project root; move it in or set root") from error
    if must_exist and not full.is_file():
        raise InputError(f"{path} does not exist")
    return full


def content_digest(connection: "duckdb.DuckDBPyConnection", view: str, types: dict[str, str]) -> str:
    """Return a hash of the rows of an open source that does not depend on their order."""
    row = f"hash({quoted(list(types))})"
    sums = f"count(*), sum({row}::HUGEINT), sum(hash({row}, 1)::HUGEINT)"
    totals = connection.execute(f"SELECT {sums} FROM {ident(view)}").fetchone()
    return hashlib.sha256(repr((totals, sorted(types.items()))).encode()).hexdigest()


def copy_rows(connection: "duckdb.DuckDBPyConnection", view: str, select: str) -> dict[str, str]:
    """Copy the rows of a query into a table with `_row`, and return the raw columns with their types."""
    described = connection.execute(f"DESCRIBE {select}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    refuse_row_column(types)
    connection.execute(
        f"CREATE TABLE {ident(view)} AS SELECT row_number() OVER () AS {ROW}, * FROM ({select})"
    )
    return types


def refuse_row_column(types: dict[str, str]) -> None:
    """Refuse a source that already has a column `_row`.

    Raises
    ------
    InputError
    """
    if ROW in (name.lower() for name in types):
        raise InputError(f"has a column {ROW}, which the package uses itself; rename it")

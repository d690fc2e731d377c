"""Sources of tables, each opened as a relation of raw columns: what they have in common, and frames."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage import paths
from crm_ml.storage.regular_file import open_regular
from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.column_limits import refuse_columns, repeated
from crm_ml.tables.sql import columns as quoted
from crm_ml.tables.sql import ident

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

    def refuse_lost_rows(self, read: int) -> None:
        """Raise `InputError` if the source has other than `read` rows, where they can be counted."""


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

    def refuse_lost_rows(self, read: int) -> None:
        """Do nothing: the frame was copied whole."""


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(root: Path, path: str, must_exist: bool = False) -> Path:
    """Return `path` under `root`.

    Raises
    ------
    InputError
        If it leads out of `root`, also by a link, is no path, is a pipe or device, or is absent and must
        exist.
    """
    try:
        full = paths.inside(root, path)
        special = full.exists() and not (full.is_file() or full.is_dir())
    except ConfigError as error:
        raise InputError(f"{path} lies outside the project root; move it in or set root") from error
    except (ValueError, OSError, RuntimeError):  # a NUL in it, a name too long, a link to itself
        raise InputError(f"{path!r} is no path of a file; write it as it is in its folder") from None
    if special:
        raise InputError(f"{path} is no regular file; copy what it holds into one")
    if must_exist and not full.is_file():
        raise InputError(f"{path} does not exist")
    return full


def stamps(files: Iterable[Path]) -> tuple[tuple[int, ...], ...]:
    """Return what changes whenever a file is written or swapped, so that a hash is of what was read."""
    states = [file.stat() for file in files if file.exists()]
    return tuple((s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in states)


def content_digest(connection: "duckdb.DuckDBPyConnection", view: str, types: dict[str, str]) -> str:
    """Return a hash of the rows of an open source that does not depend on their order."""
    return digest_of_sums([content_sums(connection, view, types)], types)


def content_sums(
    connection: "duckdb.DuckDBPyConnection", view: str, types: dict[str, str]
) -> tuple[int, ...]:
    """Return the number of rows of an open source and two sums of their hashes."""
    row = f"hash({quoted(list(types))})"
    sums = f"count(*), sum({row}::HUGEINT), sum(hash({row}, 1)::HUGEINT)"
    totals = connection.execute(f"SELECT {sums} FROM {ident(view)}").fetchall()[0]
    return tuple(int(total or 0) for total in totals)


def digest_of_sums(sums: Sequence[Sequence[int]], types: dict[str, str]) -> str:
    """Return the hash of rows by the `content_sums` of their parts."""
    totals = tuple(map(sum, zip(*sums, strict=True)))
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


def refuse_twice(names: Sequence[str]) -> None:
    """Refuse columns that stand twice, also in another case, which would be read as one or be renamed.

    Raises
    ------
    InputError
    """
    twice = repeated(names)
    if twice:
        raise InputError(f"names {shown_of_file(twice, names)} more than once; name each column once")


def refuse_row_column(types: dict[str, str]) -> None:
    """Refuse a source that already has a column `_row`, too many columns, or a name that is too long.

    Raises
    ------
    InputError
    """
    refuse_columns(types)
    if ROW in (name.lower() for name in types):
        raise InputError(f"has a column {ROW}, which the package uses itself; rename it")

"""CSV and Parquet files as sources of tables; parts are one relation and have one digest."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_CELL_BYTES, MOST_FREE_BYTES, MOST_LINE_BYTES, MOST_TIMES
from crm_ml.tables.parquet_footer import checked_metadata
from crm_ml.tables.sources import ROW, refuse_row_column, refuse_twice, sha256
from crm_ml.tables.sql import file_literal, ident, literal, parquet_rows

if TYPE_CHECKING:
    import duckdb


_LARGE_CELL = f"has a cell of more than {MOST_CELL_BYTES:,} bytes; leave its column out of the export"


@dataclass(frozen=True)
class _Files:
    """One file, or a folder of `parts`."""

    path: Path
    parts: tuple[Path, ...] = field(default=(), kw_only=True)

    def digest(self) -> str:
        """Return the sha256 of the file; of parts, that of all their places and contents."""
        if not self.parts:
            return sha256(self.path)
        lines = [f"{part.relative_to(self.path).as_posix()} {sha256(part)}" for part in self.parts]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """The file or its parts."""
        return self.parts or (self.path,)

    def _hive(self) -> str:
        return (
            "hive_partitioning = true, hive_types_autocast = false"
            if self.parts
            else "hive_partitioning = false"
        )

    def _partition_columns(self, types: Iterable[str]) -> dict[str, str]:
        """Return the columns that folders such as ``year=2024`` name, as text.

        Raises
        ------
        InputError
            If the files have such a column as well, or their folders name different ones.
        """
        keys = {
            tuple(name.partition("=")[0] for name in part.relative_to(self.path).parts[:-1] if "=" in name)
            for part in self.parts
        }
        if len(keys) > 1:
            raise InputError(
                "has folders that name different columns; declare the parts of one depth by glob"
            )
        names = keys.pop() if keys else ()
        both = sorted(set(names) & set(types))
        if both:
            raise InputError(f"has {', '.join(both)} both as a folder and as a column; keep one of them")
        return dict.fromkeys(names, "VARCHAR")


@dataclass(frozen=True)
class CsvFile(_Files):
    """A CSV file, or parts with the same columns; all cells are read as text.

    Parameters
    ----------
    delimiter : str
    encoding : str, optional
        One of `crm_ml.tables.encodings.CODECS`; None to find it from the bytes, which is told in `notes`.
    header : bool
        Whether the first line names the columns; otherwise they are called ``"1"``, ``"2"``, ...
    member : str, optional
        File in a zip archive.
    """

    delimiter: str = ","
    encoding: str | None = "utf-8"
    header: bool = True
    member: str | None = None
    notes: list[str] = field(default_factory=list, init=False, compare=False)
    _read: dict[Path, Path] = field(default_factory=dict, init=False, compare=False, repr=False)

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create the view in strict mode without guessing, so that a ragged row is an error."""
        from crm_ml.tables.csv_header import read_header
        from crm_ml.tables.utf8_files import in_utf8

        places, encodings = in_utf8(connection, self.files, self.encoding, self.member)
        self._read.update(places)
        self._note(encodings)
        headers = {path: read_header(place, self.delimiter, self.header) for path, place in places.items()}
        _refuse_different({path: list(names) for path, names in headers.items()})
        types = dict.fromkeys(headers[self.files[0]], "VARCHAR")
        schema = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in types)
        types |= self._partition_columns(types)
        refuse_row_column(types)
        cells = ", ".join(map(_bounded_cell, types))
        connection.execute(
            f"CREATE VIEW {ident(view)} AS SELECT row_number() OVER () AS {ROW}, {cells} FROM read_csv("
            f"{_listed(places.values())}, auto_detect = false, header = {str(self.header).lower()}, "
            f"delim = {literal(self.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
            f"null_padding = false, ignore_errors = false, max_line_size = {MOST_LINE_BYTES}, "
            f"{self._hive()}, columns = {{{schema}}})"
        )
        return types

    def _note(self, encodings: dict[Path, str]) -> None:
        """Tell which encodings were found, where nothing was declared; UTF-8 needs no declaration."""
        names = {name: path.name for path, name in encodings.items() if name != "utf-8"}
        if self.encoding is None:
            self.notes[:] = [
                f"{file} is read as {name}, found from its bytes; declare encoding: {name}"
                for name, file in names.items()
            ]

    def refuse_lost_rows(self, read: int) -> None:
        """Count the rows of the file without DuckDB and compare; parts are added up.

        Raises
        ------
        InputError
        """
        from crm_ml.tables.csv_rows import refuse_lost_rows

        refuse_lost_rows([self._read[path] for path in self.files], self.delimiter, read, self.header)


@dataclass(frozen=True)
class ParquetFile(_Files):
    """A Parquet file, or parts with the same columns."""

    def open(self, connection: "duckdb.DuckDBPyConnection", view: str) -> dict[str, str]:
        """Create the view; rows are counted in file order.

        Raises
        ------
        InputError
            If a file is empty, names a column twice, or has other columns than the first.
        """
        of_files = {path: _parquet_types(connection, path) for path in self.files}
        _refuse_different({path: list(types.items()) for path, types in of_files.items()})
        types = of_files[self.files[0]]
        _refuse_large_texts(connection, self.files, types)
        types |= self._partition_columns(types)
        refuse_row_column(types)
        row = "row_number() OVER ()" if self.parts else "file_row_number + 1"
        connection.execute(
            f"CREATE VIEW {ident(view)} AS SELECT {row} AS {ROW}, * EXCLUDE (file_row_number) "
            f"FROM read_parquet({_listed(self.files)}, file_row_number = true, {self._hive()})"
        )
        return types

    def refuse_lost_rows(self, read: int) -> None:
        """Compare the rows that were read with those that the footers tell.

        Raises
        ------
        InputError
        """
        import pyarrow.parquet as pq

        there = sum(pq.read_metadata(path).num_rows for path in self.files)
        if there != read:
            raise InputError(f"has {there:,} rows of which {read:,} could be read; export it again")


def _listed(files: Iterable[Path]) -> str:
    """Return the SQL list of files; DuckDB takes a path as a pattern, so they are escaped."""
    return f"[{', '.join(map(file_literal, files))}]"


def _bounded_cell(name: str) -> str:
    """Return the SQL of a text column that fails at a cell which is too large."""
    cell = ident(name)
    is_large = f"strlen({cell}) > {MOST_CELL_BYTES}"
    return f"CASE WHEN {is_large} THEN error({literal(_LARGE_CELL)}) ELSE {cell} END AS {cell}"


def _refuse_large_texts(
    connection: "duckdb.DuckDBPyConnection", files: tuple[Path, ...], types: dict[str, str]
) -> None:
    """Refuse cells that are too large, and texts that a dictionary repeats beyond what a file may unpack to.

    Raises
    ------
    InputError
    """
    lengths = {"VARCHAR": "strlen", "BLOB": "octet_length"}
    sizes = [f"{lengths[kind]}({ident(name)})" for name, kind in types.items() if kind in lengths]
    if not sizes:
        return
    sums = ", ".join(f"max({size}), sum({size})" for size in sizes)
    row = connection.execute(f"SELECT {sums} FROM {parquet_rows(*files)}").fetchall()[0]
    if any(longest is not None and longest > MOST_CELL_BYTES for longest in row[::2]):
        raise InputError(_LARGE_CELL)
    total = sum(filter(None, row[1::2]))
    if total > max(MOST_FREE_BYTES, MOST_TIMES * sum(path.stat().st_size for path in files)):
        raise InputError(f"has {total:,} bytes of text, over {MOST_TIMES} times its size; export it as CSV")


def _parquet_types(connection: "duckdb.DuckDBPyConnection", path: Path) -> dict[str, str]:
    """Return columns and types of a file; durations, which Parquet stores as numbers, by that name."""
    import pyarrow as pa

    schema = checked_metadata(path).schema.to_arrow_schema()
    read = parquet_rows(path)
    types = {
        str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
    }
    refuse_twice(schema.names)
    return {
        name: "DURATION" if pa.types.is_duration(of_arrow.type) else kind
        for (name, kind), of_arrow in zip(types.items(), schema, strict=True)
    }


def _refuse_different(columns: dict[Path, list[object]]) -> None:
    """Refuse parts whose columns differ from those of the first."""
    first = next(iter(columns))
    for path, names in columns.items():
        if names != columns[first]:
            raise InputError(f"has other columns in {path.name} than in {first.name}; export both alike")

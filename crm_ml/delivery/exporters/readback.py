"""Read files back and report which rules of their tool they break; no message repeats a cell."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.delivery.exporters.csv_cells import is_dangerous
from crm_ml.errors import InputError
from crm_ml.tables.csv_header import read_header
from crm_ml.tables.engine import connect
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import file_literal, ident, literal

if TYPE_CHECKING:
    import duckdb

_MARKS = {
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "UTF-8 with a byte order mark": (codecs.BOM_UTF8,),
}


@dataclass(frozen=True)
class Rule:
    """A condition that no row may meet.

    Parameters
    ----------
    says : str
        What is wrong with such rows, for the message.
    breach : str
        SQL condition over the columns, all of them text, empty and not null where a cell is empty.
    """

    says: str
    breach: str


@dataclass(frozen=True)
class Shape:
    """The form that the files of a tool must have.

    Parameters
    ----------
    header : tuple of str
        Names of the columns, in order.
    rules : tuple of Rule
    unique : tuple of str
        Columns whose values together may occur only once in all files.
    max_bytes, max_rows : int, optional
        Of one file.
    has_header : bool
        Whether the first line names the columns.
    """

    header: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    unique: tuple[str, ...] = ()
    max_bytes: int | None = None
    max_rows: int | None = None
    has_header: bool = True


def files_of(path: Path, suffix: str) -> list[Path]:
    """Return the file itself, or all files of a suffix in a folder by name."""
    return sorted(path.glob(f"*{suffix}")) if path.is_dir() else [path]


def header_of(files: Sequence[Path]) -> tuple[str, ...]:
    """Return the header of the first file, or nothing if it can't be read."""
    try:
        return tuple(read_header(files[0], ",")) if files else ()
    except (InputError, OSError):
        return ()


def blank(*columns: str) -> list[Rule]:
    """Return the rules that none of the columns may be empty."""
    return [Rule(f"{name} is empty", f"{ident(name)} = ''") for name in columns]


def breaches_of(files: Sequence[Path], shape: Shape) -> list[str]:
    """Return all breaches of files, each with its number of rows and the first of them.

    Parameters
    ----------
    files : sequence of Path
    shape : Shape
    """
    if not files:
        return ["there is no file"]
    connection = connect()
    try:
        breaches, sound = [], []
        for file in files:
            broken = _file(file, shape)
            if not broken:
                sound.append(file)
            breaches += [f"{file.name}: {breach}" for breach in broken or _rows(connection, file, shape)]
        return breaches + (_twice(connection, sound, shape) if shape.unique and sound else [])
    finally:
        connection.close()


def _file(file: Path, shape: Shape) -> list[str]:
    """Return what is wrong with a file as a whole, before its rows are read."""
    with file.open("rb") as content:
        start = content.read(1_024)
        content.seek(0, 2)
        size = content.tell()
    if not start:
        return ["is empty (0 bytes)"]
    breaches = [f"is {name}" for name, marks in _MARKS.items() if start.startswith(marks)]
    if not breaches and b"\x00" in start:
        breaches = ["holds NUL bytes: it may be UTF-16"]
    if shape.max_bytes is not None and size > shape.max_bytes:
        breaches.append(f"has {size:,} bytes; at most {shape.max_bytes:,} are loaded")
    if shape.has_header and not breaches:
        breaches += _header(file, shape.header)
    return breaches


def _header(file: Path, wanted: tuple[str, ...]) -> list[str]:
    try:
        header = tuple(read_header(file, ","))
    except InputError:
        return ["line 1 is no header"]
    return [] if header == wanted else [f"line 1 is not {','.join(wanted)}"]


def _rows(connection: "duckdb.DuckDBPyConnection", file: Path, shape: Shape) -> list[str]:
    connection.execute("DROP TABLE IF EXISTS reject_errors")
    connection.execute("DROP TABLE IF EXISTS reject_scans")
    formulas = Rule("a cell starts like a formula", " OR ".join(is_dangerous(ident(c)) for c in shape.header))
    rules = [*shape.rules, formulas]
    counts = ", ".join(
        f"count(*) FILTER (WHERE {rule.breach}), min({ROW}) FILTER (WHERE {rule.breach})" for rule in rules
    )
    cells = ", ".join(f"coalesce({ident(name)}, '') AS {ident(name)}" for name in shape.header)
    source = f"SELECT row_number() OVER () AS {ROW}, {cells} FROM {_read([file], shape, rejects=True)}"
    total, *figures = connection.execute(f"SELECT count(*), {counts} FROM ({source})").fetchall()[0]
    breaches = [
        f"{rule.says} in {count:,} of {total:,} rows (first: row {first:,})"
        for rule, count, first in zip(rules, figures[::2], figures[1::2], strict=True)
        if count
    ]
    rejected = connection.execute("SELECT count(DISTINCT line), min(line) FROM reject_errors").fetchall()[0]
    if rejected[0]:
        breaches.append(f"{rejected[0]:,} lines can't be read (first: line {rejected[1]:,})")
    if shape.max_rows is not None and total > shape.max_rows:
        breaches.append(f"has {total:,} rows; at most {shape.max_rows:,} are loaded")
    return breaches


def _twice(connection: "duckdb.DuckDBPyConnection", files: Sequence[Path], shape: Shape) -> list[str]:
    names = ", ".join(ident(name) for name in shape.unique)
    grouped = f"SELECT count(*) AS n FROM {_read(files, shape, rejects=False)} GROUP BY {names} HAVING n > 1"
    twice = connection.execute(f"SELECT count(*) FROM ({grouped})").fetchall()[0][0]
    return [f"{' with '.join(shape.unique)}: {twice:,} values stand more than once"] if twice else []


def _read(files: Sequence[Path], shape: Shape, *, rejects: bool) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in shape.header)
    how = "store_rejects = true" if rejects else "ignore_errors = true"
    return (
        f"read_csv([{', '.join(map(file_literal, files))}], auto_detect = false, "
        f"header = {str(shape.has_header).lower()}, delim = ',', quote = '\"', escape = '\"', "
        f"strict_mode = true, null_padding = false, {how}, hive_partitioning = false, "
        f"columns = {{{columns}}})"
    )

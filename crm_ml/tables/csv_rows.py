"""Rows of a CSV file counted without the parser that reads it, so that no row is lost unseen."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.tables.packed_files import unpacked

_CHUNK = 1 << 22


def refuse_lost_rows(paths: Sequence[Path], delimiter: str, read: int, header: bool = True) -> None:
    """Compare the rows that were read of files with those that are in them.

    Parameters
    ----------
    paths : sequence of Path
        In the order in which they were read; in UTF-8.
    delimiter : str
    read : int
        Rows that the parser returned, without the headers.
    header : bool
        Whether the first row of each file names the columns.

    Raises
    ------
    InputError
        If the files have another number of rows; names the byte, of the text in UTF-8, at which the first row
        beyond those begins.
    """
    if sum(_quick_count(path, delimiter) - header for path in paths) == read:
        return
    there, place = 0, ""
    for path in paths:
        for row, start in enumerate(_starts(path, delimiter)):
            there += row >= header  # the header is row 0
            if row >= header and there == read + 1:
                place = f"; row {there:,} begins at byte {start:,} of {path.name}"
    if there != read:
        raise InputError(f"has {there:,} rows of which {read:,} could be read{place}; shorten its cells")


def _quick_count(path: Path, delimiter: str) -> int:
    """Return the lines outside of quotes; 0 where a quote stands inside a cell, for `_starts` to count."""
    lines, quoted, last = 0, False, b"\n"
    inside_cell = re.compile(rb'[^\r\n"' + re.escape(delimiter.encode()) + rb']"')
    with unpacked(path) as file:
        while chunk := file.read(_CHUNK):
            last = chunk[-1:]
            if not quoted and b'"' not in chunk:
                lines += chunk.count(b"\n")
                continue
            parts = chunk.split(b'"')
            unquoted = b'"'.join(parts[quoted::2])
            if inside_cell.search(unquoted):
                return 0
            lines += unquoted.count(b"\n")
            quoted ^= len(parts) % 2 == 0
    return lines + (last != b"\n")


def _starts(path: Path, delimiter: str) -> Iterator[int]:
    """Yield the byte at which each row begins, the header's first; blank lines are no rows."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with unpacked(path) as file, TextIOWrapper(file, encoding="utf-8", newline="") as text:
            counted = _CountedLines(text)
            rows, start = csv.reader(counted, delimiter=delimiter), 0
            for row in rows:
                if row:
                    yield start
                start = counted.bytes
    finally:
        csv.field_size_limit(limit)


class _CountedLines:
    """Lines of a text with the bytes of those handed out so far."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines, self.bytes = iter(lines), 0

    def __iter__(self) -> "_CountedLines":
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.bytes += len(line.encode())
        return line

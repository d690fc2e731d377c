"""Sample the rows of a file: the first ones and a spread of the rest, and find how it is written."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from crm_ml.errors import InputError
from crm_ml.storage.regular_file import open_regular
from crm_ml.tables.column_limits import refuse_columns
from crm_ml.tables.config_file import FILE_KINDS, file_kind
from crm_ml.tables.encodings import CODECS, judge
from crm_ml.tables.found_encoding import encoding_by_mark
from crm_ml.tables.guess.encoding_doubt import unsure_word
from crm_ml.tables.guess.parquet_sample import read_parquet_sample
from crm_ml.tables.guess.sample import FIRST_ROWS, Sample
from crm_ml.tables.packed_files import packing, unpacked
from crm_ml.tables.sources import refuse_twice

_SPREAD_ROWS: Final = 500
_EVERY: Final = 20_000
_LAST_ROW: Final = 400_000
_DELIMITERS: Final = ",;\t|"
_HEAD_BYTES: Final = 1 << 20
_PLACES: Final = 16
_PLACE_BYTES: Final = 1 << 16


def read_sample(path: Path, encoding: str | None = None) -> Sample:
    """Return a sample of a CSV or Parquet file.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        One of `crm_ml.tables.encodings.CODECS`, for CSV; found from the bytes by default.

    Raises
    ------
    InputError
        If the file is absent, empty, neither CSV nor Parquet, not in its encoding, or without a header.
    """
    if not path.is_file():
        raise InputError(f"{path.name} does not exist or is no file")
    kind = file_kind(path)
    if not kind:
        raise InputError(f"{path.name} is neither {FILE_KINDS}; save it as one of them")
    if kind == "parquet":
        return read_parquet_sample(path)
    try:
        return _read_csv(path, encoding)
    except InputError as error:
        raise InputError(f"{path.name} {error}") from None
    except csv.Error:
        raise InputError(
            f"{path.name} has a cell of over {csv.field_size_limit():,} characters; does a quote not end?"
        ) from None


def _read_csv(path: Path, declared: str | None) -> Sample:
    with unpacked(path) as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise InputError("is empty")
    encoding, others = _encoding(head) if declared is None else (_readable(head, declared), ())
    delimiter = _delimiter(head, encoding)
    names, rows, is_whole = _rows(path, encoding, delimiter)
    columns = dict(zip(names, _columns(rows, len(names)), strict=True))
    word = unsure_word(head.split(b"\n")) if others else b""
    return Sample(path, names, columns, {}, is_whole, encoding, delimiter, others, word, declared is not None)


def _readable(head: bytes, encoding: str) -> str:
    """Return the declared encoding, if the first bytes are in it."""
    try:
        codecs.getincrementaldecoder(_codec(encoding))().decode(head)
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"line {line:,} is not in {encoding}; name another encoding, or none, and it is found"
        ) from None
    return encoding


def spread(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """Yield the first rows, then some of each following 20,000 of the first 400,000."""
    for number, row in enumerate(rows):
        if number >= _LAST_ROW:
            return
        if number < FIRST_ROWS or number % _EVERY < _SPREAD_ROWS:
            yield row


def _encoding(head: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the encoding, and what else it may be where the bytes do not tell."""
    marked = encoding_by_mark(head[:4])
    if marked:
        return marked, ()
    lines = head.split(b"\n")
    lines = lines[:-1] or lines
    try:
        b"\n".join(lines).decode("utf-8")
    except UnicodeDecodeError:
        verdict = judge(dict.fromkeys(lines))
        if not verdict.candidates:
            raise InputError("is in no known encoding; convert the file to utf-8") from None
        return verdict.encoding or verdict.candidates[0], () if verdict.encoding else verdict.candidates
    return "utf-8", ()


def _delimiter(head: bytes, encoding: str) -> str:
    """Return the sign at which most of the first lines have one number of cells, of most cells."""
    text = head.decode(_codec(encoding), "ignore")
    lines = text.splitlines()[:200]
    if len(lines) < 2:
        raise InputError("has one line alone; a header and rows are needed")
    best, share = ",", (0.0, 0)
    for sign in _DELIMITERS:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        cells, times = counts.most_common(1)[0]
        if cells > 1 and (times / len(lines), cells) > share:
            best, share = sign, (times / len(lines), cells)
    return best


def _rows(path: Path, encoding: str, delimiter: str) -> tuple[tuple[str, ...], list[list[str]], bool]:
    """Return the header, a spread of the rows, and whether these are all rows."""
    with unpacked(path) as file, TextIOWrapper(file, _codec(encoding), "replace", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        names = _names(next(reader))
        counted = _Counted(row for row in reader if len(row) == len(names))
        rows = list(spread(counted))
    if not rows:
        raise InputError(f"has no row of {len(names)} cells below its header; export it again")
    if counted.count > _LAST_ROW and not packing(path):
        rows += _later_rows(path, encoding, delimiter, len(names))
    return names, rows, len(rows) == counted.count


def _names(header: list[str]) -> tuple[str, ...]:
    """Return the names of a header; each is there and stands once, as reading needs them."""
    if not header:
        raise InputError("line 1 is empty; the first line names the columns")
    unnamed = [str(place) for place, name in enumerate(header, start=1) if not name.strip()]
    if unnamed:
        raise InputError(f"line 1 leaves column {', '.join(unnamed)} without a name; name each column")
    refuse_columns(header)
    refuse_twice(header)
    return tuple(header)


def _later_rows(path: Path, encoding: str, delimiter: str, cells: int) -> Iterator[list[str]]:
    """Yield rows at places spread over the whole file; the first and last line of each may be cut."""
    if encoding == "utf-16":
        return
    size = path.stat().st_size
    with open_regular(path) as file:
        for place in range(1, _PLACES + 1):
            file.seek(size * place // (_PLACES + 1))
            lines = file.read(_PLACE_BYTES).split(b"\n")[1:-1]
            text = b"\n".join(lines).decode(_codec(encoding), "replace")
            rows = csv.reader(text.splitlines(), delimiter=delimiter)
            yield from (row for row in rows if len(row) == cells)


class _Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterable[list[str]]) -> None:
        self.rows, self.count = iter(rows), 0

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.rows:
            self.count += 1
            yield row


def _columns(rows: Sequence[list[str]], width: int) -> list[list[str | None]]:
    return [[row[place] if row[place].strip() else None for row in rows] for place in range(width)]


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else CODECS[encoding]

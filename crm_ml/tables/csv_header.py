"""Header of a CSV file, read first so that columns are declared rather than guessed."""

import codecs
import csv
import gzip
import zlib
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.tables.sources import refuse_twice

_DELIMITERS = ",;\t|"


def read_header(path: Path, delimiter: str, encoding: str) -> list[str]:
    """Return the names in the first line, without a byte order mark.

    Raises
    ------
    InputError
        If the file is empty, in another encoding, or a name occurs twice.
    """
    if path.stat().st_size == 0:
        raise InputError("is empty (0 bytes)")
    try:
        with _open(path) as file:
            start = file.read(4)
            file.readline()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError("is no whole gzip file; it may be truncated, export it again") from None
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise InputError("line 1 is UTF-32; convert the file to utf-8")
    if encoding == "utf-8" and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("line 1 is UTF-16 and not utf-8; declare encoding: utf-16 or convert the file")
    names = _first_record(path, delimiter, "utf-8-sig" if encoding == "utf-8" else encoding)
    unnamed = [str(place) for place, name in enumerate(names, start=1) if not name.strip()]
    if unnamed and len(names) > 1:
        raise InputError(f"line 1 leaves column {', '.join(unnamed)} without a name; name each column")
    try:
        refuse_twice(names)
    except InputError as error:
        raise InputError(f"line 1 {error}") from None
    return names


def better_delimiter(names: list[str], delimiter: str) -> str:
    """Return advice if a header of one name contains another delimiter, else an empty text."""
    if len(names) == 1:
        for other in _DELIMITERS:
            if other != delimiter and other in names[0]:
                return f"; line 1 has one column at delimiter {delimiter!r}, set delimiter: {other!r}"
    return ""


def _first_record(path: Path, delimiter: str, encoding: str) -> list[str]:
    try:
        names = next(csv.reader([_first_text(path, encoding)], delimiter=delimiter, strict=True), [])
    except UnicodeError:
        raise InputError(f"line 1 is not {encoding.removesuffix('-sig')}; declare its encoding") from None
    except csv.Error as error:
        raise InputError(f"line 1 is no CSV header: {error}") from None
    if not names:
        raise InputError("line 1 is empty; the first line names the columns")
    return names


def _first_text(path: Path, encoding: str) -> str:
    if encoding == "utf-16":
        with _open(path) as raw, TextIOWrapper(raw, encoding=encoding) as file:
            return file.readline().rstrip("\n")
    with _open(path) as raw:
        return raw.readline().decode(encoding).rstrip("\r\n")


def _open(path: Path) -> "BufferedReader":
    return BufferedReader(gzip.GzipFile(path, "rb") if path.suffix == ".gz" else FileIO(path))

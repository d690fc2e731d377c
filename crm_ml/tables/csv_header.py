"""Header of a CSV file, read first so that columns are declared rather than guessed."""

import codecs
import csv
import gzip
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path

from crm_ml.errors import InputError

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
    with _open(path) as file:
        start = file.read(4)
    if encoding == "utf-8" and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("line 1 is UTF-16 and not utf-8; declare encoding: utf-16 or convert the file")
    names = _first_record(path, delimiter, "utf-8-sig" if encoding == "utf-8" else encoding)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"line 1 names {', '.join(twice)} more than once; name each column once")
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
    except UnicodeDecodeError:
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

"""Header of a CSV file in UTF-8, read first so that columns are declared rather than guessed."""

import csv
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_LINE_BYTES
from crm_ml.tables.column_limits import refuse_columns
from crm_ml.tables.packed_files import unpacked
from crm_ml.tables.sources import refuse_twice

_DELIMITERS = ",;\t|"


def read_header(path: Path, delimiter: str, header: bool = True) -> list[str]:
    """Return the names in the first line, without a byte order mark, or ``"1"``, ``"2"``, ... by position.

    Parameters
    ----------
    path : Path
    delimiter : str
    header : bool
        Whether the first line names the columns.

    Raises
    ------
    InputError
        If the file is empty or not in UTF-8, has lines that end by a carriage return alone, or a name is
        missing or occurs twice, or there are more than a table may have.
    """
    names = _first_record(path, delimiter)
    refuse_columns(names)
    if not header:
        return [str(place) for place, _ in enumerate(names, start=1)]
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


def _first_record(path: Path, delimiter: str) -> list[str]:
    with unpacked(path) as file:
        line = file.readline(MOST_LINE_BYTES)
    if b"\x00" in line:
        raise InputError("line 1 holds NUL bytes: it may be UTF-16 or UTF-32; convert the file to utf-8")
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
        if "\r" in text and '"' not in text:
            raise InputError("ends its lines by carriage returns alone; save it with usual ends of lines")
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except UnicodeError:
        raise InputError("line 1 is not utf-8; declare its encoding") from None
    except csv.Error as error:
        raise InputError(f"line 1 is no CSV header: {error}") from None
    if not names:
        raise InputError("line 1 is empty; the first line names the columns")
    return names

"""Errors of DuckDB and the file system on a source, as one line with file and line number."""

import re

from crm_ml.errors import InputError
from crm_ml.tables.cell_shape import shape_of
from crm_ml.tables.sources import TableSource

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_QUOTED = re.compile(r"""["'].*["']""")
_CELLS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def explain(source: TableSource, error: Exception) -> str:
    """Return one line that explains an error of `source`.

    Parameters
    ----------
    source : TableSource
    error : Exception
        Raised by opening or reading the source.
    """
    files = ", ".join(path.name for path in source.files[:3]) + (" ..." if len(source.files) > 3 else "")
    text = str(error)
    for path in source.files:
        text = text.replace(str(path), path.name)
    if isinstance(error, FileNotFoundError):
        return f"{files} does not exist"
    if isinstance(error, InputError):
        return f"{files} {text}" if files else text
    line = _LINE.search(text)
    where = f"{files} line {int(line[1]):,}" if line else files
    cells = _CELLS.search(text)
    if cells:
        return f"{where} has {cells[2]} cells where the header has {cells[1]}; correct the line or its quotes"
    for sign, meaning in _MEANINGS.items():
        if sign in text:
            return f"{where} {meaning}"
    reason = _without_cells(text.strip().splitlines()[0]) if text.strip() else type(error).__name__
    return f"{where} can't be read: {reason}"


def _without_cells(text: str) -> str:
    """Return an error of DuckDB without what it quotes, which may be a cell, also one with quotes in it."""
    quoted = _QUOTED.search(text)
    return text.replace(quoted[0], shape_of(quoted[0])) if quoted else text


_MEANINGS = {
    "a cell of more than": "has a cell of more than 1,048,576 bytes; leave its column out of the export",
    "unterminated quote": "has a quote that does not end, or text after a closing quote; correct it",
    "state machine": "is no regular CSV: line ends or quotes are mixed; write all line ends in one way",
    "Maximum line size": "has a line that is too long; an opening quote may be left open",
    "No magic bytes": "is no whole Parquet file; it may be truncated, export it again",
    "GZIP stream": "is no whole gzip file; it may be truncated, export it again",
    "too small to be a Parquet file": "is no whole Parquet file; it may be truncated, export it again",
}

"""A query on a SQLite file that is opened for reading alone: nothing is written in it or beside it.

References
----------
.. [1] SQLite. Defense Against The Dark Arts, https://www.sqlite.org/security.html
.. [2] SQLite. Write-Ahead Logging, section 5 "Read-Only Databases", https://www.sqlite.org/wal.html
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_CELL_BYTES
from crm_ml.tables.query_limits import SizeLimit, chunks, time_limit
from crm_ml.tables.sources import stamps

if TYPE_CHECKING:
    import pyarrow as pa

_FETCHED_ROWS = 250
_BUSY_S = 10.0
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_CLOSED_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
_OPEN_PRAGMAS = {"data_version", "page_size"}  # full-text tables ask for them
_SETTINGS = ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MOST_CELL_BYTES,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
}
_WITHOUT_CELLS = re.compile(
    r"no such (table|column|function|module|collation sequence)|near \"|unrecognized token|incomplete input|"
    r"ambiguous column|wrong number of arguments|misuse of|no tables specified|SELECTs to the left|"
    r"LIKE or GLOB|integer overflow"
)
_MEANINGS = {
    "SQLITE_AUTH": "it may read tables alone: no PRAGMA, ATTACH or extension, and nothing that writes",
    "SQLITE_READONLY": "it writes; the file is opened for reading alone",
    "SQLITE_BUSY": "another program is writing the file; run again when it is done",
    "SQLITE_LOCKED": "another program is writing the file; run again when it is done",
    "SQLITE_NOTADB": "it is no SQLite file, or an encrypted one",
    "SQLITE_CORRUPT": "the file is damaged; restore or export it again",
    "SQLITE_TOOBIG": f"a cell, or all of a row, is larger than {MOST_CELL_BYTES:,} bytes",
}
_UNFINISHED = (
    "a program that wrote it did not end well, and its changes stand in {}; open the file once with that "
    "program, or copy it by VACUUM INTO"
)


def sqlite_rows(path: Path, query: str) -> "pa.Table":
    """Return the rows of a query on a SQLite file.

    Parameters
    ----------
    path : Path
    query : str

    Raises
    ------
    InputError
        If the query does anything but read, the file can't be read as it is without a change, or the query
        takes or gives too much.
    """
    try:
        immutable = _is_whole(path)
        before = stamps([path])
        with closing(_connect(path, immutable)) as connection, time_limit(connection.interrupt) as is_late:
            rows = _table(connection.execute(query), is_late)
        if immutable and (stamps([path]) != before or not _is_whole(path)):
            raise InputError("the file was written while it was read; run again when that is done")
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the query fails on sqlite: {_reason(error, path)}") from None
    return rows


def _connect(path: Path, immutable: bool) -> sqlite3.Connection:
    how = "immutable=1" if immutable else "readonly_shm=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&{how}", uri=True, timeout=_BUSY_S, isolation_level=None
    )
    for name, most in _LIMITS.items():
        connection.setlimit(name, most)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    connection.set_authorizer(_authorised)
    return connection


def _is_whole(path: Path) -> bool:
    """Return whether a file with a write-ahead log holds all of its changes, so that none else is read.

    SQLite makes two files beside such a file, even to read it, unless it is told that nobody writes it.
    """
    with path.open("rb") as file:
        logged = file.read(20)[18:20] == b"\x02\x02"
    log = path.with_name(f"{path.name}-wal")
    return logged and not (log.exists() and log.stat().st_size)


def _authorised(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Allow to read rows and to call functions, and nothing else."""
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _CLOSED_FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _OPEN_PRAGMAS and second is None
    elif action == sqlite3.SQLITE_UPDATE:  # asked for when a virtual table is opened; nothing is written then
        allowed = first == "sqlite_master"
    else:
        allowed = action in _READING
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _table(cursor: sqlite3.Cursor, is_late: Callable[[], bool]) -> "pa.Table":
    from crm_ml.tables.python_rows import to_arrow

    names = [name for name, *_ in cursor.description]
    return to_arrow(names, chunks(cursor.fetchmany, _FETCHED_ROWS, is_late), SizeLimit().add)


def _reason(error: Exception, path: Path) -> str:
    """Return what SQLite says, in one line without cells of the data."""
    name = getattr(error, "sqlite_errorname", "")
    journal = path.with_name(f"{path.name}-journal")
    if name in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY", "SQLITE_CANTOPEN"):
        return _UNFINISHED.format(journal.name if journal.exists() else f"{path.name}-wal")
    for sign, meaning in _MEANINGS.items():
        if name.startswith(sign):
            return meaning
    if "not authorized" in str(error):
        return _MEANINGS["SQLITE_AUTH"]
    if isinstance(error, UnicodeError) or "null character" in str(error):
        return "it holds a sign that is no text; write it in UTF-8"
    if "one statement" in str(error):
        return "it holds several statements; write one"
    if "binding" in str(error):
        return "it names parameters (? or :name), and there are none; write the values"
    if "decode to UTF-8" in str(error):
        return "it gives a text that is not UTF-8; select hex() of that column, or convert the file"
    return str(error) if _WITHOUT_CELLS.match(str(error)) else (name or type(error).__name__)

"""Regular files opened once: what was checked is what is read.

A pipe, a socket or a device that stands where a file is named may never end, or wait for ever; a link may
lead anywhere. So a file is opened without waiting, its descriptor is checked, and no more is read than may be
there. Errors do not name the file: callers put before them what it is to the user.
"""

import io
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from crm_ml.errors import InputError
from crm_ml.storage.input_limits import MOST_JSON_BYTES, MOST_LEVELS

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
# a text, also one that does not end; possessive, since a search that goes back would be quadratic
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def open_regular(path: Path, root: Path | None = None) -> io.BufferedReader:
    """Open a regular file for reading.

    Parameters
    ----------
    path : Path
    root : Path, optional
        Folder that it must lie below; links may lead to another place below it. The way is walked again
        without links, so that a link that is put there meanwhile is not followed.

    Raises
    ------
    InputError
        If it is no regular file, no path, or leads out of `root`.
    OSError
        If it can't be opened.

    Examples
    --------
    >>> open_regular(Path("/dev/zero"))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: is no regular file but a device; copy what it holds into one
    """
    try:
        _refuse_special(Path(path).stat())  # a device may act on being opened
        number = os.open(path, _READ) if root is None else _open_below(root, path)
    except ValueError as error:  # a NUL or a lone surrogate in it
        raise error if isinstance(error, InputError) else _no_path() from None
    try:
        _refuse_special(os.fstat(number))
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def read_bytes(path: Path, most: int, root: Path | None = None) -> bytes:
    """Return the content of a regular file.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that it may have.
    root : Path, optional
        See `open_regular`.

    Raises
    ------
    InputError
        As `open_regular`, or if it has more bytes.
    OSError
        If it can't be read.
    """
    with open_regular(path, root) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(f"has more than {most:,} bytes, which is the most that is read")
    return content


def read_text(path: Path, most: int, root: Path | None = None) -> str:
    """Return the content of a regular file in UTF-8; raises as `read_bytes`, also if it is in none."""
    try:
        return read_bytes(path, most, root).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"is not utf-8 at byte {error.start + 1:,}; save it as utf-8") from None


def read_json(path: Path, most: int = MOST_JSON_BYTES, root: Path | None = None) -> Any:
    """Return what a regular file of JSON holds; raises as `read_bytes` and `parse_json`."""
    return parse_json(read_text(path, most, root))


def parse_json(text: str, levels: int = MOST_LEVELS) -> Any:
    """Return what JSON holds.

    Parameters
    ----------
    text : str
    levels : int
        Lists and objects that may lie within each other.

    Raises
    ------
    InputError
        If it is no JSON or nested more deeply.

    Examples
    --------
    >>> parse_json('{"a": [1]}'), parse_json('["[[["]', levels=1)
    ({'a': [1]}, ['[[['])
    """
    depth = 0
    for bracket in _BRACKETS.finditer(_QUOTED.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > levels:
            raise InputError(f"is nested more than {levels} levels deep")
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"is no JSON: {error}") from None


def _refuse_special(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special file")
        raise InputError(f"is no regular file but a {kind}; copy what it holds into one")


def _open_below(root: Path, path: Path) -> int:
    """Return a descriptor of a file, reached from its root by folders none of which is a link."""
    root = Path(os.path.realpath(root))
    full = Path(os.path.realpath(path))
    if not full.is_relative_to(root) or full == root:
        raise InputError(f"leads out of {root.name}/; name a file inside it")
    *folders, name = full.relative_to(root).parts
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            os.close(place)
            place = below
        return os.open(name, _READ | os.O_NOFOLLOW, dir_fd=place)
    finally:
        os.close(place)


def _no_path() -> InputError:
    return InputError("is no path of a file; write it as it is in its folder")

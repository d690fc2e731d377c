"""Files and folders that only their owner may open, from the moment they exist.

Libraries create files with the mask of the process (umask), so it is narrowed while crm_ml writes: for a
whole command, and in a notebook for as long as a call lasts.
"""

import contextlib
import functools
import logging
import os
import shlex
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)
FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = 0o007
_MASK = 0o077


class _Narrowed:
    """How many blocks run, of all threads, and the mask that the process has outside of them."""

    lock = threading.Lock()
    blocks = 0
    outside = 0


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Let whatever is created within the block be open to its owner alone: folders 0700, files 0600.

    Blocks may lie within each other and beside each other in several threads; the mask of before returns with
    the end of the last one. It is also a decorator.

    Examples
    --------
    >>> import tempfile
    >>> with private_files():
    ...     file = Path(tempfile.mkdtemp()) / "scores.json"
    ...     _ = file.write_text("{}")
    >>> oct(stat.S_IMODE(file.stat().st_mode))
    '0o600'
    """
    with _Narrowed.lock:
        if not _Narrowed.blocks:
            _Narrowed.outside = os.umask(_MASK)
        _Narrowed.blocks += 1
    try:
        yield
    finally:
        with _Narrowed.lock:
            _Narrowed.blocks -= 1
            if not _Narrowed.blocks:
                os.umask(_Narrowed.outside)


@contextlib.contextmanager
def as_usual() -> Iterator[None]:
    """Let what is created within the block be as open as the user's own files: configs, a new project.

    The mask is narrowed again at its end only if blocks of `private_files` still run then.
    """
    with _Narrowed.lock:
        if _Narrowed.blocks:
            os.umask(_Narrowed.outside)
    try:
        yield
    finally:
        with _Narrowed.lock:
            if _Narrowed.blocks:
                os.umask(_MASK)


def write_usual(path: Path, text: str) -> None:
    """Write a text in UTF-8 with the user's usual mode, and make the folders that it lacks."""
    with as_usual():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def make_folder(folder: Path) -> Path:
    """Return a folder; it and its parents are created for their owner alone where they are missing."""
    with private_files():
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def create(path: Path) -> None:
    """Create an empty file for its owner alone, for a library to write into; one that exists stays as it is.

    Raises
    ------
    OSError
        If a link to nothing stands in its place, which is not followed.
    """
    if path.exists():
        return
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, FILE_MODE))


def tell_readable(path: Path) -> None:
    """Warn if others than the owner may read a file that holds a key."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & ~FILE_MODE:
        log.warning("%s can be read by others; close it with: chmod 600 %s", path, shlex.quote(str(path)))


@functools.cache
def tell_open(folder: Path) -> None:
    """Warn once if a folder and something in it are open to everybody, as versions up to 0.11 left them.

    Whether somebody reads them can't be known here, so they stay open. It is for folders in which crm_ml
    alone writes: one that the user names for a file, such as ``/tmp``, would be wrong to close.
    """
    folder = folder.absolute()
    if os.name != "posix":  # modes mean nothing there
        return
    with contextlib.suppress(OSError):
        if _open_to_others(folder) and any(map(_open_to_others, folder.iterdir())):
            log.warning(
                "%s can be read by every user of this machine, as versions up to 0.11 left it; close it "
                "with: chmod -R go= %s",
                folder,
                shlex.quote(str(folder)),
            )


def _open_to_others(path: Path) -> bool:
    """Return whether others than owner and group may open a path; a link is judged by none of its own."""
    mode = path.lstat().st_mode
    return not stat.S_ISLNK(mode) and bool(mode & _OTHERS)

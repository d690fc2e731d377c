"""Temporary folders that a later process can tell from those of a live one.

A writer holds a lock on its folder, which the system releases when the process dies: a folder whose lock is
free is a dead writer's.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


def discard(space: Path) -> None:
    """Remove a folder as far as it can be removed."""
    shutil.rmtree(space, ignore_errors=True)


@contextlib.contextmanager
def new_workspace(folder: Path, discard: Callable[[Path], None] = discard) -> Iterator[Path]:
    """Make and lock ``.<name>.<random>.tmp`` beside a folder; it is removed at the end.

    Parameters
    ----------
    folder : Path
        What will be made from it; its parent exists.
    discard : callable, optional
        Removes the workspace.
    """
    with contextlib.ExitStack() as stack:
        space = _locked_space(folder, stack)
        stack.callback(discard, space)
        yield space


def remove_stale(parent: Path) -> None:
    """Remove what dead writers left in a folder; a live writer's folder stays."""
    for space in sorted(parent.glob(".*.tmp")):
        with contextlib.suppress(OSError), locked(space) as alone:
            if alone:
                discard(space)


@contextlib.contextmanager
def locked(space: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a folder; gives False where another writer holds it or the file system has no locks."""
    handle = os.open(space, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(handle)


def _locked_space(folder: Path, stack: contextlib.ExitStack) -> Path:
    """Make and lock a folder; once more where a cleaner took it between the two."""
    while True:
        space = folder.parent / f".{folder.name}.{secrets.token_hex(8)}.tmp"
        space.mkdir()
        with contextlib.suppress(FileNotFoundError):
            stack.enter_context(locked(space, wait=True))
            if space.exists():
                return space

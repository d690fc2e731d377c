"""Locked temporary folders, so that a later process can remove those of dead writers.

A writer holds a lock on its folder, which the system releases when the process dies: a folder that is not
locked was left by a dead writer.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


def discard(space: Path) -> None:
    """Remove a folder as far as possible."""
    shutil.rmtree(space, ignore_errors=True)


@contextlib.contextmanager
def new_workspace(folder: Path, discard: Callable[[Path], None] = discard) -> Iterator[Path]:
    """Create and lock ``.<name>.<random>.tmp`` beside a folder; it is removed at the end of the block.

    Parameters
    ----------
    folder : Path
        The folder to be made from it; its parent exists.
    discard : callable, optional
        Function that removes the workspace.
    """
    with contextlib.ExitStack() as stack:
        space = _locked_space(folder, stack)
        stack.callback(discard, space)
        yield space


def remove_stale(parent: Path) -> None:
    """Remove leftovers of dead writers in a folder; folders of live writers stay."""
    for space in sorted(parent.glob(".*.tmp")):
        with contextlib.suppress(OSError), locked(space) as alone:
            if alone:
                discard(space)


@contextlib.contextmanager
def locked(space: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a folder; yields False if another writer holds the lock or the file system has no locks."""
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
    """Create and lock a folder; repeat if a cleaner removed it before it was locked."""
    while True:
        space = folder.parent / f".{folder.name}.{secrets.token_hex(8)}.tmp"
        space.mkdir()
        with contextlib.suppress(FileNotFoundError):
            stack.enter_context(locked(space, wait=True))
            if space.exists():
                return space

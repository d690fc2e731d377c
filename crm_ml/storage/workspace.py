"""Locked temporary folders, so that a later process can remove those of dead writers.

A writer holds a lock on its folder, which the system releases when the process dies: a folder that is not
locked was left by a dead writer.
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from crm_ml.private_files import private_files


def discard(space: Path) -> None:
    """Remove a folder as far as possible."""
    shutil.rmtree(space, ignore_errors=True)


@contextlib.contextmanager
def new_workspace(folder: Path, discard: Callable[[Path], None] = discard) -> Iterator[Path]:
    """Create and lock ``.<name>.<random>.tmp`` beside a folder; it is removed at the end of the block.

    Only its owner may open it.

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


def workspaces(parent: Path, name: str | None = None) -> list[Path]:
    """Return the folders that `new_workspace` made in a folder, of one name or of all, and no others."""
    ours = re.compile(rf"\.{'.+' if name is None else re.escape(name)}\.[0-9a-f]+\.tmp")
    return sorted(path for path in parent.glob(".*.tmp") if ours.fullmatch(path.name))


def remove_stale(parent: Path, name: str | None = None) -> None:
    """Remove leftovers of dead writers in a folder, or those of one name; folders of live writers stay."""
    for space in workspaces(parent, name):
        with contextlib.suppress(OSError), locked(space) as alone:
            if alone:
                discard(space)


@contextlib.contextmanager
def locked(space: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a folder; yields False if another writer holds the lock or the file system has no locks."""
    import fcntl  # not on Windows

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
        with private_files():
            space.mkdir()
        with contextlib.suppress(FileNotFoundError):
            stack.enter_context(locked(space, wait=True))
            if space.exists():
                return space

"""Folders for data on their way: below the data folder, open to their owner alone, and never left behind.

Each is made new under a name that nobody can foresee, in ``.private-<user id>`` of the data folder, which
must be the user's own and no link. Its process holds a lock on it, which the system releases when the process
dies, so the next folder that is made removes what a kill has left and spares those in use.
"""

import atexit
import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crm_ml.errors import ConfigError
from crm_ml.private_files import make_folder
from crm_ml.storage.paths import frames_folder
from crm_ml.storage.workspace import discard, new_workspace, remove_stale

_OWNER_ONLY = 0o700


@contextlib.contextmanager
def private_scratch(parent: Path | None = None) -> Iterator[Path]:
    """Make an empty folder, mode 700, that is removed at the end of the block or, after a kill, by the next.

    Parameters
    ----------
    parent : Path, optional
        Folder below which it lies; by default `crm_ml.storage.paths.frames_folder`.

    Raises
    ------
    ConfigError
        If ``.private-<user id>`` there is a link or not the user's own.
    OSError
        If nothing can be written there.
    """
    home = _home(parent or frames_folder())
    remove_stale(home)
    process = os.getpid()

    def discard_own(space: Path) -> None:
        if os.getpid() == process:  # a fork that ends must not remove what its parent uses
            discard(space)

    with new_workspace(home / "scratch", discard_own) as space:
        yield space


def process_scratch() -> Path:
    """Return the `private_scratch` of this process, made at the first call and removed at its exit.

    A forked process has its own.
    """
    return _of_process(os.getpid(), frames_folder().absolute())


@cache
def _of_process(process: int, parent: Path) -> Path:
    stack = contextlib.ExitStack()
    space = stack.enter_context(private_scratch(parent))
    atexit.register(lambda: stack.close() if os.getpid() == process else None)
    return space


def _home(parent: Path) -> Path:
    """Return the user's folder below `parent`, in whose place nobody else can put another."""
    make_folder(parent)
    home = parent / f".private-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        home.mkdir(_OWNER_ONLY)
    try:
        handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        if home.is_symlink() or not home.is_dir():
            raise _planted(home, "is a link or no folder") from None
        raise
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise _planted(home, "belongs to another user")
        os.fchmod(handle, _OWNER_ONLY)
    finally:
        os.close(handle)
    return home


def _planted(home: Path, why: str) -> ConfigError:
    return ConfigError(f"{home} {why}, so data written there could be read by others; remove it")

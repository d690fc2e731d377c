"""Publish a folder of files completely or not at all.

Everything is written into ``.<name>.<run>.tmp`` beside the final folder::

    .<name>.<run>.tmp/content/...    the files, synced to disk, then renamed to <name>
    .<name>.<run>.tmp/latest.json    the next pointer, which replaces latest.json after that

The writer holds a lock on its temporary folder, which the system releases when the process dies. A folder
that is not locked was left by a dead writer: the next run moves its pointer into place if the content was
already renamed, and removes the rest.
"""

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from crm_ml.errors import AlreadyPublished, InputError
from crm_ml.private_files import make_folder, private_files, tell_open
from crm_ml.storage.group_access import Group
from crm_ml.storage.manifest import sync
from crm_ml.storage.regular_file import read_json
from crm_ml.storage.workspace import locked, new_workspace, workspaces

log = logging.getLogger(__name__)
POINTER = "latest.json"
CONTENT = "content"


def publish(
    folder: Path,
    name: str,
    fill: Callable[[Path, Path], None],
    pointer: dict[str, str] | None = None,
    group: Group | None = None,
) -> Path:
    """Write a new folder ``folder/name`` atomically: readers see all of it or nothing.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    name : str
        Name of the new folder, without separators and not starting with a dot.
    fill : callable
        Called with the folder for the content and a scratch folder that is removed afterwards.
    pointer : dict, optional
        New content of ``latest.json``, with keys ``folder`` and ``as_of``. It never moves to an older
        ``as_of``.
    group : Group, optional
        Who may read it beside its owner; nobody by default.

    Raises
    ------
    AlreadyPublished
        If ``folder/name`` exists, also if another process created it meanwhile.
    InputError
        If the folder can't be written to; partial files are removed.
    """
    check_free(folder, name, pointer, group)
    with _translate_errors(folder, name), _new_space(folder / name) as space:
        (space / CONTENT).mkdir()
        fill(space / CONTENT, space)
        _commit(space, folder / name, pointer, group)
    return folder / name


@contextlib.contextmanager
def _new_space(folder: Path) -> Iterator[Path]:
    with private_files(), new_workspace(folder, _discard) as space:
        yield space


def check_free(
    folder: Path, name: str, pointer: dict[str, str] | None = None, group: Group | None = None
) -> None:
    """Remove leftovers of dead writers and refuse an existing name, whose pointer is repaired.

    Raises
    ------
    AlreadyPublished
        If ``folder/name`` exists.
    InputError
        If the name is invalid or the folder can't be created.
    """
    if not _is_plain(name):
        raise InputError(f"{name!r} can't be the name of a folder")
    with _translate_errors(folder, name):
        if group:
            group.make_folder(folder)
        recover(folder)
        if pointer:
            tell_open(folder)
        if (folder / name).exists():
            if pointer:
                _repair(folder, pointer, group)
            raise AlreadyPublished(f"{folder / name} is already published; nothing was changed")


def recover(folder: Path) -> None:
    """Create a folder and remove leftovers of dead writers in it; folders of live writers stay."""
    make_folder(folder)
    for space in workspaces(folder):
        with contextlib.suppress(OSError), locked(space) as alone:
            if alone:
                _finish(space, folder)
                _discard(space)
                log.info("removed what an interrupted run left in %s", folder)


def read_pointer(folder: Path) -> dict[str, str] | None:
    """Return the content of ``latest.json``, None if it is absent or invalid."""
    try:
        content = read_json(folder / POINTER)
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), str) for key in ("folder", "as_of")
    ):
        return None
    return content if _is_plain(content["folder"]) else None


@contextlib.contextmanager
def _translate_errors(folder: Path, name: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except (OSError, duckdb.IOException) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder}: can't write {name} ({reason}); nothing was published") from error


def _commit(space: Path, final: Path, pointer: dict[str, str] | None, group: Group | None) -> None:
    content = space / CONTENT
    if group:
        group.give(content)
    for path in sorted(content.rglob("*")):
        sync(path)
    sync(content)
    if pointer:
        _write_pointer(space / POINTER, pointer, group)
    sync(space)
    try:
        content.rename(final)  # fails where final is a folder with files: a rename never replaces those
    except OSError as error:
        if final.exists():
            raise AlreadyPublished(f"{final} was published by another run meanwhile") from error
        raise
    sync(final.parent)
    _finish(space, final.parent)


def _finish(space: Path, folder: Path) -> None:
    """Move the prepared pointer into place if the content of this workspace was published."""
    prepared = read_pointer(space)
    if prepared is None or (space / CONTENT).exists() or not (folder / prepared["folder"]).is_dir():
        return
    if _is_newer(prepared, read_pointer(folder), or_equal=True):
        (space / POINTER).replace(folder / POINTER)
        sync(folder)


def _repair(folder: Path, pointer: dict[str, str], group: Group | None) -> None:
    """Rewrite the pointer if it is missing, broken or older."""
    if not _is_newer(pointer, read_pointer(folder), or_equal=False):
        return
    with _new_space(folder / pointer["folder"]) as space:
        _write_pointer(space / POINTER, pointer, group)
        (space / POINTER).replace(folder / POINTER)
        sync(folder)


def _is_newer(pointer: dict[str, str], than: dict[str, str] | None, *, or_equal: bool) -> bool:
    if than is None:
        return True
    return pointer["as_of"] > than["as_of"] or (or_equal and pointer["as_of"] == than["as_of"])


def _write_pointer(path: Path, pointer: dict[str, str], group: Group | None) -> None:
    path.write_text(json.dumps(pointer, indent=1, sort_keys=True) + "\n", "utf-8")
    if group:
        group.give(path)
    sync(path)


def _is_plain(name: str) -> bool:
    return bool(name) and Path(name).name == name and not name.startswith(".")


def _discard(space: Path) -> None:
    with contextlib.suppress(OSError):
        (
            space / POINTER
        ).unlink()  # first, so that an interrupted removal does not look like a published list
    shutil.rmtree(space, ignore_errors=True)

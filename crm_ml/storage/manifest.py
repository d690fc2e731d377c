"""Folders written completely or not at all, with a manifest that is verified before reading."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm_ml.errors import AlreadyPublished, InputError, IntegrityError
from crm_ml.private_files import make_folder, private_files
from crm_ml.storage.input_limits import MOST_JSON_BYTES
from crm_ml.storage.regular_file import read_bytes, read_json

MANIFEST = "manifest.json"
_FORMAT = 1


@contextmanager
def new_folder(folder: Path, **details: Any) -> Iterator[Path]:
    """Write a folder completely or not at all, open to its owner alone.

    The block writes into a hidden folder beside the target. If it succeeds, the manifest is added,
    everything is synced to disk, and the folder is renamed into place; otherwise the folder is removed.

    Parameters
    ----------
    folder : Path
        Must not exist, or be an empty folder.
    **details
        Further entries of the manifest, ready for JSON.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    AlreadyPublished
        If the folder exists already.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "model"
    >>> with new_folder(target) as part:
    ...     _ = (part / "numbers.json").write_text("[1, 2]")
    >>> sorted(verify(target)["files"])
    ['numbers.json']
    """
    folder = Path(folder)
    _refuse_present(folder)
    make_folder(folder.parent)
    part = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.tmp"
    with private_files():
        part.mkdir()
        try:
            yield part
            write_manifest(part, **details)
            for path in [*sorted(part.rglob("*")), part]:
                sync(path)
            try:
                part.rename(folder)
            except OSError:
                _refuse_present(folder)
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    sync(folder.parent)


def write_manifest(folder: Path, **details: Any) -> None:
    """Write ``manifest.json``: format, details, and size and sha256 of each file by relative path."""
    files = {name: entry(folder / name) for name in _names(folder)}
    (folder / MANIFEST).write_text(text_of(files, **details), encoding="utf-8")


def text_of(files: Mapping[str, dict[str, Any]], **details: Any) -> str:
    """Return the text of a manifest of files whose `entry` is known."""
    return json.dumps({"format": _FORMAT, **details, "files": files}, indent=1, sort_keys=True) + "\n"


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder into another, open to their owner alone whatever those of the source are."""
    with private_files():
        for path in sorted(source.rglob("*")):
            copy = target / path.relative_to(source)
            if path.is_dir():
                copy.mkdir(parents=True, exist_ok=True)
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a folder against its manifest, before anything else is parsed.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    IntegrityError
        If the manifest is missing or unreadable, or a file is missing, changed, unlisted or a link. The
        message lists all such files.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    listed, present = manifest["files"], set(_names(folder))
    breaches = [f"{name} is missing" for name in sorted(set(listed) - present)]
    breaches += [f"{name} is not in the manifest" for name in sorted(present - set(listed))]
    _refuse(folder, breaches + _changed(folder, listed, sorted(present & set(listed))))
    return manifest


def verify_files(folder: Path, paths: Iterable[Path]) -> None:
    """Check some files of a folder against its manifest.

    Raises
    ------
    IntegrityError
        If the manifest is unreadable or does not list a file, or one is changed or a link.
    """
    listed, names = read_manifest(folder)["files"], [path.relative_to(folder).as_posix() for path in paths]
    breaches = [f"{name} is not in the manifest" for name in names if name not in listed]
    _refuse(folder, breaches + _changed(folder, listed, [name for name in names if name in listed]))


def _changed(folder: Path, listed: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    breaches = []
    for name in names:
        if (folder / name).is_symlink():
            breaches.append(f"{name} is a link")
        elif not (folder / name).is_file():  # such as a pipe, which would never end
            breaches.append(f"{name} is no regular file")
        elif entry(folder / name) != listed[name]:
            breaches.append(f"{name} has changed")
    return breaches


def _refuse(folder: Path, breaches: Sequence[str]) -> None:
    if breaches:
        raise IntegrityError(
            f"{folder}: {'; '.join(breaches)}; write the folder again or take it from its source"
        )


def fingerprint(folder: Path) -> str:
    """Return the sha256 of the manifest, which identifies the content of all files."""
    return hashlib.sha256(read_bytes(Path(folder) / MANIFEST, MOST_JSON_BYTES)).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder without verifying its files, see `verify`.

    Raises
    ------
    IntegrityError
        If the manifest is missing or invalid.
    """
    try:
        manifest = read_json(folder / MANIFEST)
    except OSError as error:
        raise IntegrityError(f"{folder}: {MANIFEST} can't be read: {error.strerror}") from error
    except InputError as error:
        raise IntegrityError(f"{folder}: {MANIFEST} {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise IntegrityError(f"{folder}: {MANIFEST} is not of format {_FORMAT}")
    if not isinstance(manifest.get("files"), dict):
        raise IntegrityError(f"{folder}: {MANIFEST} lists no files")
    return manifest


def _names(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in paths if (name := path.relative_to(folder).as_posix()) != MANIFEST)


def entry(path: Path) -> dict[str, Any]:
    """Return size and sha256 of a file, as a manifest lists it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _refuse_present(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise AlreadyPublished(f"{folder} stands already; write to another place or remove it first")


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

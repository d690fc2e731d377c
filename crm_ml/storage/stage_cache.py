"""Finished stages of a scoring run, kept under the hash of what they were made of and never made twice.

A stage of all customers is a folder of one file; a stage of parts a folder of one file a part, below
``of-<parts>``. Of these each is whole or absent, with its sum beside it; when the last one is there the sums
become one manifest.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from crm_ml.errors import AlreadyPublished, IntegrityError
from crm_ml.storage import manifest
from crm_ml.storage.identity import identity
from crm_ml.storage.part import WHOLE, Part
from crm_ml.storage.publish import publish
from crm_ml.storage.regular_file import read_json
from crm_ml.storage.whole_file import whole_file, write_text
from crm_ml.storage.workspace import remove_stale

log = logging.getLogger(__name__)


def stage(
    work: Path, name: str, ingredients: dict[str, Any], fill: Callable[[Path], None], part: Part = WHOLE
) -> Path:
    """Return the file of a stage for a part of the customers, made now or found whole.

    Parameters
    ----------
    work : Path
        Folder of all stages; it may be deleted at any time between two runs.
    name : str
        Such as ``"features"``; the file is ``<work>/<name>-<id>/<name>.parquet``, of a part
        ``<work>/of-<parts>/<name>-<id>/part-<number>.parquet``.
    ingredients : dict
        All that the content depends on beside the part, as JSON.
    fill : callable
        Writes the file to the path it is given.
    part : Part, optional
        All customers without it.

    Raises
    ------
    IntegrityError
        If a file that was kept does not agree with its sum.
    InputError
        If `work` can't be written to.
    """
    folder = part.folder(work) / f"{name}-{identity(ingredients)[:16]}"
    if part.is_whole:
        return _of_all(folder, name, ingredients, fill)
    path = folder / part.file(name)
    entry = _entry(folder, path)
    if entry is None:
        _make(path, fill)
        _seal(folder, name, ingredients, part)
    elif manifest.entry(path) != entry:
        raise IntegrityError(f"{path} has changed; remove {folder}, and the next run makes it again")
    return path


def stage_folder(work: Path, name: str) -> Path:
    """Return the folder of a stage by its name: of all customers, or the first of parts that is whole."""
    of_parts = [folder / name for folder in sorted(work.glob("of-*"))]
    whole = [folder for folder in (work / name, *of_parts) if (folder / manifest.MANIFEST).is_file()]
    return whole[0] if whole else work / name


def stage_files(folder: Path) -> list[Path]:
    """Return the files of a stage."""
    return sorted(folder.glob("*.parquet"))


def _of_all(folder: Path, name: str, ingredients: dict[str, Any], fill: Callable[[Path], None]) -> Path:
    file = f"{name}.parquet"

    def content(inside: Path, _scratch: Path) -> None:
        fill(inside / file)
        manifest.write_manifest(inside, stage=name, ingredients=ingredients)

    if not folder.exists():
        with contextlib.suppress(AlreadyPublished):  # by a run beside this one
            publish(folder.parent, folder.name, content)
    manifest.verify(folder)
    return folder / file


def _entry(folder: Path, path: Path) -> dict[str, Any] | None:
    """Return size and sum of a part as they were noted when it was written; None if it is not there."""
    return _entries(folder, [path]).get(path.name) if path.is_file() else None


def _entries(folder: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """Return the sums of those parts that have one, beside them or in the manifest."""
    sealed = (folder / manifest.MANIFEST).is_file()
    entries = dict(manifest.read_manifest(folder)["files"]) if sealed else {}
    for path in paths:
        with contextlib.suppress(OSError):  # none yet, or sealed by a worker beside this one
            entries[path.name] = read_json(path.with_suffix(".json"))
    return entries


def _make(path: Path, fill: Callable[[Path], None]) -> None:
    """Write a part and then its sum; a part without a sum is made again."""
    path.with_suffix(".json").unlink(missing_ok=True)
    with whole_file(path) as draft:
        fill(draft)
        entry = manifest.entry(draft)
    write_text(path.with_suffix(".json"), json.dumps(entry))


def _seal(folder: Path, name: str, ingredients: dict[str, Any], part: Part) -> None:
    """Write the manifest of a stage if all of its parts are there; the sums beside them go then."""
    paths = [folder / each.file(name) for each in part.all()]
    entries = _entries(folder, paths)
    if not all(path.is_file() and path.name in entries for path in paths):
        return
    files = {path.name: entries[path.name] for path in paths}
    text = manifest.text_of(files, stage=name, ingredients=ingredients, parts=part.count)
    write_text(folder / manifest.MANIFEST, text)
    for path in paths:
        path.with_suffix(".json").unlink(missing_ok=True)
    remove_stale(folder)  # what killed writers left
    log.info("stage %s is whole: %d parts", folder.name, part.count)

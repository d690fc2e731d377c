"""Folders of single days beside each other, ``<day>-<id>``: how one is added, and the newest found."""

import shutil
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from crm_ml.errors import InputError
from crm_ml.storage.manifest import MANIFEST, fingerprint, new_folder, read_manifest
from crm_ml.storage.publish import read_pointer


def add_day(parent: Path, day: date, fill: Callable[[Path], None], **details: Any) -> Path:
    """Write the folder of a day, named by its content, whole or not at all; the same content is written once.

    Parameters
    ----------
    parent : Path
        Of all days.
    day : date
        Stands as ``as_of`` in the manifest.
    fill : callable
        Writes the files into a folder.
    **details
        Further entries of the manifest, ready for JSON.
    """
    part = parent / f".{day}-{uuid.uuid4().hex}"
    with new_folder(part, as_of=str(day), **details) as inner:
        fill(inner)
    folder = parent / f"{day}-{fingerprint(part)[:12]}"
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part)
        if not (folder / MANIFEST).is_file():
            raise
    return folder


def newest_day(folder: Path, until: date, noun: str, module: str) -> Path:
    """Return the newest day of a folder of all days, not after another day; the folder of one day itself.

    Of several with the same day the one that ``latest.json`` names counts.

    Parameters
    ----------
    folder : Path
    until : date
    noun, module : str
        What the folders hold, and the module that writes them, for the error.

    Raises
    ------
    InputError
        If there is none, or there are several of the newest day and none is named.
    """
    if (folder / MANIFEST).is_file():
        return folder
    paths = [path.parent for path in folder.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")]
    days = {path: str(read_manifest(path)["as_of"]) for path in paths}
    past = sorted(path for path, day in days.items() if day <= str(until))
    if not past:
        raise InputError(
            f"{folder}: there are no {noun} of {until} or an earlier day, {len(days):,} of later ones; "
            f"run python -m {module}"
        )
    newest = [path for path in past if days[path] == max(days[each] for each in past)]
    pointer = read_pointer(folder)
    named = [path for path in newest if pointer is not None and path.name == pointer["folder"]]
    if len(newest) > 1 and not named:
        names = ", ".join(path.name for path in newest)
        raise InputError(
            f"{folder}: there are {len(newest)} {noun} of {days[newest[0]]}: {names}; name one as the folder"
        )
    return (named or newest)[0]

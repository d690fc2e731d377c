"""Reading a published folder: nothing is parsed before the sums of its manifest agree."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError, IntegrityError
from crm_ml.score.publish import POINTER, read_pointer

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
LIST_FILE = "list.parquet"


def read_list(folder: Path | str) -> "pd.DataFrame":
    """Read a list, after its sums were checked.

    Parameters
    ----------
    folder : Path or str
        Folder of one list, or the folder of all lists of a name, whose newest is read.

    Returns
    -------
    pandas.DataFrame
        One row for each customer and slot, ordered by them; see `crm_ml.score.lists` for the columns.

    Raises
    ------
    InputError
        If there is no list.
    IntegrityError
        If a file does not agree with the manifest (exit code 4).
    """
    import pandas as pd

    found = locate(Path(folder))
    verify(found)
    return pd.read_parquet(found / LIST_FILE)


def locate(folder: Path) -> Path:
    """Return the folder itself if it is one list, else the one that its ``latest.json`` points to.

    Raises
    ------
    InputError
        If it is neither.
    """
    if (folder / MANIFEST).is_file():
        return folder
    pointer = read_pointer(folder)
    if pointer is None:
        raise InputError(f"{folder}: there is no list, neither {MANIFEST} nor a {POINTER} that can be read")
    return folder / pointer["folder"]


def verify(folder: Path) -> dict[str, Any]:
    """Check every file of a published folder against its manifest and return the manifest.

    Raises
    ------
    IntegrityError
        With every file that is missing, extra or other than it was.
    """
    manifest = _manifest(folder)
    files = manifest["files"]
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    breaches = [f"{name} is not in the manifest" for name in sorted(present - set(files))]
    for name, expected in sorted(files.items()):
        if name not in present:
            breaches.append(f"{name} is missing")
        elif sha256(folder / name) != expected["sha256"]:
            breaches.append(f"{name} has another sha256 than the manifest")
    if identity(manifest["ingredients"]) != manifest["id"]:
        breaches.append("the id is not the hash of its ingredients")
    if breaches:
        raise IntegrityError(f"{folder}: {'; '.join(breaches)}")
    return manifest


def identity(ingredients: dict[str, Any]) -> str:
    """Return the id of what is made of some ingredients: a hash of them, 32 hexadecimal digits."""
    text = json.dumps(ingredients, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        complete = {"id", "ingredients", "files"} <= set(manifest) and isinstance(manifest["files"], dict)
    except OSError as error:
        raise IntegrityError(f"{folder}: {MANIFEST} can't be read ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{folder}: {MANIFEST} is no JSON object: {error}") from error
    if not complete:
        raise IntegrityError(f"{folder}: {MANIFEST} lacks id, ingredients or files")
    return dict(manifest)

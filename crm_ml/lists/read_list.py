"""Reading a published list: nothing is parsed before the sums of its manifest agree."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError, IntegrityError
from crm_ml.lists.list_columns import check_columns, of_list, of_not_selected
from crm_ml.storage import manifest as artefacts
from crm_ml.storage.identity import identity
from crm_ml.storage.paths import project_root
from crm_ml.storage.publish import POINTER, read_pointer

if TYPE_CHECKING:
    import pandas as pd

LIST_FILE = "list.parquet"
NOT_SELECTED_FILE = "others.parquet"


def read_list(folder: Path | str) -> "pd.DataFrame":
    """Read a list, after its sums were checked.

    Parameters
    ----------
    folder : Path or str
        Folder of one list, or the folder of all lists of a name, whose newest is read.

    Returns
    -------
    pandas.DataFrame
        One row for each customer and slot, ordered by them; see `crm_ml.lists.list_file` for the columns.

    Raises
    ------
    InputError
        If there is no list.
    IntegrityError
        If a file does not agree with the manifest (exit code 4).
    """
    import pandas as pd

    located = locate(Path(folder))
    verify_list(located)
    return pd.read_parquet(located / LIST_FILE)


def locate(folder: Path) -> Path:
    """Return the folder itself if it is one list, else the one that its ``latest.json`` points to.

    A relative path is one of the working folder, or of the project where it is not there: notebooks name
    lists as commands do.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not folder.exists() and (project_root() / folder).exists():
        folder = project_root() / folder
    if (folder / artefacts.MANIFEST).is_file():
        return folder
    pointer = read_pointer(folder)
    if pointer is None:
        raise InputError(
            f"{folder}: there is no list, neither {artefacts.MANIFEST} nor a {POINTER} to follow; make run "
            "writes the default lists, python -m crm_ml.score CONFIG another"
        )
    return folder / pointer["folder"]


def verify_list(folder: Path) -> dict[str, Any]:
    """Check the files and columns of a list, and that its id is its ingredients' hash; return the manifest.

    Raises
    ------
    IntegrityError
        With everything that does not agree.
    """
    manifest = artefacts.verify(folder)
    if "ingredients" not in manifest or identity(manifest["ingredients"]) != manifest.get("list_id"):
        raise IntegrityError(f"{folder}: list_id is not the hash of the ingredients; write the list again")
    if LIST_FILE not in manifest["files"]:
        raise IntegrityError(f"{folder}: {LIST_FILE} is not in the manifest; write the list again")
    check_columns(folder / LIST_FILE, of_list(), manifest.get("schema"))
    if NOT_SELECTED_FILE in manifest["files"]:
        check_columns(folder / NOT_SELECTED_FILE, of_not_selected(), of_not_selected().names)
    return manifest

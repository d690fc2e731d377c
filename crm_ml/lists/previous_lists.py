"""Earlier lists of a name, whose rows count as contacts, and the evaluation of the last evaluated one."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crm_ml.errors import InputError
from crm_ml.lists.read_list import verify_list
from crm_ml.storage.regular_file import read_json

EVALUATIONS = "evaluations"
_FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})-[0-9a-f]{16}")


@dataclass(frozen=True)
class EarlierList:
    """A list that was published before."""

    folder: Path
    list_id: str


def earlier_lists(target: Path, day: date) -> list[EarlierList]:
    """Return the lists of the days before `day`, oldest first.

    Parameters
    ----------
    target : Path
        Folder of all lists of a name.
    day : date

    Raises
    ------
    IntegrityError
        If one of them is damaged (exit code 4).
    """
    folders = [folder for folder in list_folders(target) if _before(folder.name, day)]
    return [EarlierList(folder, str(verify_list(folder)["list_id"])) for folder in folders]


def list_folders(target: Path) -> list[Path]:
    """Return the folders of all published lists of a name, oldest first."""
    return sorted(path for path in target.glob("*-*") if _FOLDER.fullmatch(path.name) and path.is_dir())


def last_evaluation(target: Path, day: date) -> dict[str, Any] | None:
    """Return the evaluation of the newest evaluated list before `day`, None without one.

    Raises
    ------
    InputError
        If the file is no JSON object.
    """
    files = sorted(path for path in (target / EVALUATIONS).glob("*.json") if _before(path.stem, day))
    if not files:
        return None
    try:
        content = read_json(files[-1])
    except InputError as error:
        raise InputError(f"{files[-1]} {error}; evaluate the list again") from error
    if not isinstance(content, dict):
        raise InputError(f"{files[-1]}: no evaluation of a list; evaluate the list again")
    return content


def _before(name: str, day: date) -> bool:
    match = _FOLDER.fullmatch(name)
    return match is not None and match.group(1) < day.isoformat()

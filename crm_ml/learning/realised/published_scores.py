"""The score tables that published lists were made from: nothing else that a folder keeps was ever used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crm_ml.errors import IntegrityError
from crm_ml.lists.previous_lists import list_folders
from crm_ml.snapshots import as_utc
from crm_ml.storage import manifest as artefacts
from crm_ml.storage.identity import identity

ROLES = ("churn", "value", "responses", "effects", "items")


@dataclass(frozen=True, eq=False)
class Kept:
    """A score table that lists of a day were made from.

    Parameters
    ----------
    folder : Path
        Its stage; it may be gone.
    role : {"churn", "value", "responses", "effects", "items"}
    action : str
        Whose answers or items it is about; empty for all others.
    as_of : datetime
    models : mapping of str to str
        Of the list: name to the sum of its files.
    lists : list of Path
        Folders of the lists.
    """

    folder: Path
    role: str
    action: str
    as_of: datetime
    models: Mapping[str, str]
    lists: list[Path] = field(default_factory=list)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the stage; its file is not checked yet.

        Raises
        ------
        IntegrityError
            If it can't be read.
        """
        return artefacts.read_manifest(self.folder)


def kept_tables(target: Path, work: Path) -> tuple[list[Kept], list[Path], list[IntegrityError]]:
    """Find the score tables of the lists of a name by their manifests, without reading a list.

    Parameters
    ----------
    target : Path
        Folder of all lists of a name.
    work : Path
        Folder of the stages of scoring runs.

    Returns
    -------
    tuple
        The tables by day; lists that do not say what they were made from; and what can't be read.
    """
    found: dict[tuple[Path, str, str], Kept] = {}
    silent: list[Path] = []
    broken: list[IntegrityError] = []
    for folder in list_folders(target):
        try:
            manifest = artefacts.read_manifest(folder)
            if identity(manifest.get("ingredients")) != manifest.get("list_id"):
                raise IntegrityError(f"{folder}: list_id is not the hash of the ingredients")
        except IntegrityError as error:
            broken.append(error)
            continue
        if "scores" not in manifest:
            silent.append(folder)
        for role, action, name in _named(manifest.get("scores") or {}):
            made = manifest["ingredients"]
            one = Kept(work / name, role, action, as_utc(str(made["as_of"])), made["models"])
            found.setdefault((one.folder, role, action), one).lists.append(folder)
    return sorted(found.values(), key=lambda one: (one.as_of, one.folder.name)), silent, broken


def _named(scores: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the roles, actions and stages that a manifest names."""
    for role in ROLES:
        given = scores.get(role)
        for action, name in given.items() if isinstance(given, Mapping) else [("", given)]:
            if isinstance(name, str) and Path(name).name == name:
                yield role, str(action), name

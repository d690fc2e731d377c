"""The score tables that published lists were made from: nothing else in the work folder was ever used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crm_ml.errors import IntegrityError
from crm_ml.lists.previous_lists import list_folders
from crm_ml.storage.identity import identity
from crm_ml.storage.manifest import read_manifest
from crm_ml.storage.stage_cache import stage_folder
from crm_ml.tables.zones import on_clock_of

_FEATURES = "features"


@dataclass(frozen=True, eq=False)
class PublishedScores:
    """A score table that lists of a day were made from.

    Parameters
    ----------
    folder : Path
        Its stage; it may be gone.
    family : str
        That gave the scores.
    action : str
        That the table is about; empty where it is about all.
    as_of : datetime
    models : mapping of str to str
        Of the list: name to the sum of its files.
    lists : list of Path
        Folders of the lists.
    """

    folder: Path
    family: str
    action: str
    as_of: datetime
    models: Mapping[str, str]
    lists: list[Path] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """The action, or the family where it is about all."""
        return self.action or self.family

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the stage; its file is not checked yet.

        Raises
        ------
        IntegrityError
            If it can't be read.
        """
        return read_manifest(self.folder)


def published_tables(
    target: Path, work: Path
) -> tuple[list[PublishedScores], list[Path], list[IntegrityError]]:
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
    tables: dict[tuple[Path, str, str], PublishedScores] = {}
    silent: list[Path] = []
    unreadable: list[IntegrityError] = []
    for folder in list_folders(target):
        try:
            manifest = read_manifest(folder)
            if identity(manifest.get("ingredients")) != manifest.get("list_id"):
                raise IntegrityError(f"{folder}: list_id is not the hash of the ingredients")
        except IntegrityError as error:
            unreadable.append(error)
            continue
        if "scores" not in manifest:
            silent.append(folder)
        for family, action, name in _named(manifest.get("scores") or {}):
            made_of = manifest["ingredients"]
            as_of = on_clock_of(str(manifest.get("timezone", "UTC")), str(made_of["as_of"]))
            table = PublishedScores(stage_folder(work, name), family, action, as_of, made_of["models"])
            tables.setdefault((table.folder, family, action), table).lists.append(folder)
    ordered = sorted(tables.values(), key=lambda table: (table.as_of, table.folder.name))
    return ordered, silent, unreadable


def _named(scores: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the families, actions and stages that a manifest names."""
    for family, stages in sorted(scores.items()):
        by_action = stages if isinstance(stages, Mapping) else {"": stages}
        for action, name in by_action.items():
            if family != _FEATURES and isinstance(name, str) and Path(name).name == name:
                yield family, str(action), name

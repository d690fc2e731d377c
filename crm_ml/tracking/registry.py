"""Registered models and their aliases."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crm_ml.errors import CrmError, InputError, IntegrityError
from crm_ml.storage.manifest import fingerprint, verify
from crm_ml.tracking.loader_check import check_loader
from crm_ml.tracking.logged_models import MODEL_FOLDER
from crm_ml.tracking.store import absent, connect, load_mlflow, refusing, store_name
from crm_ml.tracking.store_retry import patiently

CONTENT = "content"  # tag of a version: sha256 of the manifest of its model folder when it was registered


class ModelAbsent(InputError):
    """No model of a name has the alias that is wanted (exit code 2)."""


@dataclass(frozen=True)
class ModelVersion:
    """A registered model on local disk.

    Parameters
    ----------
    name, version : str
    folder : Path
        Model folder, verified against its manifest.
    content : str
        sha256 of the manifest, which identifies the content independently of the version number.
    details : mapping
        The manifest: what the model was trained for, and the hashes of its files.
    registered : str, optional
        The same sum as the registry has it; None for a folder that no registry knows.
    """

    name: str
    version: str
    folder: Path
    content: str
    details: Mapping[str, Any] = field(default_factory=dict)
    registered: str | None = None

    @classmethod
    def in_folder(cls, name: str, version: str, folder: Path) -> "ModelVersion":
        """Return the model of a folder.

        Raises
        ------
        IntegrityError
            If a file does not agree with the manifest.
        """
        details = verify(folder)
        return cls(name, version, folder, fingerprint(folder), details)


def champion(name: str, alias: str = "champion") -> ModelVersion:
    """Return the model version behind an alias, on local disk.

    Raises
    ------
    ModelAbsent
        If no model of that name has the alias.
    IntegrityError
        If its files do not agree with their manifest.
    StoreUnavailable
        If the store is locked or does not answer.
    """
    number = None
    with absent(f"{name}@{alias} can't be read from {store_name()}"):
        number = str(connect().get_model_version_by_alias(name, alias).version)
    if number is None:
        lead = f"no model {name}@{alias} is registered in {store_name()}; train it first"
        raise ModelAbsent(f"{lead}: make run trains the default runs, python -m crm_ml.train RUN another")
    return registered(name, number)


def aliases_of(name: str) -> dict[str, str]:
    """Return the aliases of a registered name with their versions; none of a name that is not there.

    Raises
    ------
    InputError
        If the store refuses.
    """
    with absent(f"{name} can't be read from {store_name()}"):
        held = connect().get_registered_model(name).aliases
        return {alias: str(version) for alias, version in sorted(held.items())}
    return {}


def registered(name: str, version: str) -> ModelVersion:
    """Return a version of a registered model, on local disk; raises as `champion`.

    Raises
    ------
    IntegrityError
        Also if the sum of its folder is not that of the registry, or the registry has none: another folder
        may have been put in its place, with a manifest of its own.
    InputError
        Also if its files are gone from the artefact store, or the module that loads it is gone: it was made
        by another version of crm_ml.
    """
    client = connect()
    with refusing(f"no version {version} of model {name} is registered in {store_name()}"):
        noted = client.get_model_version(name, version).tags.get(CONTENT)
    home = _downloaded(name, version)
    check_loader(name, version, home)
    held = ModelVersion.in_folder(name, version, home / "data" / MODEL_FOLDER)
    if held.content != noted:
        raise IntegrityError(
            f"model {name} version {version} is not what was registered in {store_name()}: the registry says "
            f"{noted or 'no sum'}, and its folder is {held.content}; train it again, or make another version "
            "champion"
        )
    return replace(held, registered=noted)


def _downloaded(name: str, version: str) -> Path:
    """Return the files of a version on local disk."""
    download = load_mlflow().artifacts.download_artifacts
    try:
        uri = f"models:/{name}/{version}"
        return Path(patiently(lambda: download(uri), store_name(), method="download"))
    except CrmError:
        raise
    except Exception as error:  # each kind of artefact store has errors of its own
        raise InputError(
            f"the files of model {name} version {version} can't be read from the artefact store of "
            f"{store_name()}; bring them back, or train it again"
        ) from error

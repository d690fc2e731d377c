"""Registered models whose loader module this version of crm_ml does not have."""

import importlib.util
import re
from pathlib import Path
from typing import Any

from crm_ml.errors import CrmError, InputError, IntegrityError
from crm_ml.storage.manifest import read_manifest
from crm_ml.tracking.logged_models import MODEL_FOLDER
from crm_ml.tracking.store import connect, load_mlflow, refusing
from crm_ml.version import VERSION

_RUN = "<its run>"


class LoaderGone(InputError):
    """A registered model is of a version whose loader module is no longer there."""


def check_loader(name: str, version: str, home: Path) -> None:
    """Refuse a model that MLflow would load by a module that is gone.

    Parameters
    ----------
    name, version : str
        Of the registered model.
    home : Path
        Its downloaded MLflow folder, with ``MLmodel``.

    Raises
    ------
    LoaderGone
        The message names the version of crm_ml that made the model, and the command that trains it again.
    IntegrityError
        If ``MLmodel`` is no description of a model.
    """
    described = _described(name, version, home)
    module = str(described.flavors["python_function"]["loader_module"])
    if _present(module):
        return
    raise LoaderGone(
        f"model {name} version {version} was made by crm_ml {_made_by(home)} and is loaded by {module}, "
        f"which crm_ml {VERSION} does not have; train it again: "
        f"python -m crm_ml.train {_run_name(described)}"
    )


def _described(name: str, version: str, home: Path) -> Any:
    """Read what MLflow keeps of a model; it and its YAML raise errors of many classes on a damaged file."""
    load_mlflow()
    from mlflow.models import Model
    from yaml import YAMLError

    try:
        described = Model.load(str(home))
        described.flavors["python_function"]["loader_module"]
    except (YAMLError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise IntegrityError(
            f"model {name} version {version}: MLmodel is damaged ({type(error).__name__}); train it again"
        ) from error
    return described


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _made_by(home: Path) -> str:
    """Return the version of crm_ml that a model was made by, from its manifest or its requirements."""
    try:
        noted = read_manifest(home / "data" / MODEL_FOLDER).get("crm_ml_version")
    except CrmError:
        noted = None
    if noted is not None:
        return str(noted)
    requirements = home / "requirements.txt"
    text = requirements.read_text(encoding="utf-8") if requirements.is_file() else ""
    pinned = re.search(r"^crm[_-]ml==(\S+)", text, re.M)
    return pinned[1] if pinned else "of an unknown version"


def _run_name(described: Any) -> str:
    try:
        with refusing(f"run {described.run_id} is gone"):
            return str(connect().get_run(described.run_id).info.run_name)
    except CrmError:
        return _RUN

"""Paths of a project's files; nothing is created here."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

from crm_ml import environment
from crm_ml.errors import ConfigError, InputError


def project_root() -> Path:
    """Return the nearest folder with ``configs/`` at or above the working folder, else the working folder.

    So notebooks in ``notebooks/`` and commands in the project folder use the same files.
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "configs").is_dir()), here)


def configs_folder() -> Path:
    """Return the folder ``configs/`` of the project.

    Raises
    ------
    ConfigError
        If there is none at or above the working folder.
    """
    folder = project_root() / "configs"
    if not folder.is_dir():
        raise ConfigError(
            "there is no project here (no folder configs/ at or above the working folder): cd into one, or "
            "crm-ml init DIR"
        )
    return folder


def data_folder() -> Path:
    """Return the folder of downloaded and derived data: ``CRM_ML_DATA`` or ``data/`` of the project."""
    return environment.folder(environment.DATA) or project_root() / "data"


def frames_folder() -> Path:
    """Return the folder of what is derived from frames in memory, which belong to no project by themselves.

    It is `data_folder` within a project; outside of one it is ``crm_ml`` of the user's cache folder
    (``XDG_CACHE_HOME`` or ``~/.cache``), so that a notebook anywhere leaves no files beside it.
    """
    if environment.text(environment.DATA) or (project_root() / "configs").is_dir():
        return data_folder()
    return (environment.folder(environment.CACHE_HOME) or Path("~/.cache").expanduser()) / "crm_ml"


def runs_folder() -> Path:
    """Return the folder of the local tracking store: ``CRM_ML_RUNS`` or ``runs/`` of the project."""
    return environment.folder(environment.RUNS) or project_root() / "runs"


def sqlite_uri(file: Path) -> str:
    """Return the URI of a SQLite file; what means something else in a URI is escaped.

    Examples
    --------
    >>> sqlite_uri(Path("/my runs/100%?#/mlflow.db"))
    'sqlite:////my runs/100%25%3F%23/mlflow.db'
    """
    return "sqlite:///" + re.sub(r"[%?#]", lambda sign: f"%{ord(sign[0]):02X}", str(file))


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite URI; None of another URI.

    Examples
    --------
    >>> sqlite_file("sqlite:///runs%3F/mlflow.db"), sqlite_file("postgresql://db/mlflow")
    (PosixPath('runs?/mlflow.db'), None)
    """
    match = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]*)(?:\?.*)?", uri)
    return Path(unquote(match[1])) if match else None


def inside(root: Path, name: str) -> Path:
    """Return the path `name` below `root`.

    Raises
    ------
    ConfigError
        If it would leave `root`.
    """
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ConfigError(f"{name!r} lies outside {root.name}/; name a file inside it")
    return path


def check_writable(folder: Path) -> None:
    """Refuse a folder that can't be written, or can't be made, before the work whose result it is to hold.

    Raises
    ------
    InputError
        If a file stands in its place or in that of a parent, or this user may not write there.

    Examples
    --------
    >>> check_writable(Path("/dev/null/lists"))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: /dev/null/lists: can't be written, /dev/null is no folder; name another
    """
    full = folder.absolute()
    place = next(path for path in (full, *full.parents) if os.path.lexists(path))
    if not place.is_dir():
        raise InputError(f"{folder}: can't be written, {place} is no folder; name another")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: can't be written, this user may not write in {place}; name another")

"""Where the files of a data set lie: inside installed packages, which are not imported, or at a path."""

from importlib.util import find_spec
from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.extras import lacking


def installed_folder(package: str, folder: str) -> Path:
    """Return a folder of an installed package.

    Raises
    ------
    InputError
        If the package is not installed or has no such folder.
    """
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        if (Path(place) / folder).is_dir():
            return Path(place) / folder
    raise InputError(lacking(package, "this data set"))


def required_path(path: Path | None, name: str, file: str) -> Path:
    """Return the path of a data set that no package carries (`InputError` without one)."""
    if path is None:
        raise InputError(f"{name} is not installed with the package; give the path of its {file} file")
    return path

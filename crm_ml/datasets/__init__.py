"""Named real data as customer tables; one module a data set, found by its name."""

import contextlib
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

from crm_ml.errors import ConfigError, InputError
from crm_ml.storage.paths import inside, project_root
from crm_ml.tables.bundle import Tables

__all__ = ["IN_MEMORY", "load", "names"]
IN_MEMORY = "tables in memory"  # of runs and lists whose tables no file names


def names() -> tuple[str, ...]:
    """Return the names of all data sets: the modules of this package."""
    return tuple(
        sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    )


def load(name: str, path: str | Path | None = None, **options: Any) -> Tables:
    """Load customer tables by name, or one's own by their mapping.

    Parameters
    ----------
    name : str
        A data set of `names`, or the path of a mapping such as ``"configs/data/own_tables.yaml"``: below the
        working folder or, where it is not there, below the project's folder.
    path : str or Path, optional
        File or folder of the data, for those that are not installed with the package.
    **options
        Of the data set; see its module.

    Returns
    -------
    Tables
        Cleaned, on DuckDB; cached below ``CRM_ML_DATA`` (or ``data``), so that a second load is quick.

    Raises
    ------
    InputError
        If there is no such data set or mapping, it needs a path, its tables are refused, or they were in
        memory.
    ConfigError
        If a mapping is wrong, or lies outside of both folders.

    Examples
    --------
    >>> load("grocer")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: 'grocer' is no data set; there are cdnow, complete_journey, ...
    """
    if is_mapping(name):
        from crm_ml.tables.config_file import load_config

        return load_config(mapping_file(name))
    if name == IN_MEMORY:
        raise InputError(
            "the tables were in memory, and nothing keeps them; call crm_ml.fit or crm_ml.decide with them "
            "again, or write them to files that a mapping names"
        )
    if name not in names():
        raise InputError(f"{name!r} is no data set; there are {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    known = inspect.signature(module.load).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known)}")
    tables: Tables = module.load(None if path is None else Path(path), **options)
    return tables


def is_mapping(name: str) -> bool:
    """Return whether a name is the path of a mapping, and not that of a data set."""
    return name.endswith((".yaml", ".yml"))


def mapping_file(name: str) -> Path:
    """Return the mapping of a name that `is_mapping`, below the working folder or that of the project.

    Raises
    ------
    InputError
        If there is none.
    ConfigError
        If it lies outside of both folders.
    """
    allowed = []
    for root in (Path.cwd(), project_root()):
        with contextlib.suppress(ConfigError):
            allowed.append(inside(root, name))
    if not allowed:
        raise ConfigError(f"{name} lies outside the working folder and the project; move it into one of them")
    mapping = next((path for path in allowed if path.is_file()), None)
    if mapping is None:
        looked = ", ".join(str(path) for path in dict.fromkeys(allowed))
        raise InputError(f"there is no mapping {looked}; data sets without one are {', '.join(names())}")
    return mapping

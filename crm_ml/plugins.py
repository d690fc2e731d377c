"""A company's own code: a name such as ``acme.models:MyModel`` in a config, or an installed entry point."""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, distributions, entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.storage.paths import project_root

OWN = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*"
NAME = rf"^([a-z][a-z0-9_]*|{OWN})$"  # of a module of ours or an entry point, or an own


def is_own(name: str) -> bool:
    """Say whether a name is of the form ``module:name``."""
    return ":" in name


def imported(module: str, where: str) -> ModuleType:
    """Import a module; one beside ``configs/`` of the project is found from any folder of the project.

    Parameters
    ----------
    module : str
        Dotted name.
    where : str
        What names it, for the message.

    Raises
    ------
    ConfigError
        If there is no such module, or its import fails.
    """
    try:
        _let_project_be_imported(module)
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigError(
                f"{where}: there is no module {error.name}; install it, or put it beside configs/ of the "
                "project, or put its folder on PYTHONPATH"
            ) from error
        raise ConfigError(f"{where}: {module} can't be imported: {error}") from error
    except Exception as error:
        raise ConfigError(f"{where}: {module} can't be imported: {type(error).__name__}: {error}") from error


def _let_project_be_imported(module: str) -> None:
    """Add the project's folder to the path if the module lies there: scripts and notebooks lack it."""
    root, package = project_root(), module.partition(".")[0]
    lies_there = (root / package).is_dir() or (root / f"{package}.py").is_file()
    if lies_there and str(root) not in sys.path and not _is_there(package):
        sys.path.append(str(root))


def named(name: str) -> Any:
    """Return what a name of the form ``module:name`` stands for.

    Raises
    ------
    ConfigError
        If there is no such module, its import fails, or it holds nothing of that name.

    Examples
    --------
    >>> named("math:pi")
    3.141592653589793
    >>> named("math:tau_squared")
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: 'math:tau_squared': module math has no tau_squared
    """
    module, _, attribute = name.partition(":")
    home = imported(module, repr(name))
    if not hasattr(home, attribute):
        raise ConfigError(f"{name!r}: module {module} has no {attribute}")
    return getattr(home, attribute)


def modules_named(content: Any) -> set[str]:
    """Return the modules of one's own that a config's plain content names, as far as they are there.

    Those are the modules of texts such as ``acme.models:MyModel`` or ``acme.groups.loyalty``, and of the
    entry points of crm_ml whose name is a text of the content.

    Examples
    --------
    >>> modules_named({"model": {"name": "json.decoder:JSONDecoder"}, "others": [{"name": "ease"}]})
    {'json.decoder'}
    """
    texts = set(_texts(content))
    names = {text.partition(":")[0] for text in texts if re.fullmatch(rf"{OWN}|[A-Za-z_]\w*(\.\w+)+", text)}
    for name in names:
        _let_project_be_imported(name)
    for point in (point for each in distributions() for point in each.entry_points):
        if point.group.startswith("crm_ml.") and point.name in texts:
            names.add(point.module)
    return {name for name in names if _is_there(name)}


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from _texts([*content, *content.values()])
    elif isinstance(content, list | tuple):
        for part in content:
            yield from _texts(part)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, in the order of their names; none is loaded."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def full_name(kind: type[Any]) -> str:
    """Return the ``module:name`` of a class, by which `named` returns it."""
    return f"{kind.__module__}:{kind.__qualname__}"

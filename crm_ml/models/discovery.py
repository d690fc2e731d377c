"""Kinds of models: found by the modules of a package, made by name, noted in the folder of one."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crm_ml.errors import ConfigError, InputError

_FORMAT = 1


def discover(package: str, wanted: Callable[[type[Any]], bool]) -> dict[str, type[Any]]:
    """Return the classes of a package that are wanted, by the name of their module."""
    found: dict[str, type[Any]] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        module = importlib.import_module(f"{package}.{name}")
        for one in vars(module).values():
            if inspect.isclass(one) and one.__module__ == module.__name__ and wanted(one):
                found[name] = one
    return found


def make(known: Mapping[str, type[Any]], what: str, name: str, parameters: Mapping[str, Any]) -> Any:
    """Make an object of a kind; `what` says in errors what it would be.

    Raises
    ------
    ConfigError
        If there is no such kind, or it has no such parameter.
    """
    if name not in known:
        raise ConfigError(f"{name!r} is no {what}; there are {', '.join(known)}")
    names = list(inspect.signature(known[name]).parameters)
    unknown = sorted(set(parameters) - set(names))
    if unknown:
        raise ConfigError(
            f"{name} has no parameter {', '.join(unknown)}; it has {', '.join(names) or 'none'}"
        )
    return known[name](**parameters)


def write_kind(folder: Path, key: str, model: Any) -> None:
    """Note the kind of a model, the name of its module, in ``<key>.json``."""
    kind = type(model).__module__.rsplit(".", 1)[-1]
    text = json.dumps({key: kind, "format": _FORMAT})
    (folder / f"{key}.json").write_text(text + "\n", encoding="utf-8")


def read_kind(folder: Path, key: str, known: Mapping[str, type[Any]], what: str) -> type[Any]:
    """Return the class that `write_kind` noted; check the folder's manifest before.

    Raises
    ------
    InputError
        If the folder holds no model of a known kind and format.
    """
    kind = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
    if kind.get("format") != _FORMAT or kind.get(key) not in known:
        raise InputError(f"{folder}: {kind} is no {what}; there are {', '.join(known)}")
    return known[kind[key]]

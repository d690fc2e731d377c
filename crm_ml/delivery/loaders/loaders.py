"""The loaders by name: those of the package, those that are installed, and one's own."""

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from crm_ml.delivery.loaders.load_once import Loaded
from crm_ml.errors import ConfigError
from crm_ml.plugins import installed, named

PACKAGE = "crm_ml.delivery.loaders"
GROUP = "crm_ml.loaders"
_OWN = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?::(.*))?", re.DOTALL)


@runtime_checkable
class Loader(Protocol):
    """A kind of place that lists are loaded into: a module of the package, or a class of one's own."""

    TARGET: str
    """What follows the name on the command line, such as PATH; empty where nothing does."""

    def load(self, folder: Path, target: str, /) -> Loaded:
        """Load a list into the target, whole or not at all, and never twice.

        Parameters
        ----------
        folder : Path
            A list, or the folder of all lists of a name; see `crm_ml.delivery.loaders.load_once.verify`.
        target : str

        Raises
        ------
        AlreadyPublished
            If the list is there already.
        """


def built_in() -> dict[str, Loader]:
    """Return the loaders of the package: modules with ``NAMES``, by each of these.

    Examples
    --------
    >>> list(built_in())
    ['csv', 'duckdb', 'postgres', 'postgresql']
    """
    loaders: dict[str, Loader] = {}
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        module: Any = importlib.import_module(f"{PACKAGE}.{info.name}")
        loaders |= dict.fromkeys(getattr(module, "NAMES", ()), module)
    return loaders


def forms() -> str:
    """Return what may be named on the command line; no entry point is loaded.

    Examples
    --------
    >>> forms()
    'csv:PATH, duckdb:PATH or postgres:'
    """
    first = {loader: f"{name}:{loader.TARGET}" for name, loader in reversed(built_in().items())}
    *all_but_last, last = [*reversed(first.values()), *(f"{name}:" for name in installed(GROUP))]
    return f"{', '.join(all_but_last)} or {last}"


def loader_of(text: str) -> tuple[Loader, str]:
    """Return the loader that a text such as ``csv:PATH`` names, and its target.

    Parameters
    ----------
    text : str
        Name of a loader of the package or of an entry point of the group ``crm_ml.loaders``, or
        ``module:Class`` of one's own; and the target after a colon.

    Raises
    ------
    ConfigError
        If there is no such loader, a target is missing, or a loader of one's own can't be made. The text is
        not repeated where it names none, since it may hold an address.
    """
    name, _, target = text.partition(":")
    own, points = _OWN.fullmatch(text), installed(GROUP)
    if name in built_in():
        loader = built_in()[name]
    elif name in points:
        loader = _made(points[name].value)
    elif own and importlib.util.find_spec(own[1].split(".")[0]):
        loader, target = _made(f"{own[1]}:{own[2]}"), own[3] or ""
    else:
        raise ConfigError(f"--into names {forms()}, or a loader of one's own as module:Class:TARGET")
    if loader.TARGET and not target:
        raise ConfigError(f"--into names {forms()}; there is no {loader.TARGET}")
    return loader, target


def _made(name: str) -> Loader:
    """Return what ``module:name`` stands for: a loader, or a class that makes one."""
    loader = named(name)
    loader = loader() if isinstance(loader, type) else loader
    if not isinstance(loader, Loader):
        raise ConfigError(f"{name} is no loader: it needs TARGET and load(folder, target)")
    return loader

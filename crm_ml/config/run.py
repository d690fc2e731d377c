"""Base class of the configs of all families, and discovery of the families."""

import importlib
import pkgutil
from functools import cache
from typing import Annotated

from pydantic import Field

from crm_ml.config.parts import Data, Register
from crm_ml.errors import ConfigError
from crm_ml.plugins import imported, installed
from crm_ml.tables.strict import Strict

GROUP = "crm_ml.families"


class Run(Strict):
    """An experiment: one file of ``configs/<family>/``.

    A family is a module of its name in this package, or the module ``config`` of the package named by an
    entry point of the group ``crm_ml.families``; ``RUN`` in it is a subclass of this class.

    Parameters
    ----------
    family : str
        The family, after which the folder of the file is named.
    data : Data
        Tables to read.
    target : Strict
        The predicted outcome; each family has its own class.
    replicates : int
        Replicates of the bootstrap behind the intervals.
    seed : int
        Seed of all random numbers.
    register_as : Register
        Name and day of the final model.
    """

    family: str
    data: Data
    target: Strict
    replicates: Annotated[int, Field(ge=100)] = 1000
    seed: Annotated[int, Field(ge=0)] = 0
    register_as: Register


@cache
def run_classes() -> dict[str, type[Run]]:
    """Return the config class of each family, in alphabetical order.

    Raises
    ------
    ConfigError
        If the package of an entry point can't be imported or has no ``RUN``, or its name is taken.
    """
    package = importlib.import_module("crm_ml.config")
    modules = {
        info.name: importlib.import_module(f"crm_ml.config.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    }
    classes: dict[str, type[Run]] = {
        family: module.RUN for family, module in modules.items() if hasattr(module, "RUN")
    }
    for family, point in installed(GROUP).items():
        where = f"entry point {family} of {GROUP}"
        if family in classes:
            raise ConfigError(f"{where}: crm_ml has a family of that name; give yours another one")
        module = imported(f"{point.value}.config", where)
        if not hasattr(module, "RUN"):
            raise ConfigError(f"{where}: {module.__name__} has no RUN")
        classes[family] = module.RUN
    return dict(sorted(classes.items()))

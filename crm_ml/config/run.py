"""What the configs of all families share, and which families there are."""

import importlib
import pkgutil
from functools import cache
from typing import Annotated

from pydantic import Field

from crm_ml.config.parts import Data, Register
from crm_ml.plugins import imported, installed
from crm_ml.tables.strict import Strict

GROUP = "crm_ml.families"


class Run(Strict):
    """An experiment: one file of ``configs/<family>/``.

    A family has a module of its name here, or the module ``config`` in the package that an entry point of the
    group ``crm_ml.families`` names, with ``RUN``: its subclass of this class.

    Parameters
    ----------
    family : str
    data : Data
        Tables that are read.
    target : Strict
        What is predicted; each family has its own.
    replicates, seed : int
        Of the bootstrap.
    register_as : Register
        Name and day of the final model.
    """

    family: str
    data: Data
    target: Strict
    replicates: Annotated[int, Field(ge=100)] = 1000
    seed: int = 0
    register_as: Register


@cache
def run_classes() -> dict[str, type[Run]]:
    """Return the class of a family's config by family, in their order.

    Raises
    ------
    ConfigError
        If the package of an entry point can't be imported.
    """
    package = importlib.import_module("crm_ml.config")
    modules = {
        info.name: importlib.import_module(f"crm_ml.config.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    }
    for family, point in installed(GROUP).items():
        modules[family] = imported(f"{point.value}.config", f"entry point {family} of {GROUP}")
    return {family: one.RUN for family, one in sorted(modules.items()) if hasattr(one, "RUN")}

"""Which recommenders there are, found by their modules."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.recommend.recommender import Recommender


@cache
def models() -> dict[str, type[Recommender]]:
    """Return the recommenders by module name: every concrete `Recommender` of this package."""
    package = importlib.import_module("crm_ml.recommend")
    found: dict[str, type[Recommender]] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"crm_ml.recommend.{name}")
        for one in vars(module).values():
            own = inspect.isclass(one) and one.__module__ == module.__name__
            if own and issubclass(one, Recommender) and not inspect.isabstract(one):
                found[name] = one
    return found


def create(name: str, **parameters: Any) -> Recommender:
    """Make an unfitted recommender by its name.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no such parameter.

    Examples
    --------
    >>> create("ease", l2=100.0).l2
    100.0
    """
    if name not in models():
        raise ConfigError(f"{name!r} is no recommender; there are {', '.join(models())}")
    known = list(inspect.signature(models()[name]).parameters)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigError(f"{name} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    return models()[name](**parameters)

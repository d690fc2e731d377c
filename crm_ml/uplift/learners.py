"""Which learners there are, found by their modules."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.uplift.learner import Learner


@cache
def learners() -> dict[str, type[Learner]]:
    """Return the learners by module name: every class of this package that is a `Learner`."""
    package = importlib.import_module("crm_ml.uplift")
    found: dict[str, type[Learner]] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"crm_ml.uplift.{name}")
        for one in vars(module).values():
            if inspect.isclass(one) and one.__module__ == module.__name__ and issubclass(one, Learner):
                found[name] = one
    found.pop("learner", None)  # the abstract one
    return found


def create(name: str, **parameters: Any) -> Learner:
    """Make an unfitted learner by its name.

    Raises
    ------
    ConfigError
        If there is no such learner, or it has no such parameter.

    Examples
    --------
    >>> create("t_learner", base="logistic").base
    'logistic'
    """
    if name not in learners():
        raise ConfigError(f"{name!r} is no learner of uplift; there are {', '.join(learners())}")
    known = list(inspect.signature(learners()[name]).parameters)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigError(f"{name} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    return learners()[name](**parameters)

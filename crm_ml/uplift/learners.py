"""Which learners there are, found by their modules."""

import inspect
from functools import cache
from typing import Any

from crm_ml.models.discovery import discover, make
from crm_ml.uplift.learner import Learner


@cache
def learners() -> dict[str, type[Learner]]:
    """Return the learners by module name: every class of this package that is a `Learner`."""
    return discover("crm_ml.uplift", lambda one: issubclass(one, Learner) and not inspect.isabstract(one))


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
    made: Learner = make(learners(), "learner of uplift", name, parameters)
    return made

"""Which recommenders there are, found by their modules."""

import inspect
from functools import cache
from typing import Any

from crm_ml.models.discovery import discover, make
from crm_ml.recommend.recommender import Recommender


@cache
def models() -> dict[str, type[Recommender]]:
    """Return the recommenders by module name: every concrete `Recommender` of this package."""
    return discover(
        "crm_ml.recommend", lambda one: issubclass(one, Recommender) and not inspect.isabstract(one)
    )


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
    made: Recommender = make(models(), "recommender", name, parameters)
    return made

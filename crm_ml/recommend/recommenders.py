"""Which recommenders there are, found by their modules."""

from typing import Any

from crm_ml.models.discovery import Registry
from crm_ml.recommend.recommender import Recommender

RECOMMENDERS: Registry[Recommender] = Registry(
    "crm_ml.recommend", Recommender, "recommender", "crm_ml.recommenders"
)


def create(name: str, **parameters: Any) -> Recommender:
    """Make an unfitted recommender by its name, or by the ``module:Class`` of one's own.

    Raises
    ------
    ConfigError
        If there is no such model, it has no such parameter, or a class of one's own is no `Recommender`.

    Examples
    --------
    >>> create("ease", l2=100.0).l2
    100.0
    """
    return RECOMMENDERS.create(name, **parameters)

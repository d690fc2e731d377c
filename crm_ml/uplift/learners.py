"""Which learners there are, found by their modules."""

from typing import Any

from crm_ml.models.discovery import Registry
from crm_ml.uplift.learner import Learner

LEARNERS: Registry[Learner] = Registry("crm_ml.uplift", Learner, "learner of uplift", "crm_ml.learners")


def create(name: str, **parameters: Any) -> Learner:
    """Make an unfitted learner by its name, or by the ``module:Class`` of one's own.

    Raises
    ------
    ConfigError
        If there is no such learner, it has no such parameter, or a class of one's own is no `Learner`.

    Examples
    --------
    >>> create("t_learner", base="logistic").base
    'logistic'
    """
    return LEARNERS.create(name, **parameters)

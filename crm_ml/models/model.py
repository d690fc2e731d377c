"""The interface of a model of a probability, and the registry of all models."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy.typing as npt

from crm_ml.models.checks import Floats
from crm_ml.models.discovery import Registry

if TYPE_CHECKING:
    import pandas as pd


class Model(Protocol):
    """A model of a probability; parameters are stored by ``__init__``, what `fit` learns ends in ``_``."""

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn from features (n, k) and labels (n,), 1 = it happened; earlier fits are forgotten."""
        ...

    def predict_proba(self, X: "pd.DataFrame") -> Floats:
        """Return the probability of either label of each row, shape (n, 2); the second column: it happens."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote."""
        ...


MODELS: Registry[Model] = Registry("crm_ml.models", Model, "model", "crm_ml.models")


def create(name: str, **parameters: Any) -> Any:
    """Make an unfitted model by its name, or by the ``module:Class`` of one's own.

    Raises
    ------
    ConfigError
        If there is no such model, it has no such parameter, or a class of one's own is no `Model`.

    Examples
    --------
    >>> create("recency_rule")
    OneFeatureRule(column='rfm_days_since_order')
    >>> create("oracle")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: 'oracle' is no model; there are ...
    """
    return MODELS.create(name, **parameters)

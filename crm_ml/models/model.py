"""What every model can do, which models there are, and how one is written to a folder."""

import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy.typing as npt

from crm_ml.models.checks import Floats
from crm_ml.models.discovery import discover, make

if TYPE_CHECKING:
    import pandas as pd

_KIND = "model"
_METHODS = ("fit", "predict", "save", "load")


class Model(Protocol):
    """A model of a probability; parameters are stored by ``__init__``, what `fit` learns ends in ``_``."""

    def fit(self, X: "pd.DataFrame", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn from features (n, k) and labels (n,), 1 = it happened; earlier fits are forgotten."""
        ...

    def predict(self, X: "pd.DataFrame") -> Floats:
        """Return the probability of each row, shape (n,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote."""
        ...


@cache
def models() -> dict[str, type[Any]]:
    """Return the models by module name: every class of this package with fit, predict, save and load."""
    return discover("crm_ml.models", _is_model)


def create(name: str, **parameters: Any) -> Any:
    """Make an unfitted model by its name.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no such parameter.

    Examples
    --------
    >>> create("recency_rule")
    RecencyRule()
    >>> create("oracle")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: 'oracle' is no model; there are ...
    """
    return make(models(), "model", name, parameters)


def _is_model(one: type[Any]) -> bool:
    return not inspect.isabstract(one) and one is not Model and all(hasattr(one, name) for name in _METHODS)

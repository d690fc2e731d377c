"""One verb that trains, judges and calibrates a model of any family."""

from datetime import date
from typing import Any

from crm_ml.front.fitted_model import FittedModel
from crm_ml.tables import Tables


def fit(family: str, tables: Tables, *, as_of: date | str, **stated: Any) -> FittedModel:
    """Fit a model of a family to tables."""
    raise NotImplementedError

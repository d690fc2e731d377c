"""The loader of lifetime-value models for MLflow; registered models store the name of this module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.clv.clv_model import SCORES, ClvModel
from crm_ml.clv.with_covariates import WithCovariates
from crm_ml.models.model_folder import loader

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "clv"
INPUTS = ("frequency", "recency", "T", "monetary_value", "first_value")
OUTPUTS = SCORES


def covariate_inputs(model: ClvModel) -> dict[str, str]:
    """Return the covariates that a summary needs, with their types for MLflow."""
    purchases = model.valuer.purchases
    if not isinstance(purchases, WithCovariates):
        return {}
    return {
        column.source: "double" if column.level is None else "string" for column in purchases.design_.columns
    }


def score(model: ClvModel, summary: "pd.DataFrame", params: Mapping[str, Any]) -> "pd.DataFrame":  # noqa: ARG001
    """Return the score table of a summary, indexed like it."""
    return model.predict(summary)


_load_pyfunc = loader(score)

"""The loader of lifetime-value models for MLflow; registered models store the name of this module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.clv.clv_model import SCORES, ClvModel
from crm_ml.models.model_folder import loader

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "clv"
INPUTS = ("frequency", "recency", "T", "monetary_value", "first_value")
OUTPUTS = SCORES


def score(model: ClvModel, summary: "pd.DataFrame", params: Mapping[str, Any]) -> "pd.DataFrame":  # noqa: ARG001
    """Return the score table of a summary, indexed like it."""
    return model.predict(summary)


_load_pyfunc = loader(score)

"""The loader of uplift models for MLflow; registered models store the name of this module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.models.model_folder import loader
from crm_ml.tables.outside_frames import as_features
from crm_ml.uplift.learner import Learner

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "uplift"


def column(arm: str) -> str:
    """Return the name of an arm's score."""
    return f"uplift_{arm}"


def score(
    model: Learner,
    X: "pd.DataFrame",
    params: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> "pd.DataFrame":
    """Return a frame with a column ``uplift_<arm>`` for each treated arm, indexed like the input."""
    import pandas as pd

    X = as_features(X)
    return pd.DataFrame({column(arm): model.predict(X, arm) for arm in model.arms_}, index=X.index)


_load_pyfunc = loader(score)

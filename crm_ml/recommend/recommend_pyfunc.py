"""The loader of recommenders for MLflow; registered models store the name of this module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.models.model_folder import loader
from crm_ml.recommend.recommender import Recommender
from crm_ml.tables.outside_frames import CUSTOMER, as_pandas

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "recommend"
_K = 10


def score(model: Recommender, customers: "pd.DataFrame", params: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the best items of each customer_id of a frame; `params` may give k and exclude_seen."""
    frame = as_pandas(customers, "recommend")
    if CUSTOMER not in frame.columns:
        raise InputError(f"recommend: the frame has no column {CUSTOMER}")
    return model.recommend(frame[CUSTOMER], int(params.get("k", _K)), bool(params.get("exclude_seen", True)))


_load_pyfunc = loader(score)

"""The loader of recommenders for MLflow; registered models store the name of this module."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crm_ml.models.model_folder import loader
from crm_ml.recommend.recommender import Recommender

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "recommend"
_K = 10


def score(model: Recommender, customers: "pd.DataFrame", params: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the best items of each customer_id of a frame; `params` may give k and exclude_seen."""
    ids = customers["customer_id"].to_numpy(dtype=object)
    return model.recommend(ids, int(params.get("k", _K)), bool(params.get("exclude_seen", True)))


_load_pyfunc = loader(score)

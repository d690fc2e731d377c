"""The folder a recommender is kept in; also the loader module of its MLflow flavour."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.models.discovery import read_kind, write_kind
from crm_ml.recommend.models import models
from crm_ml.recommend.recommender import Recommender
from crm_ml.storage.manifest import new_folder, verify

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "recommend"
_KIND = "recommender"
_K = 10


def save(model: Recommender, folder: Path, **details: Any) -> None:
    """Write a fitted recommender with its manifest, whole or not at all.

    Parameters
    ----------
    model : Recommender
    folder : Path
        Must not exist or be empty.
    **details
        Entries of the manifest that say what the model was trained for, ready for JSON.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    with new_folder(Path(folder), family=FAMILY, **details) as part:
        write_kind(part, _KIND, model)
        model.save(part)


def load(folder: Path) -> Recommender:
    """Read a recommender after its files agree with the manifest.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted; nothing has been parsed then.
    InputError
        If it is of an unknown kind.
    """
    verify(Path(folder))
    found: Recommender = read_kind(Path(folder), _KIND, models(), "recommender").load(Path(folder))
    return found


class PyfuncModel:
    """What MLflow calls to recommend to the customers of a frame.

    Parameters
    ----------
    model : Recommender
    """

    def __init__(self, model: Recommender) -> None:
        self.model = model

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Return the best items of each customer_id; `params` may give k and exclude_seen."""
        given = params or {}
        customers = model_input["customer_id"].to_numpy(dtype=object)
        return self.model.recommend(customers, int(given.get("k", _K)), bool(given.get("exclude_seen", True)))


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(load(Path(path)))

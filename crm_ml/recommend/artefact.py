"""The folder a recommender is kept in; also the loader module of its MLflow flavour."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.artefacts import new_folder, verify
from crm_ml.errors import InputError
from crm_ml.recommend.models import models
from crm_ml.recommend.recommender import Recommender

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "recommend"
_KIND = "recommender.json"
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
        kind = next(name for name, one in models().items() if type(model) is one)
        (part / _KIND).write_text(json.dumps({"recommender": kind, "format": 1}) + "\n", encoding="utf-8")
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
    kind = json.loads((Path(folder) / _KIND).read_text(encoding="utf-8"))
    if kind.get("format") != 1 or kind.get("recommender") not in models():
        raise InputError(f"{folder}: {kind} is no recommender; there are {', '.join(models())}")
    return models()[kind["recommender"]].load(Path(folder))


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

"""The folder a lifetime-value model is kept in; also the loader module of its MLflow flavour."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.clv.clv_model import SCORES, ClvModel
from crm_ml.storage.manifest import new_folder, verify

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.monitoring.training_profile import Profile

INPUTS = ("frequency", "recency", "T", "monetary_value", "first_value")
OUTPUTS = SCORES


def save(model: ClvModel, folder: Path, *, profile: "Profile | None" = None, **details: Any) -> None:
    """Write a model with its manifest, whole or not at all; `details` are entries of the manifest.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    with new_folder(Path(folder), family="clv", **details) as part:
        model.save(part)
        if profile is not None:
            profile.write(part)


def load(folder: Path) -> ClvModel:
    """Read a model after its files agree with the manifest.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted; nothing has been parsed then.
    """
    verify(Path(folder))
    return ClvModel.load(Path(folder))


class PyfuncModel:
    """What MLflow calls to score a summary."""

    def __init__(self, model: ClvModel) -> None:
        self.model = model

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002  (MLflow passes it)
        """Return the score table of a summary, indexed like it."""
        return self.model.predict(model_input)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(load(Path(path)))

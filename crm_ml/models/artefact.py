"""The folder a model is kept in, and what MLflow calls to score a frame; families put their names to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.models.model_files import read_model, write_model
from crm_ml.storage.manifest import new_folder, verify

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.monitoring.training_profile import Profile


def save(model: Any, folder: Path, family: str, *, profile: "Profile | None" = None, **details: Any) -> None:
    """Write a fitted model with its manifest, whole or not at all.

    Parameters
    ----------
    model : Model or CalibratedModel
    folder : Path
        Must not exist or be empty.
    family : str
        Such as ``"churn"``.
    profile : Profile, optional
        What a day of scoring is compared with.
    **details
        Entries of the manifest that say what the model was trained for, ready for JSON.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    with new_folder(Path(folder), family=family, **details) as part:
        write_model(model, part)
        if profile is not None:
            profile.write(part)


def load(folder: Path) -> Any:
    """Read a model after its files agree with the manifest.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted; nothing has been parsed then.
    """
    verify(Path(folder))
    return read_model(Path(folder))


class PyfuncModel:
    """What MLflow calls to score a frame.

    Parameters
    ----------
    model : Model or CalibratedModel
    column : str
        Name of the prediction, such as ``"p_churn"``.
    """

    def __init__(self, model: Any, column: str) -> None:
        self.model = model
        self.column = column

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002  (MLflow passes it)
        """Return a frame with the one column, indexed like the input."""
        import pandas as pd

        return pd.DataFrame({self.column: self.model.predict(model_input)}, index=model_input.index)

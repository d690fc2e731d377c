"""The folder an uplift model is kept in; also the loader module of its MLflow flavour."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.models.discovery import read_kind, write_kind
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.uplift.learner import Learner
from crm_ml.uplift.learners import learners

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.monitoring.training_profile import Profile

FAMILY = "uplift"
_KIND = "learner"


def column(arm: str) -> str:
    """Return the name of an arm's score."""
    return f"uplift_{arm}"


def save(model: Learner, folder: Path, *, profile: "Profile | None" = None, **details: Any) -> None:
    """Write a fitted learner with its manifest, whole or not at all.

    Parameters
    ----------
    model : Learner
    folder : Path
        Must not exist or be empty.
    profile : Profile, optional
        What a day of scoring is compared with.
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
        if profile is not None:
            profile.write(part)


def load(folder: Path) -> Learner:
    """Read a learner after its files agree with the manifest.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted; nothing has been parsed then.
    InputError
        If it is of an unknown kind.
    """
    verify(Path(folder))
    found: Learner = read_kind(Path(folder), _KIND, learners(), "learner of uplift").load(Path(folder))
    return found


class PyfuncModel:
    """What MLflow calls to score a frame.

    Parameters
    ----------
    model : Learner
    """

    def __init__(self, model: Learner) -> None:
        self.model = model

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> "pd.DataFrame":  # noqa: ARG002  (MLflow passes it)
        """Return a frame with a column ``uplift_<arm>`` for each treated arm, indexed like the input."""
        import pandas as pd

        found = {column(arm): self.model.predict(model_input, arm) for arm in self.model.arms_}
        return pd.DataFrame(found, index=model_input.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(load(Path(path)))

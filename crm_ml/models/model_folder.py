"""The folder of a fitted model: its class, its files, and the manifest that is checked before any is read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from pydantic import Field

from crm_ml.errors import ConfigError, CrmError, InputError
from crm_ml.models.estimator import Estimator
from crm_ml.models.predictor import HAPPENED, Predictor
from crm_ml.plugins import full_name, named
from crm_ml.private_files import make_folder
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.tables.outside_frames import as_features
from crm_ml.tables.part_file import AnotherVersion, read_part, whole_part
from crm_ml.tables.strict import Strict
from crm_ml.version import VERSION

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.monitoring.training_profile import Profile

CLASS = "model.json"
VERSION_KEY = "crm_ml_version"
_FORMAT = 2
_ARRAY = "array_features"  # number of columns of the array that a model learned from, which have no names
M = TypeVar("M")
Score = Callable[[M, "pd.DataFrame", Mapping[str, Any]], "pd.DataFrame"]


class _Noted(Strict):
    """What ``model.json`` holds."""

    model: str
    format: int | None = None
    labels: tuple[int | float | str, int | float | str] | None = None
    array_features: Annotated[int, Field(ge=1)] | None = None


class Saved(Protocol):
    """A fitted model that writes itself into a folder; its class has ``load``, which reads it again."""

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        ...


def save(
    model: Saved, folder: Path, family: str, *, profile: "Profile | None" = None, **details: Any
) -> None:
    """Write a fitted model with its manifest, whole or not at all.

    Parameters
    ----------
    model : Saved
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
    with new_folder(Path(folder), family=family, **{VERSION_KEY: VERSION}, **details) as part:
        write_model(model, part)
        if profile is not None:
            profile.write(part)


def load(folder: Path) -> Any:
    """Read a model after its files agree with the manifest.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted; nothing has been parsed then.
    InputError
        If its class is unknown here.
    """
    verify(Path(folder))
    return read_model(Path(folder))


def write_model(model: Saved, folder: Path) -> None:
    """Write a fitted model and the name of its class; the folder is made where it is absent."""
    make_folder(folder)
    noted: dict[str, Any] = {"model": full_name(type(model)), "format": _FORMAT}
    labels = model.labels_ if isinstance(model, Predictor) else HAPPENED
    if labels != HAPPENED:
        noted["labels"] = labels
    if hasattr(model, "n_features_in_") and not hasattr(model, "feature_names_in_"):
        noted[_ARRAY] = model.n_features_in_
    (folder / CLASS).write_text(json.dumps(noted) + "\n", encoding="utf-8")
    model.save(folder)


def read_model(folder: Path) -> Any:
    """Read what `write_model` wrote; check the folder's manifest before (`InputError` as `load`)."""
    noted = read_part(folder / CLASS, _Noted)
    if noted.format != _FORMAT:
        raise AnotherVersion(
            f"{folder}: a model of format {noted.format!r}, and this version reads {_FORMAT}; train it again"
        )
    try:
        kind = named(noted.model)
    except ConfigError as error:
        raise AnotherVersion(f"{folder}: its class is unknown here: {error}; or train it again") from error
    if not hasattr(kind, "load"):
        raise AnotherVersion(f"{folder}: {noted.model} is no model: it lacks load")
    with whole_part(folder):
        model = kind.load(folder)
    if noted.labels is not None:
        model.labels_ = noted.labels
    if isinstance(model, Estimator):
        _take_columns(model, noted.array_features)
    return model


def _take_columns(model: Estimator, array_features: int | None) -> None:
    """Let a model that was read find columns as in its fit: by their names, or in an array of some width."""
    vars(model)["_by_name"] = array_features is None
    if array_features is not None:
        vars(model).pop("feature_names_in_", None)
        model.n_features_in_ = array_features


def own_modules(folder: Path) -> list[str]:
    """Return the modules of all classes in a model's folder that are not of this package."""
    noted = [read_part(path, _Noted).model for path in Path(folder).rglob(CLASS)]
    return sorted({name.partition(":")[0] for name in noted if not name.startswith("crm_ml.")})


class PyfuncModel:
    """What MLflow calls to score a frame.

    Parameters
    ----------
    model : Saved
    score : callable
        Returns the scores of a frame by a model and the parameters of the call.
    """

    def __init__(self, model: M, score: Score[M]) -> None:
        self._model, self._score = model, score

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Return the scores of a frame.

        Parameters
        ----------
        model_input : frame of pandas, Polars or Arrow, list of records, or mapping of columns
            A number may have any type of numbers, a category any type of text or of declared categories; the
            scores do not depend on it. Of a frame without an index the column customer_id becomes it.
        params : mapping of str to value, optional

        Raises
        ------
        InputError
            As the model; no message has the value of a cell.
        """
        import pandas as pd

        try:
            frame = pd.DataFrame(model_input) if isinstance(model_input, list | dict) else model_input
            return self._score(self._model, frame, params or {})
        except CrmError:
            raise
        except Exception as error:  # whatever pandas, NumPy or Arrow say, they may quote cells
            raise InputError(
                f"model input: {_extent(model_input)} can't be scored ({type(error).__name__}); give a table "
                "with the columns of the signature, numbers as numbers and categories as texts"
            ) from None


def _extent(data: Any) -> str:
    """Return how much there is of an input; no cell, and no name, which may be one in data of no table."""
    columns = len(data if isinstance(data, Mapping) else getattr(data, "columns", ()))
    rows = len(data) if hasattr(data, "__len__") and not isinstance(data, Mapping) else 0
    sizes = [f"{rows:,} rows"] * (rows > 0) + [f"{columns:,} columns"] * (columns > 0)
    return " ".join([type(data).__name__, *(["of", " and ".join(sizes)] if sizes else [])])


def loader(score: Score[Any]) -> Callable[[str], PyfuncModel]:
    """Return what a module offers MLflow as ``_load_pyfunc``: it reads a folder of `save`."""
    return lambda path: PyfuncModel(load(Path(path)), score)


def probability(column: str) -> Score[Any]:
    """Return the `Score` of a model of a probability: one column, indexed like the input."""

    def score(model: Any, X: "pd.DataFrame", params: Mapping[str, Any]) -> "pd.DataFrame":  # noqa: ARG001
        import pandas as pd

        X = as_features(X)
        return pd.DataFrame({column: model.predict_proba(X)[:, 1]}, index=X.index)

    return score

"""Log model folders as pyfuncs without pickle, in steps that can each be retried."""

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_ml.tracking.input_example import INFO, write_example
from crm_ml.tracking.store import Client, load_mlflow
from crm_ml.version import VERSION

MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Pyfunc:
    """A model folder and how MLflow loads it.

    Parameters
    ----------
    folder : Path
        Model folder with its manifest.
    loader_module : str
        Module whose ``_load_pyfunc`` loads the folder.
    inputs, outputs : mapping of str to str
        Column to MLflow type (``"double"`` or ``"string"``).
    """

    folder: Path
    loader_module: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def log_model(client: Client, experiment_id: str, run_id: str, model: Pyfunc) -> str:
    """Log the model of a run and return the id of the logged model."""
    from mlflow.entities import LoggedModelOutput

    made = client.once(
        lambda store: store.create_logged_model(experiment_id, name=MODEL_FOLDER, source_run_id=run_id),
        lambda store: next(
            iter(store.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")), None
        ),
    )
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    with tempfile.TemporaryDirectory() as parent:
        _save(model, Path(parent), made, run_id)
        client.log_model_artifacts(made.model_id, str(Path(parent) / "pyfunc"))
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


def register(client: Client, model_id: str, name: str) -> str:
    """Register a logged model and return the number of its version, one for each logged model."""
    source = f"models:/{model_id}"
    made = client.once(
        lambda _: load_mlflow().register_model(source, name),
        lambda store: next(iter(store.search_model_versions(f"source_path = '{source}'")), None),
    )
    return str(made.version)


def _save(model: Pyfunc, parent: Path, made: Any, run_id: str) -> None:
    mlflow = load_mlflow()
    from mlflow.models import Model

    described = Model(
        artifact_path=made.artifact_location,
        run_id=run_id,
        model_uuid=made.model_id,
        model_id=made.model_id,
        saved_input_example_info=dict(INFO),
    )
    data = parent / MODEL_FOLDER
    data.symlink_to(model.folder.resolve(), target_is_directory=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it asks for an input example, which is made below
        mlflow.pyfunc.save_model(
            path=str(parent / "pyfunc"),
            loader_module=model.loader_module,
            data_path=str(data),
            mlflow_model=described,
            signature=signature_of(model.inputs, model.outputs),
            pip_requirements=[f"crm_ml=={_version()}"],
        )
    write_example(model.inputs, parent / "pyfunc")


def signature_of(inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Any:
    """Return the signature of a model that checks the types of its input itself.

    MLflow's own check refuses integers, booleans and categories where a double or a string is named, takes
    frames of pandas only, and prints customers' rows in its error. It leaves the check to models whose
    signature is said to come from type hints.
    """
    from mlflow.models import ModelSignature

    signature = ModelSignature(_schema(inputs), _schema(outputs))
    signature._is_signature_from_type_hint = True
    return signature


def _schema(columns: Mapping[str, str]) -> Any:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()])


def _version() -> str:
    return VERSION

"""Runs, models and aliases in MLflow; the only module that imports it."""

import contextlib
import json
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.artefacts import fingerprint, verify
from crm_ml.errors import InputError
from crm_ml.paths import runs_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

MODEL_FOLDER = "model"
_URI = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class ModelVersion:
    """A registered model on local disk.

    Parameters
    ----------
    name, version : str
    folder : Path
        Model folder, which agrees with its manifest.
    content : str
        sha256 of the manifest, which names the content whatever the version number.
    details : mapping
        The manifest: what the model was trained for, beside the sums of its files.
    """

    name: str
    version: str
    folder: Path
    content: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Run:
    """One MLflow run that is under way."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self.client = client
        self.run_id = run_id

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log settings; nested mappings become dotted names."""
        from mlflow.entities import Param

        flat = [Param(key, value) for key, value in _flatten(params)]
        self.client.log_batch(self.run_id, params=flat)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics.

        Raises
        ------
        InputError
            If a metric is NaN or infinite; none is logged then.
        """
        from mlflow.entities import Metric

        broken = sorted(name for name, value in metrics.items() if not math.isfinite(value))
        if broken:
            raise InputError(f"metrics are NaN or infinite, none was logged: {', '.join(broken)}")
        self.client.log_batch(self.run_id, metrics=[Metric(k, float(v), 0, 0) for k, v in metrics.items()])

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        for key, value in tags.items():
            self.client.set_tag(self.run_id, key, value)

    def log_figure(self, figure: "Figure", path: str) -> None:
        """Log a figure as a picture under `path`, such as ``"plots/gains.png"``."""
        self.client.log_figure(self.run_id, figure, path)

    def log_json(self, content: Any, path: str) -> None:
        """Log plain data as JSON under `path`."""
        self.log_text(json.dumps(content, indent=2, sort_keys=True, default=str), path)

    def log_text(self, content: str, path: str) -> None:
        """Log text under `path`."""
        self.client.log_text(self.run_id, content, path)

    def register(
        self,
        folder: Path,
        name: str,
        loader_module: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
    ) -> ModelVersion:
        """Log a model folder as a pyfunc without pickle and register it.

        Parameters
        ----------
        folder : Path
            Model folder with its manifest.
        name : str
            Registered name, such as ``"churn"``.
        loader_module : str
            Module whose ``_load_pyfunc`` loads the folder.
        inputs, outputs : mapping of str to str
            Column to MLflow type (``"double"`` or ``"string"``).
        """
        mlflow = _mlflow()
        from mlflow.models import ModelSignature

        with tempfile.TemporaryDirectory() as parent, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it asks for an input example: nine seconds
            data = Path(parent) / MODEL_FOLDER
            data.symlink_to(folder.resolve(), target_is_directory=True)
            info = mlflow.pyfunc.log_model(
                name=MODEL_FOLDER,
                loader_module=loader_module,
                data_path=str(data),
                signature=ModelSignature(_schema(inputs), _schema(outputs)),
                pip_requirements=[f"crm_ml=={_version()}"],
                registered_model_name=name,
            )
        return ModelVersion(name, str(info.registered_model_version), folder, fingerprint(folder))


@contextlib.contextmanager
def start(experiment: str, name: str) -> Iterator[Run]:
    """Start a run; it ends as FINISHED, or as FAILED when an error leaves the block.

    Parameters
    ----------
    experiment : str
        MLflow experiment, such as ``"churn"``; made where it is absent.
    name : str
        Name of the run.
    """
    mlflow = _mlflow()
    client = connect()
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment, _location())
    with mlflow.start_run(experiment_id=experiment_id, run_name=name) as active:
        yield Run(client, active.info.run_id)


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, or the local SQLite store of the project."""
    return os.environ.get(_URI) or f"sqlite:///{runs_folder() / 'mlflow.db'}"


def connect() -> "MlflowClient":
    """Point MLflow to `tracking_uri` and return a client."""
    mlflow = _mlflow()
    runs_folder().mkdir(parents=True, exist_ok=True)
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    given = os.environ.get(_URI)
    mlflow.set_tracking_uri(tracking_uri())
    if given is None:
        os.environ.pop(_URI, None)  # MLflow sets it, and `tracking_uri` would take it for the user's own
    client: MlflowClient = mlflow.MlflowClient()
    return client


def promote(version: ModelVersion, alias: str = "champion") -> None:
    """Point `alias` of the registered model to `version`."""
    connect().set_registered_model_alias(version.name, alias, version.version)


def champion(name: str, alias: str = "champion") -> ModelVersion:
    """Return the model version behind an alias, on local disk.

    Raises
    ------
    InputError
        If no model of that name has the alias.
    IntegrityError
        If its files do not agree with their manifest.
    """
    with refusing(f"no model {name}@{alias} is registered in {tracking_uri()}; train it first"):
        version = connect().get_model_version_by_alias(name, alias)
    return registered(name, str(version.version))


def registered(name: str, version: str) -> ModelVersion:
    """Return a version of a registered model, on local disk; raises as `champion`."""
    connect()
    with refusing(f"no version {version} of model {name} is registered in {tracking_uri()}"):
        home = Path(_mlflow().artifacts.download_artifacts(f"models:/{name}/{version}"))
    folder = home / "data" / MODEL_FOLDER
    details = verify(folder)
    return ModelVersion(name, version, folder, fingerprint(folder), details)


@contextlib.contextmanager
def refusing(message: str) -> Iterator[None]:
    """Turn what MLflow refuses within the block into an InputError with `message`."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise InputError(message) from error


def _mlflow() -> Any:
    """Import MLflow with its reports of usage to its makers turned off, unless the user turned them on."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    return mlflow


def _location() -> str | None:
    """Return where a new experiment keeps its files: beside the runs, unless a server decides."""
    served = tracking_uri().startswith(("http:", "https:"))
    return None if served else (runs_folder() / "artefacts").resolve().as_uri()


def _schema(columns: Mapping[str, str]) -> Any:
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()])


def _flatten(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _version() -> str:
    from crm_ml import __version__

    return __version__

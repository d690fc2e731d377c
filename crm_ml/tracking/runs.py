"""Runs in the tracking store: what an experiment logs of itself."""

import contextlib
import json
import math
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.artefacts import fingerprint
from crm_ml.errors import CrmError, InputError, StoreUnavailable
from crm_ml.tracking.patience import patiently
from crm_ml.tracking.registry import MODEL_FOLDER, ModelVersion
from crm_ml.tracking.store import Client, artefacts_location, connect, load_mlflow, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run:
    """One MLflow run that is under way."""

    def __init__(self, client: Client, run_id: str) -> None:
        self.client = client
        self.run_id = run_id
        self._model_id: str | None = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log settings; nested mappings become dotted names."""
        from mlflow.entities import Param

        flat = [Param(key, value) for key, value in _flatten(params)]
        self.client.log_batch(self.run_id, params=flat)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics, of the model too where one was registered before; all or none.

        Raises
        ------
        InputError
            If a metric is NaN or infinite; none is logged then.
        """
        from mlflow.entities import Metric

        check_finite(metrics)
        of = {"model_id": self._model_id, "run_id": self.run_id} if self._model_id else {}
        self.client.log_batch(
            self.run_id, metrics=[Metric(k, float(v), 0, 0, **of) for k, v in metrics.items()]
        )

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        for key, value in tags.items():
            self.client.set_tag(self.run_id, key, value)

    def nested(
        self, name: str, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> None:
        """Log a run of its own, finished, below this one; metrics as `log_metrics`."""
        experiment = self.client.get_run(self.run_id).info.experiment_id
        below = {"mlflow.parentRunId": self.run_id, **tags}
        made = Run(self.client, self.client.create_run(experiment, tags=below, run_name=name).info.run_id)
        made.log_params(params)
        made.log_metrics(metrics)
        self.client.set_terminated(made.run_id)

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
        mlflow = load_mlflow()
        from mlflow.models import Model, ModelSignature

        with tempfile.TemporaryDirectory() as parent, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it asks for an input example: nine seconds
            data = Path(parent) / MODEL_FOLDER
            data.symlink_to(folder.resolve(), target_is_directory=True)
            content: dict[str, Any] = {
                "loader_module": loader_module,
                "data_path": str(data),
                "signature": ModelSignature(_schema(inputs), _schema(outputs)),
                "pip_requirements": [f"crm_ml=={_version()}"],
            }
            logged = patiently(
                lambda: Model.log(None, mlflow.pyfunc, name=MODEL_FOLDER, run_id=self.run_id, **content),
                tracking_uri(),
            )
        made = patiently(lambda: mlflow.register_model(f"models:/{logged.model_id}", name), tracking_uri())
        self._model_id = logged.model_id
        return ModelVersion(name, str(made.version), folder, fingerprint(folder))


def check_finite(metrics: Mapping[str, float]) -> None:
    """Refuse metrics that are NaN or infinite.

    Raises
    ------
    InputError
        The message names all of them.
    """
    broken = sorted(name for name, value in metrics.items() if not math.isfinite(value))
    if broken:
        raise InputError(f"metrics are NaN or infinite, none was logged: {', '.join(broken)}")


@contextlib.contextmanager
def start(experiment: str, name: str) -> Iterator[Run]:
    """Start a run; it ends as FINISHED, or as FAILED when an error leaves the block.

    Parameters
    ----------
    experiment : str
        MLflow experiment, such as ``"churn"``; made where it is absent.
    name : str
        Name of the run.

    Raises
    ------
    StoreUnavailable
        If the store is locked or does not answer.
    """
    client = connect()
    found = client.get_experiment_by_name(experiment)
    experiment_id = (
        found.experiment_id if found else client.create_experiment(experiment, artefacts_location())
    )
    run = Run(client, client.create_run(experiment_id, run_name=name).info.run_id)
    try:
        yield run
    except BaseException as error:
        if not isinstance(error, StoreUnavailable):  # it would be waited for a second time
            with contextlib.suppress(CrmError):
                client.set_terminated(run.run_id, "FAILED")
        raise
    client.set_terminated(run.run_id, "FINISHED")


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

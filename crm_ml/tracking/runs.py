"""Runs in the tracking store: parameters, metrics, files and models of an experiment."""

import contextlib
import json
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import CrmError, InputError, StoreUnavailable
from crm_ml.storage.manifest import fingerprint
from crm_ml.tracking.logged_models import Pyfunc, log_model, register
from crm_ml.tracking.registry import ModelVersion
from crm_ml.tracking.store import Client, artefacts_location, connect

if TYPE_CHECKING:
    from matplotlib.figure import Figure


TOKEN = "crm_ml.token"
_NAME = re.compile(r"[\w/.\- :]+")


class TrackedRun:
    """An active MLflow run."""

    def __init__(self, client: Client, experiment_id: str, run_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.run_id = run_id
        self._model_id: str | None = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log settings; nested mappings become dotted names.

        Raises
        ------
        InputError
            If the store allows no such name; none is logged then.
        """
        from mlflow.entities import Param

        flat = [Param(key, value) for key, value in _flatten(params)]
        check_names(param.key for param in flat)
        self.client.log_batch(self.run_id, params=flat)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics, all or none, also to the model if one was registered before.

        Raises
        ------
        InputError
            If a metric is NaN or infinite, or its name is none; none is logged then.
        """
        from mlflow.entities import Metric

        check_finite(metrics)
        check_names(metrics)
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
        """Log a finished run nested below this one; metrics as `log_metrics`."""
        below = {"mlflow.parentRunId": self.run_id, **tags}
        made = _new_run(self.client, self.experiment_id, name, below)
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
        loader_module, inputs, outputs
            As `crm_ml.tracking.logged_models.Pyfunc`.
        """
        model = Pyfunc(folder, loader_module, inputs, outputs)
        self._model_id = log_model(self.client, self.experiment_id, self.run_id, model)
        version = register(self.client, self._model_id, name)
        return ModelVersion(name, version, folder, fingerprint(folder))


def check_finite(metrics: Mapping[str, float]) -> None:
    """Refuse metrics that are NaN or infinite.

    Raises
    ------
    InputError
        The message lists all such metrics.
    """
    broken = sorted(name for name, value in metrics.items() if not math.isfinite(value))
    if broken:
        raise InputError(f"metrics are NaN or infinite, none was logged: {', '.join(broken)}")


def check_names(names: Iterable[str]) -> None:
    """Refuse names that the store does not allow.

    Raises
    ------
    InputError
        With all of them.

    Examples
    --------
    >>> check_names(["test.auc", "test.10% off.qini"])
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: the store allows letters, digits and _ - . : / in names, not 'test.10% off.qini'
    """
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        shown = ", ".join(map(repr, wrong))
        raise InputError(f"the store allows letters, digits and _ - . : / in names, not {shown}")


@contextlib.contextmanager
def start(experiment: str, name: str) -> Iterator[TrackedRun]:
    """Start a run; it ends as FINISHED, or as FAILED when an error leaves the block.

    Parameters
    ----------
    experiment : str
        MLflow experiment, such as ``"churn"``; created if absent.
    name : str
        Name of the run.

    Raises
    ------
    StoreUnavailable
        If the store is locked or does not answer.
    InputError
        If the experiment was deleted.
    """
    client = connect()
    run = _new_run(client, _experiment_id(client, experiment), name, {})
    try:
        yield run
    except BaseException as error:
        if not isinstance(error, StoreUnavailable):  # it would be waited for a second time
            with contextlib.suppress(CrmError):
                client.set_terminated(run.run_id, "FAILED")
        raise
    client.set_terminated(run.run_id, "FINISHED")


def _experiment_id(client: Client, name: str) -> str:
    """Return the id of an experiment, created if absent, also if another process creates it meanwhile."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name, artefacts_location()))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment.lifecycle_stage != "active":
        raise InputError(
            f"the experiment {name} is deleted in the store; restore it: "
            f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
        )
    return str(experiment.experiment_id)


def _new_run(client: Client, experiment_id: str, name: str, tags: Mapping[str, str]) -> TrackedRun:
    """Create a run with a unique tag, by which it is found if the answer of the store is lost."""
    token = uuid.uuid4().hex
    made = client.once(
        lambda store: store.create_run(experiment_id, tags={**tags, TOKEN: token}, run_name=name),
        lambda store: next(iter(store.search_runs([experiment_id], f"tags.`{TOKEN}` = '{token}'")), None),
    )
    return TrackedRun(client, experiment_id, str(made.info.run_id))


def _flatten(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)

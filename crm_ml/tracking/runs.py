"""Runs in the tracking store: parameters, metrics, files and models of an experiment."""

import contextlib
import json
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import CrmError, InputError, StoreUnavailable
from crm_ml.masking import masked_file
from crm_ml.storage.manifest import fingerprint
from crm_ml.tracking.experiments import experiment_id
from crm_ml.tracking.logged_datasets import LoggedDataset, dataset_inputs
from crm_ml.tracking.logged_models import Pyfunc, log_model, register
from crm_ml.tracking.registry import CONTENT, ModelVersion
from crm_ml.tracking.safe_names import changed_names, safe_name
from crm_ml.tracking.short_values import short
from crm_ml.tracking.source_tags import COMMIT, source_tags
from crm_ml.tracking.store import Client, connect

if TYPE_CHECKING:
    from matplotlib.figure import Figure


TOKEN = "crm_ml.token"
NAMES = "names.json"
DAY_MS = 86_400_000
_LONGEST_TAG = 5000  # what every store takes
_NOTE = "mlflow.note.content"
_TABLES = "mlflow.loggedArtifacts"


class TrackedRun:
    """An active MLflow run."""

    def __init__(self, client: Client, experiment_id: str, run_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.run_id = run_id
        self.command = ""
        self._model_id: str | None = None
        self._full_names: dict[str, str] = {}
        self._tables: list[str] = []

    def log_params(self, settings: Mapping[str, Any]) -> None:
        """Log settings, short; nested mappings become dotted names, made safe as those of metrics."""
        from mlflow.entities import Param

        flat = dict(_flatten(settings))
        self._full_names |= changed_names(flat)
        self.client.log_batch(
            self.run_id, params=[Param(safe_name(k), masked_file(v)) for k, v in flat.items()]
        )

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics, all or none, also to the model if one was registered before.

        Names that MLflow does not take are made safe, see `crm_ml.tracking.safe_names`; the full ones stand
        in ``names.json`` of the run.

        Raises
        ------
        InputError
            If a metric is NaN or infinite; none is logged then.
        """
        check_finite(metrics)
        self._log([(name, value, 0, 0) for name, value in metrics.items()])

    def log_series(self, series: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        """Log metrics that have a value at several days, as `log_metrics`.

        Parameters
        ----------
        series : mapping of str to sequence of (int, float)
            By metric, days since 1970-01-01 with values, in the order of time; the first is step 0.
        """
        check_finite({f"{name} on {day}": v for name, values in series.items() for day, v in values})
        self._log([
            (name, value, day * DAY_MS, step)
            for name, values in series.items() for step, (day, value) in enumerate(values)
        ])  # fmt: skip

    def _log(self, values: Sequence[tuple[str, float, int, int]]) -> None:
        from mlflow.entities import Metric

        self._full_names |= changed_names(name for name, *_ in values)
        of = {"model_id": self._model_id, "run_id": self.run_id} if self._model_id else {}
        batch = [Metric(safe_name(name), float(value), at, step, **of) for name, value, at, step in values]
        self.client.log_batch(self.run_id, metrics=batch)

    def log_datasets(self, datasets: Sequence[LoggedDataset]) -> None:
        """Log what the run has read; nothing of the rows."""
        self.client.log_inputs(self.run_id, dataset_inputs(datasets))

    def log_commit(self, commit: str | None) -> None:
        """Note the commit of the code, where it is known."""
        if commit:
            self.client.set_tag(self.run_id, COMMIT, commit)

    def describe(self, text: str) -> None:
        """Set the description of the run, in Markdown."""
        self.client.set_tag(self.run_id, _NOTE, text[:_LONGEST_TAG])

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
        made.end("FINISHED")

    def end(self, status: str) -> None:
        """End the run; the full names of what was made safe are logged before."""
        try:
            if self._full_names:
                self.log_json(self._full_names, NAMES)
        finally:
            self.client.set_terminated(self.run_id, status)

    def log_figure(self, figure: "Figure", path: str) -> None:
        """Log a figure as a picture under `path`, such as ``"plots/gains.png"``."""
        self.client.log_figure(self.run_id, figure, path)

    def log_json(self, content: Any, path: str) -> None:
        """Log plain data as JSON under `path`."""
        self.log_text(json.dumps(content, indent=2, sort_keys=True, default=str), path)

    def log_text(self, content: str, path: str) -> None:
        """Log text under `path`."""
        self.client.log_text(self.run_id, content, path)

    def log_table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], path: str) -> None:
        """Log a table that MLflow's page shows as one and lays beside those of other runs.

        Parameters
        ----------
        columns : sequence of str
        rows : sequence of sequence
            Plain values.
        path : str
            Such as ``"evaluation.json"``.
        """
        self.log_text(json.dumps({"columns": list(columns), "data": [list(row) for row in rows]}), path)
        self._tables = [*dict.fromkeys([*self._tables, path])]
        shown = [{"path": each, "type": "table"} for each in self._tables]
        self.client.set_tag(self.run_id, _TABLES, json.dumps(shown))

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
        version, content = register(self.client, self._model_id, name), fingerprint(folder)
        self.client.set_model_version_tag(name, version, CONTENT, content)
        return ModelVersion(name, version, folder, content, registered=content)


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


@contextlib.contextmanager
def start(experiment: str, name: str, command: str = "") -> Iterator[TrackedRun]:
    """Start a run; it ends as FINISHED, or as FAILED when an error leaves the block.

    Parameters
    ----------
    experiment : str
        MLflow experiment, such as ``"churn"``; created if absent.
    name : str
        Name of the run.
    command : str
        Or function that makes it, with the name of the run where it has one; no path.

    Raises
    ------
    StoreUnavailable
        If the store is locked or does not answer.
    InputError
        If the experiment was deleted, or the store refuses the user.
    """
    client = connect()
    # MLflow shows what stands behind the last slash alone, and little of it
    source = command.removeprefix("python -m ").removesuffix(name).rstrip()
    run = _new_run(client, experiment_id(client, experiment), name, source_tags(source))
    run.command = command
    try:
        yield run
    except BaseException as error:
        if not isinstance(error, StoreUnavailable):  # it would be waited for a second time
            with contextlib.suppress(CrmError):
                run.end("FAILED")
        raise
    run.end("FINISHED")


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
            yield f"{prefix}{key}", short(value)

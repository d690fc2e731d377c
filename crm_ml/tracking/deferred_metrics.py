"""Metrics that become known after a run has ended, logged once to the run of a model version."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from crm_ml.tracking.registry import ModelVersion
from crm_ml.tracking.runs import DAY_MS, NAMES, check_finite
from crm_ml.tracking.safe_names import changed_names, safe_name
from crm_ml.tracking.store import Client, connect


def log_at(version: ModelVersion, prefix: str, metrics: Mapping[str, float], day: int) -> dict[str, float]:
    """Log the metrics of a day to the run and the model of a version, all or none, and return them.

    If the day has metrics already, those are returned unchanged. Names are made safe as by
    `crm_ml.tracking.runs.TrackedRun.log_metrics`; ``names.json`` of the run has the full ones.

    Parameters
    ----------
    version : ModelVersion
    prefix : str
        Prefix of the names in the store, such as ``"realised."``.
    metrics : mapping of str to float
    day : int
        Days since 1970-01-01, used as step and time of the metrics instead of the clock.

    Raises
    ------
    InputError
        If a metric is NaN or infinite.
    """
    from mlflow.entities import Metric

    check_finite(metrics)
    client = connect()
    made = client.get_model_version(version.name, version.version)
    run = client.get_run(made.run_id)
    full = {safe_name(prefix + key): key for key in metrics}
    before = {
        full.get(name, name.removeprefix(prefix)): float(metric.value)
        for name in run.data.metrics
        if name.startswith(prefix)
        for metric in client.get_metric_history(made.run_id, name)
        if metric.step == day
    }
    if before:
        return before
    scheme, _, model_id = str(made.source).partition(":/")  # the store keeps the id of the model there alone
    of = {"model_id": model_id, "run_id": made.run_id} if scheme == "models" and "/" not in model_id else {}
    batch = [
        Metric(safe_name(prefix + key), float(value), day * DAY_MS, day, **of)
        for key, value in metrics.items()
    ]
    _log_names(client, made.run_id, changed_names(prefix + key for key in metrics))
    client.log_batch(made.run_id, metrics=batch)
    return dict(metrics)


def _log_names(client: Client, run_id: str, names: Mapping[str, str]) -> None:
    """Put the full names of metrics beside those that the run has."""
    if not names:
        return
    before = {}
    if any(each.path == NAMES for each in client.list_artifacts(run_id)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(client.download_artifacts(run_id, NAMES, folder))
            before = json.loads(path.read_text(encoding="utf-8"))
    if names.items() - before.items():
        client.log_text(run_id, json.dumps({**before, **names}, indent=2, sort_keys=True), NAMES)

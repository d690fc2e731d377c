"""Metrics that become known after a run has ended, logged once to the run of a model version."""

from collections.abc import Mapping

from crm_ml.tracking.registry import ModelVersion
from crm_ml.tracking.runs import DAY_MS, check_finite
from crm_ml.tracking.safe_names import safe_name
from crm_ml.tracking.store import connect


def log_at(version: ModelVersion, prefix: str, metrics: Mapping[str, float], day: int) -> dict[str, float]:
    """Log the metrics of a day to the run and the model of a version, all or none, and return them.

    If the day has metrics already, those are returned unchanged.

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
    client.log_batch(made.run_id, metrics=batch)
    return dict(metrics)

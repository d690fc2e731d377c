"""What was published of a day as a run: settings, metrics and facts, and nothing that names a customer."""

from collections.abc import Mapping
from typing import Any

from crm_ml.evaluation.significance import Interval
from crm_ml.tracking.runs import start


def log_day(
    experiment: str,
    name: str,
    settings: Mapping[str, Any],
    intervals: Mapping[str, Interval],
    facts: Mapping[str, Any],
) -> str:
    """Log what was published of a day and return the id of the run.

    Parameters
    ----------
    experiment : str
        Such as ``"layers"``.
    name : str
        Of the run, such as ``grocer 2017-12-01``.
    settings : mapping
    intervals : mapping of str to Interval
        Each is logged as ``<name>``, ``<name>.low`` and ``<name>.high``.
    facts : mapping
        Plain data; ``<experiment>.json`` of the run.

    Raises
    ------
    StoreUnavailable, InputError
        As `crm_ml.tracking.start`.
    """
    metrics: dict[str, float] = {}
    for key, each in intervals.items():
        metrics |= {key: each.value, f"{key}.low": each.low, f"{key}.high": each.high}
    with start(experiment, name, f"python -m crm_ml.{experiment}") as active:
        active.log_params(settings)
        active.log_metrics(metrics)
        active.log_json(facts, f"{experiment}.json")
        return active.run_id

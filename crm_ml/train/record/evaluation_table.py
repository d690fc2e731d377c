"""Metrics of a run beside those of its baselines, one row each, as a table."""

from collections.abc import Mapping

FILE = "evaluation.json"
COLUMNS = ("metric", "model", "value", "low", "high")
_KINDS = {"test": "model", "baseline": "", "difference": "model - "}
Row = tuple[str, str, float, float | None, float | None]


def evaluation_rows(metrics: Mapping[str, float]) -> list[Row]:
    """Return metric, model, value and the ends of its 95 % interval; the model stands before its baselines.

    Parameters
    ----------
    metrics : mapping of str to float
        ``test.<metric>``, ``baseline.<name>.<metric>``, ``difference.<metric>`` to the best baseline or
        ``difference.<name>.<metric>``.

    Examples
    --------
    >>> evaluation_rows({"baseline.a.auc": 0.6, "test.auc": 0.8, "test.auc.low": 0.7, "test.auc.high": 0.9})
    [('auc', 'model', 0.8, 0.7, 0.9), ('auc', 'a', 0.6, None, None)]
    """
    names = {key.split(".")[1] for key in metrics if key.startswith("baseline.")}
    rows = [
        (*_place(key, names), value, metrics.get(f"{key}.low"), metrics.get(f"{key}.high"))
        for key, value in metrics.items()
        if key.partition(".")[0] in _KINDS and not key.endswith((".low", ".high"))
    ]
    order = {metric: place for place, metric in enumerate(dict.fromkeys(metric for metric, *_ in rows))}
    return sorted(rows, key=lambda row: (order[row[0]], row[1] != "model", row[1].startswith("model - ")))


def _place(key: str, names: set[str]) -> tuple[str, str]:
    """Return the metric of a key, and whose it is."""
    kind, _, metric = key.partition(".")
    name, _, rest = metric.partition(".")
    if kind == "test":
        return metric, "model"
    if kind == "difference" and name not in names:
        return metric, "model - best baseline"
    return rest, f"{_KINDS[kind]}{name}"

"""Metrics of a run beside those of its baselines, a row for each metric, as MLflow's page shows tables."""

from collections.abc import Mapping

from crm_ml.train.record.model_card_parts import interval_text

FILE = "evaluation.json"
_MODEL = "model"


def evaluation_table(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows: a metric, the model, each baseline, and the differences of the model to them.

    Cells have the 95 % interval with them. Metrics that baselines have too stand first. MLflow groups a table
    by its first column and lays the second of several runs side by side.

    Parameters
    ----------
    metrics : mapping of str to float
        ``test.<metric>``, ``baseline.<name>.<metric>``, ``difference.<metric>`` to the best baseline or
        ``difference.<name>.<metric>``, each with ``.low`` and ``.high`` where it has an interval.

    Examples
    --------
    >>> given = {"test.auc": 0.8, "test.auc.low": 0.7, "test.auc.high": 0.9, "baseline.rule.auc": 0.6}
    >>> evaluation_table(given)
    (['metric', 'model', 'rule'], [['auc', '0.8 [0.7, 0.9]', '0.6']])
    """
    baselines = dict.fromkeys(key.split(".")[1] for key in metrics if key.startswith("baseline."))
    cells: dict[str, dict[str, str]] = {}
    for key in metrics:
        if not key.endswith((".low", ".high")) and (place := _place(key, baselines)) is not None:
            metric, column = place
            cells.setdefault(metric, {})[column] = interval_text(metrics, key)
    filled = {column: None for each in cells.values() for column in each}
    columns = sorted(filled, key=lambda column: (column != _MODEL, column not in baselines))
    names = sorted(cells, key=lambda metric: set(cells[metric]) == {_MODEL})
    return ["metric", *columns], [[name, *(cells[name].get(c, "") for c in columns)] for name in names]


def _place(key: str, baselines: Mapping[str, None]) -> tuple[str, str] | None:
    """Return the metric of a key and whose it is; None of what is neither of the model nor of a baseline."""
    kind, _, metric = key.partition(".")
    name, _, rest = metric.partition(".")
    if kind == "test":
        return metric, _MODEL
    if kind == "baseline":
        return rest, name
    if kind != "difference":
        return None
    return (rest, f"model - {name}") if name in baselines else (metric, "model - best baseline")

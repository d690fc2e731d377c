"""Metrics of a run beside those of its baselines, a row for each metric, as MLflow's page shows tables."""

from collections.abc import Mapping

from crm_ml.train.record.metric_names import MODEL, MetricName, metric_names
from crm_ml.train.record.model_card_parts import interval_text

FILE = "evaluation.json"


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
    cells: dict[str, dict[str, str]] = {}
    names = metric_names(metrics)
    for key, name in names.items():
        if name.kind:
            cells.setdefault(name.metric, {})[_column(name)] = interval_text(metrics, key)
    filled = {column: None for each in cells.values() for column in each}
    baselines = {name.baseline for name in names.values()}
    columns = sorted(filled, key=lambda column: (column != MODEL, column not in baselines))
    ordered = sorted(cells, key=lambda metric: set(cells[metric]) == {MODEL})
    return ["metric", *columns], [[each, *(cells[each].get(c, "") for c in columns)] for each in ordered]


def _column(name: MetricName) -> str:
    """Return the column of a metric."""
    if name.kind == "difference":
        return f"{MODEL} - {name.baseline or 'best baseline'}"
    return name.baseline or MODEL

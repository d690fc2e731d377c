"""Names of the metrics of a run, read: whose a metric is, and which."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

MODEL = "model"
_TEST, _BASELINE, _DIFFERENCE = "test.", "baseline.", "difference."
_ENDS = (".low", ".high")


class MetricName(NamedTuple):
    """A metric of the model (``test``), of a baseline, or the difference of the model to one.

    Parameters
    ----------
    kind : {"test", "baseline", "difference", ""}
        Empty of what is neither.
    baseline : str
        Empty of the model, and of a difference to the best baseline.
    metric : str
    """

    kind: str
    baseline: str
    metric: str


def metric_names(metrics: Iterable[str]) -> dict[str, MetricName]:
    """Return the parts of each name of a run without ``.low`` and ``.high``.

    Baselines of one's own have dots (``acme.rules:Mine``), and so have metrics of an arm; the longest end
    that is a metric of the model is the metric.

    Parameters
    ----------
    metrics : iterable of str
        ``test.<metric>``, ``baseline.<name>.<metric>``, ``difference.<metric>`` to the best baseline or
        ``difference.<name>.<metric>``, each with its ends.

    Examples
    --------
    >>> names = metric_names(["test.auc", "baseline.acme.rules:Mine.auc", "difference.auc"])
    >>> [tuple(name) for name in names.values()]
    [('test', '', 'auc'), ('baseline', 'acme.rules:Mine', 'auc'), ('difference', '', 'auc')]
    """
    keys = [key for key in metrics if not key.endswith(_ENDS)]
    known = {key.removeprefix(_TEST) for key in keys if key.startswith(_TEST)}
    baselines = {key: _split(key.removeprefix(_BASELINE), known) for key in keys if key.startswith(_BASELINE)}
    whose = {name for name, _ in baselines.values()}
    return {key: _name(key, baselines, known, whose) for key in keys}


def baselines_by_metric(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return the values of the baselines by metric and name."""
    by_metric: dict[str, dict[str, float]] = {}
    for key, name in metric_names(metrics).items():
        if name.kind == "baseline":
            by_metric.setdefault(name.metric, {})[name.baseline] = metrics[key]
    return by_metric


def _name(
    key: str, baselines: Mapping[str, tuple[str, str]], known: Collection[str], whose: Collection[str]
) -> MetricName:
    if key.startswith(_TEST):
        return MetricName("test", "", key.removeprefix(_TEST))
    if key in baselines:
        return MetricName("baseline", *baselines[key])
    if not key.startswith(_DIFFERENCE):
        return MetricName("", "", key)
    rest = key.removeprefix(_DIFFERENCE)
    name, metric = _split(rest, known)
    return MetricName("difference", name, metric) if name in whose else MetricName("difference", "", rest)


def _split(rest: str, known: Collection[str]) -> tuple[str, str]:
    """Return baseline and metric: the longest end that is a metric of the model, else what no dot is in."""
    parts = rest.split(".")
    for cut in range(1, len(parts)):
        metric = ".".join(parts[cut:])
        if metric in known:
            return ".".join(parts[:cut]), metric
    name, _, metric = rest.rpartition(".")
    return name, metric

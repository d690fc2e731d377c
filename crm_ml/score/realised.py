"""``python -m crm_ml.score.realised [CONFIG]``: log what came true of past scores to their model versions."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_ml.errors import CrmError, InputError
from crm_ml.snapshots import DAY_S

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.score.matured import Matured
    from crm_ml.score.settings import ScoreSettings
    from crm_ml.tables.bundle import Tables
    from crm_ml.tracking import ModelVersion

_TAG = "realised."
_HIGHER = ("auc", "average_precision", "normalised_gini")
_LOWER = ("log_loss", "brier", "ece", "rmse")
_SHOWN = ("auc", "log_loss", "ece", "total_error", "normalised_gini")


@dataclass(frozen=True)
class Realised:
    """What came true of the scores of a day, beside what training had promised.

    Parameters
    ----------
    name, version, day, what : str
        Model, its version, day of the scores, and what was scored.
    metrics, promised : mapping of str to float
        Without their prefixes; ``<metric>``, ``<metric>.low`` and ``<metric>.high``.
    worse : tuple of str
        Metrics whose interval lies on the wrong side of the promised one.
    new : bool
        Whether it was logged now and not before.
    """

    name: str
    version: str
    day: str
    what: str
    metrics: Mapping[str, float]
    promised: Mapping[str, float]
    worse: tuple[str, ...] = field(default=())
    new: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Join matured labels to kept score tables and log realised metrics, each once; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m crm_ml.score.realised", description="What came true of past scores."
    )
    parser.add_argument(
        "config", nargs="?", default="score/default", metavar="CONFIG", help="path under configs/"
    )
    parser.add_argument("--as-of", metavar="DATE", help="today, YYYY-MM-DD (default: of the config)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(arguments)
    overrides = [*given.set, *([f"as_of={given.as_of}"] if given.as_of else [])]
    try:
        _run(given.config, overrides)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _run(config: str, overrides: Sequence[str]) -> None:
    from rich.console import Console

    from crm_ml import config as configs
    from crm_ml import datasets
    from crm_ml.paths import inside, project_root
    from crm_ml.score.settings import ScoreSettings

    path = inside(project_root() / "configs", f"{config.removeprefix('configs/').removesuffix('.yaml')}.yaml")
    settings = configs.load(path, ScoreSettings, overrides)
    tables = datasets.load(settings.data.name, settings.data.path, **settings.data.options)
    show(Console(), realise(settings, tables))


def realise(settings: "ScoreSettings", tables: "Tables") -> list[Realised]:
    """Log what came true of all kept score tables whose label windows ended by ``settings.day``.

    Metrics go to the run that trained the model, as ``realised.<metric>`` with the day of the scores (in days
    since 1970-01-01) as their step; of actions as ``realised.<model>-<action>.<metric>``. The version gets a
    tag ``realised.<day>``. What is logged already stays as it is.

    Parameters
    ----------
    settings : ScoreSettings
        Names the models, the work folder that keeps the score tables, and today.
    tables : Tables

    Raises
    ------
    InputError
        If a model is not registered.
    IntegrityError
        If a kept score table or a model does not agree with its manifest (exit code 4).
    """
    from crm_ml.score.matured import matured, realised

    known = _versions(settings)
    found = []
    for one in matured(settings.work_folder, known, settings.day, settings.data.ends_at, tables):
        before = _logged(one)
        metrics = realised(one, tables) if before is None else before
        found.append(_log(one, metrics, before is None))
    return found


def _versions(settings: "ScoreSettings") -> "dict[str, ModelVersion]":
    """Return all versions of the models of a list, by the sum of their content; the oldest of equal ones."""
    from crm_ml import tracking

    client = tracking.connect()
    found: dict[str, ModelVersion] = {}
    for model in (settings.model, settings.value_model, settings.response_model):
        if model is None:
            continue
        name = model.partition("@")[0]
        numbers = sorted(int(one.version) for one in client.search_model_versions(f"name='{name}'"))
        if not numbers:
            raise InputError(f"no model {name} is registered in {tracking.tracking_uri()}; train it first")
        for number in numbers:
            version = tracking.registered(name, str(number))
            found.setdefault(version.content, version)
    return found


def _logged(one: "Matured") -> dict[str, float] | None:
    """Return the metrics that a tag of the version says were logged, None where there is none."""
    from crm_ml import tracking

    tags = tracking.connect().get_model_version(one.version.name, one.version.version).tags
    told = tags.get(_tag(one))
    return None if told is None else dict(json.loads(told))


def _log(one: "Matured", metrics: Mapping[str, float], new: bool) -> Realised:
    """Log metrics once: those of a run that was killed on its way are completed and not repeated."""
    from crm_ml import tracking

    client = tracking.connect()
    name, number = one.version.name, one.version.version
    run_id = str(client.get_model_version(name, number).run_id)
    promised = _promised(client.get_run(run_id).data.metrics, one)
    if new:
        step = int(one.window.as_of.timestamp()) // DAY_S
        prefix = _TAG if one.what == name else f"{_TAG}{one.what}."
        for key, value in metrics.items():
            steps = {each.step for each in client.get_metric_history(run_id, prefix + key)}
            if step not in steps:
                client.log_metric(run_id, prefix + key, value, timestamp=step * DAY_S * 1000, step=step)
        text = json.dumps({key: round(value, 6) for key, value in metrics.items()}, sort_keys=True)
        client.set_model_version_tag(name, number, _tag(one), text)
    return Realised(name, number, one.day, one.what, metrics, promised, worse(metrics, promised), new)


def worse(metrics: Mapping[str, float], promised: Mapping[str, float]) -> tuple[str, ...]:
    """Return the metrics whose whole interval is worse than the whole promised one.

    Examples
    --------
    >>> worse({"auc.low": 0.6, "auc.high": 0.7}, {"auc.low": 0.72, "auc.high": 0.8})
    ('auc',)
    """
    found = []
    for name in (*_HIGHER, *_LOWER):
        ends = [(each.get(f"{name}.low"), each.get(f"{name}.high")) for each in (metrics, promised)]
        (low, high), (least, most) = ends
        if low is None or high is None or least is None or most is None:
            continue
        if high < least if name in _HIGHER else low > most:
            found.append(name)
    return tuple(found)


def _tag(one: "Matured") -> str:
    return f"{_TAG}{one.day}" if one.what == one.version.name else f"{_TAG}{one.day}.{one.what}"


def _promised(logged: Mapping[str, float], one: "Matured") -> dict[str, float]:
    prefix = "test." if one.is_probability else "test.purchases_"
    return {key.removeprefix(prefix): float(value) for key, value in logged.items() if key.startswith(prefix)}


def show(console: "Console", found: Sequence[Realised]) -> None:
    """Print a row for each score table."""
    from rich.table import Table

    if not found:
        console.print("no label window of a kept score table has ended yet")
        return
    table = Table(title="what came true, beside what training promised")
    for head in ("scores", "day", "rows", "base rate", "metric", "realised", "promised", ""):
        table.add_column(head)
    for one in found:
        named = [name for name in _SHOWN if name in one.metrics]
        for place, name in enumerate(named or [""]):
            first = (f"{one.what} version {one.version}", one.day, f"{one.metrics.get('rows', 0):,.0f}",
                    _said(one.metrics, "base_rate")) if place == 0 else ("",) * 4  # fmt: skip
            told = "worse" if name in one.worse else ""
            table.add_row(*first, name, _said(one.metrics, name), _said(one.promised, name), told)
    console.print(table)
    console.print(f"{sum(one.new for one in found)} logged now, {sum(not one.new for one in found)} before")


def _said(metrics: Mapping[str, Any], name: str) -> str:
    if name not in metrics:
        return ""
    ends = [metrics.get(f"{name}{end}") for end in (".low", ".high")]
    interval = "" if None in ends else f" ({ends[0]:.4f} to {ends[1]:.4f})"
    return f"{metrics[name]:.4f}{interval}"


if __name__ == "__main__":
    sys.exit(main())

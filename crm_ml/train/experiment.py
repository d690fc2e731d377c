"""One experiment from its YAML to the registered model."""

import importlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import Progress

from crm_ml import tracking
from crm_ml.config import Run, load_run
from crm_ml.paths import runs_folder
from crm_ml.tables import Tables
from crm_ml.train.outcome import Outcome
from crm_ml.train.provenance import provenance


@dataclass(frozen=True, eq=False)
class Finished:
    """A run that is logged: its name, MLflow run id, model version and outcome."""

    name: str
    run_id: str
    version: str
    outcome: Outcome


def run(name: str, overrides: Sequence[str] = (), progress: Progress | None = None) -> Finished:
    """Run the experiment ``configs/<name>.yaml`` and log all of it.

    Parameters
    ----------
    name : str
        Such as ``"churn/lightgbm"``.
    overrides : sequence of str
        ``key=value`` with dotted keys.
    progress : rich.progress.Progress, optional
        Shows what takes long.

    Raises
    ------
    ConfigError, InputError, LeakError
        Before anything is registered.
    """
    config = load_run(name, overrides)
    progress = progress or Progress(disable=True)
    loading = progress.add_task(f"{name}: tables", total=None)
    tables = load_tables(config)
    progress.update(loading, total=1, completed=1)
    family = importlib.import_module(f"crm_ml.train.{config.family}")
    with tracking.start(config.family, name) as active:
        active.log_params(config.model_dump(mode="json"))
        active.log_json(config.model_dump(mode="json"), "config.json")
        active.log_json(provenance(tables), "provenance.json")
        _log_report(active, tables)
        outcome: Outcome = family.execute(config, tables, progress)
        version = _log_outcome(active, outcome)
    return Finished(name, active.run_id, version.version, outcome)


def load_tables(config: Run) -> Tables:
    """Return the tables that a run names: a data set, or own tables by their mapping."""
    from crm_ml import datasets

    return datasets.load(config.data.name, config.data.path, **config.data.options)


def _log_report(active: tracking.Run, tables: Tables) -> None:
    """Log the counts; the quarantined rows name customers and stay beside the store, not in it."""
    if tables.report is not None:
        active.log_json(tables.report.to_dict(), "tables/report.json")
        tables.report.write_quarantine(runs_folder() / active.run_id)


def _log_outcome(active: tracking.Run, outcome: Outcome) -> tracking.ModelVersion:
    active.log_metrics(outcome.metrics)
    for name, table in outcome.tables.items():
        active.log_text(table.to_csv(index=False), f"tables/{name}.csv")
    for name, figure in outcome.figures.items():
        active.log_figure(figure, f"plots/{name}.png")
    active.log_json(outcome.facts, "facts.json")
    active.log_json([asdict(gate) for gate in outcome.gates], "gates.json")
    candidate = outcome.candidate
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        candidate.save(folder)
        version = active.register(
            folder, candidate.name, candidate.loader_module, candidate.inputs, candidate.outputs
        )
    if outcome.promoted:
        tracking.promote(version)
    active.log_tags({"promoted": str(outcome.promoted).lower()})
    return version

"""One experiment from its YAML to the registered model."""

import importlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.progress import Progress

from crm_ml import tracking
from crm_ml.artefacts import verify
from crm_ml.config import Run, load_run
from crm_ml.paths import runs_folder
from crm_ml.tables import Tables
from crm_ml.train import promote, reproduction
from crm_ml.train.comparing.logged import FOLDER, Logged
from crm_ml.train.comparing.pseudonyms import key_of
from crm_ml.train.model_card import Subject, model_card
from crm_ml.train.outcome import Outcome
from crm_ml.train.promoting.gate import Decision
from crm_ml.train.provenance import provenance


@dataclass(frozen=True, eq=False)
class Finished:
    """A run that is logged: its name, MLflow run id, model version, outcome, and what became of the model."""

    name: str
    run_id: str
    version: str
    outcome: Outcome
    decision: Decision


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
    with tracking.start(config.family, name) as active:
        active.log_params(config.model_dump(mode="json"))
        # in the order given: that of the feature groups is that of the columns
        active.log_text(json.dumps(config.model_dump(mode="json"), indent=2), "config.json")
        active.log_json(provenance(tables, config.data), "provenance.json")
        _log_report(active, tables)
        outcome = execute(config, tables, progress)
        version, decision = _log_outcome(active, config, tables, outcome)
    return Finished(name, active.run_id, version.version, outcome, decision)


def execute(config: Run, tables: Tables, progress: Progress) -> Outcome:
    """Run the experiment of the config's family; nothing is logged or registered."""
    family = importlib.import_module(f"crm_ml.train.{config.family}")
    outcome: Outcome = family.execute(config, tables, progress)
    return outcome


def load_tables(config: Run) -> Tables:
    """Return the tables that a run names: a data set, or own tables by their mapping."""
    from crm_ml import datasets

    return datasets.load(config.data.name, config.data.path, **config.data.options)


def _log_report(active: tracking.Run, tables: Tables) -> None:
    """Log the counts; the quarantined rows name customers and stay beside the store, not in it."""
    if tables.report is not None:
        active.log_json(tables.report.to_dict(), "tables/report.json")
        tables.report.write_quarantine(runs_folder() / active.run_id)


def _log_outcome(
    active: tracking.Run, config: Run, tables: Tables, outcome: Outcome
) -> tuple[tracking.ModelVersion, Decision]:
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
        stages = reproduction.before_fitting(config, tables)
        stages |= reproduction.after_fitting(config, outcome, folder)
        active.log_json(reproduction.as_artefact(stages), reproduction.FILE)
        version = active.register(
            folder, candidate.name, candidate.loader_module, candidate.inputs, candidate.outputs
        )
        version = replace(version, details=verify(folder))
        decision = promote.settle(active, version, outcome, _log_rows(active, config, tables, outcome))
        card = model_card(Subject(config, tables, outcome, version, decision), folder)
        active.log_text(card, "model_card.md")
    return version, decision


def _log_rows(active: tracking.Run, config: Run, tables: Tables, outcome: Outcome) -> Logged | None:
    """Log the test rows under pseudonyms and return them."""
    if outcome.rows is None:
        return None
    logged = Logged.of(outcome.rows, config, key_of(tables))
    with tempfile.TemporaryDirectory() as parent:
        logged.save(Path(parent) / FOLDER)
        active.client.log_artifacts(active.run_id, str(Path(parent) / FOLDER), FOLDER)
    return logged

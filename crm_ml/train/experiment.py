"""One experiment from its YAML to the registered model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from crm_ml import next_steps, tracking
from crm_ml.config import Run, load_run
from crm_ml.config.tuning import Tuned
from crm_ml.extras import EXTRA_OF, require
from crm_ml.storage.paths import runs_folder
from crm_ml.tables import Tables
from crm_ml.train.promote.gate import Decision
from crm_ml.train.record import account
from crm_ml.train.record.fingerprints import content_sum, table_sums
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.record.outcome_log import log_outcome
from crm_ml.train.search.study_plan import study_name
from crm_ml.train.training_family import training_family


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
    StoreUnavailable
        If the tracking store stays locked or does not answer.
    """
    config = load_run(name, overrides)
    _require_libraries(config)
    progress = progress or Progress(disable=True)
    loading = progress.add_task(f"{name}: tables", total=None)
    tables = load_tables(config)
    progress.update(loading, total=1, completed=1)
    return run_on(name, config, tables, progress, next_steps.train(name))


def run_on(name: str, config: Run, tables: Tables, progress: Progress, command: str) -> Finished:
    """Run the experiment of a config on tables and log all of it.

    Parameters
    ----------
    name : str
        Of the run in the tracking store.
    config : Run
    tables : Tables
        Those that the config names, or tables in memory.
    progress : rich.progress.Progress
    command : str
        Or function that trains, without paths.

    Raises
    ------
    ConfigError, InputError, LeakError, StoreUnavailable
        As `run`.
    """
    with tracking.start(config.family, name, command) as active:
        active.log_params(config.model_dump(mode="json"))
        # in the order given: that of the feature groups is that of the columns
        active.log_text(json.dumps(config.model_dump(mode="json"), indent=2), "config.json")
        before = account.before_fitting(config, tables)
        active.log_json(before[account.TOLD], "provenance.json")
        active.log_commit(before[account.TOLD]["git_commit"])
        _log_report(active, tables)
        outcome = execute(config, tables, progress, _study_folder(config, tables))
        version, decision = log_outcome(active, config, tables, outcome, before)
    return Finished(name, active.run_id, version.version, outcome, decision)


def execute(config: Run, tables: Tables, progress: Progress, studies: Path | None = None) -> Outcome:
    """Run the experiment of the config's family; nothing is logged or registered.

    Parameters
    ----------
    config : Run
    tables : Tables
    progress : rich.progress.Progress
    studies : Path, optional
        Where the trials of a search are retained and found again; in memory without it.
    """
    _require_libraries(config)
    return training_family(config.family).execute(config, tables, progress, studies)


def _require_libraries(config: Run) -> None:
    """Refuse a run that would lack a library after minutes; ``needs`` of a class of models names its own."""
    require("matplotlib", "the report of a run")
    if not isinstance(config, Tuned):
        return
    if config.tuning is not None:
        require("optuna", "a search for settings")
    for _, part in config.parts():
        model = config.registry().create(part.name, **part.options)
        for library in sorted(EXTRA_OF.keys() & getattr(model, "needs", ())):
            require(library, f"fitting {part.name}")


def _study_folder(config: Run, tables: Tables) -> Path | None:
    """Return where the trials of a run are kept, by all that they follow from."""
    if getattr(config, "tuning", None) is None:
        return None
    content = tables.fingerprint or content_sum(table_sums(tables))
    return runs_folder() / "studies" / study_name(config.model_dump(mode="json"), content)


def load_tables(config: Run) -> Tables:
    """Return the tables that a run names: a data set, or own tables by their mapping."""
    from crm_ml import datasets

    return datasets.load(config.data.name, config.data.path, **config.data.options)


def _log_report(active: tracking.TrackedRun, tables: Tables) -> None:
    """Log the counts; the quarantined rows name customers and stay beside the store, not in it."""
    if tables.report is not None:
        active.log_json(tables.report.to_dict(), "tables/report.json")
        tables.report.write_quarantine(runs_folder() / active.run_id)

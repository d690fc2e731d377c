"""What a run leaves in the tracking store: metrics, tables, plots, test rows, the model and its card."""

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from crm_ml import tracking
from crm_ml.config import Run
from crm_ml.errors import StoreUnavailable
from crm_ml.storage.manifest import verify
from crm_ml.storage.paths import runs_folder
from crm_ml.storage.pseudonyms import pseudonym_key
from crm_ml.storage.whole_file import write_text
from crm_ml.tables import Tables
from crm_ml.train.compare.logged_rows import FOLDER, Logged
from crm_ml.train.promote import promotion
from crm_ml.train.promote.gate import Decision
from crm_ml.train.record import account
from crm_ml.train.record.evaluation_table import FILE as EVALUATION
from crm_ml.train.record.evaluation_table import evaluation_table
from crm_ml.train.record.metrics_by_day import metrics_by_day
from crm_ml.train.record.model_card import Subject, model_card
from crm_ml.train.record.model_card_parts import first_metrics
from crm_ml.train.record.outcome import Outcome
from crm_ml.train.record.run_datasets import run_datasets
from crm_ml.train.record.run_descriptions import model_text, run_text, version_text


def log_outcome(
    active: tracking.TrackedRun, config: Run, tables: Tables, outcome: Outcome, before: account.Stages
) -> tuple[tracking.ModelVersion, Decision]:
    """Log an outcome, register its model, decide about it and write its card.

    Parameters
    ----------
    active : TrackedRun
    config : Run
    tables : Tables
    outcome : Outcome
    before : mapping
        Of `crm_ml.train.record.account.before_fitting`.

    Raises
    ------
    InputError
        If a metric is NaN or infinite; nothing is logged then.
    StoreUnavailable, StoreRefused
        If the store is lost meanwhile; the metrics are kept in a file that the message names.
    """
    tracking.check_finite(outcome.metrics)
    try:
        return _log(active, config, tables, outcome, before)
    except (StoreUnavailable, tracking.StoreRefused) as error:
        path = runs_folder() / "unlogged" / f"{active.run_id}.json"
        content = {"config": config.model_dump(mode="json"), "metrics": dict(outcome.metrics)}
        write_text(path, json.dumps(content, indent=2, sort_keys=True))
        raise type(error)(f"{error}; the metrics of the run stand in {path}") from error


def _log(
    active: tracking.TrackedRun, config: Run, tables: Tables, outcome: Outcome, before: account.Stages
) -> tuple[tracking.ModelVersion, Decision]:
    candidate = outcome.candidate
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        candidate.save(folder)
        version = active.register(
            folder, candidate.name, candidate.loader_module, candidate.inputs, candidate.outputs
        )
        version = replace(version, details=verify(folder))
        active.log_datasets(run_datasets(config, before, outcome, version.details))
        _log_files(active, outcome)
        stages = before | account.after_fitting(config, outcome, folder)
        active.log_json(account.as_artefact(stages), account.FILE)

        def tell(decision: Decision) -> None:
            subject = Subject(config, tables, outcome, version, decision)
            active.log_text(model_card(subject, folder), "model_card.md")
            _describe(active, subject)

        logged = _log_rows(active, config, outcome)
        decision = promotion.settle(active, version, outcome, logged, tell)
    return version, decision


def _describe(active: tracking.TrackedRun, subject: Subject) -> None:
    """Write the descriptions of the run, of its model version and of the registered name."""
    config, version = subject.config, subject.version
    active.describe(run_text(subject, active))
    tracking.describe_model(version.name, model_text(config), {"family": config.family})
    tags = {
        "family": config.family,
        "data": config.data.name,
        "labels_end": str(version.details.get("labels_end", "")),
        "model_card": f"runs:/{active.run_id}/model_card.md",
    }
    tracking.describe_version(version.name, version.version, version_text(subject, active), tags)


def _log_files(active: tracking.TrackedRun, outcome: Outcome) -> None:
    active.log_metrics(_in_order(outcome))
    if outcome.rows is not None:
        active.log_series(metrics_by_day(outcome.rows))
    active.log_table(*evaluation_table(outcome.metrics), EVALUATION)
    for name, table in outcome.tables.items():
        active.log_text(table.to_csv(index=False), f"tables/{tracking.safe_file(name)}.csv")
    for name, figure in outcome.figures.items():
        active.log_figure(figure, f"plots/{tracking.safe_file(name)}.png")
    for trial in outcome.trials:
        values = {"value": trial.value, "gain": trial.gain}
        known = {name: value for name, value in values.items() if value is not None}
        tags = {"trial.state": trial.state} | ({"trial.error": trial.error[:4000]} if trial.error else {})
        active.nested(f"trial {trial.number}", trial.params, known, tags)
    active.log_json(outcome.facts, "facts.json")
    active.log_json([asdict(gate) for gate in outcome.gates], "gates.json")


def _in_order(outcome: Outcome) -> dict[str, float]:
    """Return the metrics, first those that decide: MLflow shows the first one where it compares runs."""
    metrics = outcome.metrics
    names = first_metrics(metrics, outcome.rows.decides if outcome.rows else None, len(metrics))
    keys = [f"test.{name}{end}" for name in names for end in ("", ".low", ".high")]
    return {key: metrics[key] for key in dict.fromkeys([*keys, *metrics]) if key in metrics}


def _log_rows(active: tracking.TrackedRun, config: Run, outcome: Outcome) -> Logged | None:
    """Log the test rows under pseudonyms and return them."""
    if outcome.rows is None:
        return None
    logged = Logged.of(outcome.rows, config, pseudonym_key())
    with tempfile.TemporaryDirectory() as parent:
        logged.save(Path(parent) / FOLDER)
        active.client.log_artifacts(active.run_id, str(Path(parent) / FOLDER), FOLDER)
    return logged

"""Descriptions of runs, registered models and their versions in the tracking store, in Markdown."""

from typing import TYPE_CHECKING

from crm_ml.train.record.model_card_parts import first_metrics, metrics_table
from crm_ml.train.training_family import training_family

if TYPE_CHECKING:
    from crm_ml.config import Run
    from crm_ml.tracking import TrackedRun
    from crm_ml.train.record.model_card import Subject

_METRICS = 5


def run_text(subject: "Subject", run: "TrackedRun") -> str:
    """Return what a run is about, what it found, and where the rest stands."""
    version, decision = subject.version, subject.decision
    return "\n\n".join(
        [
            f"**{version.name} version {version.version}: {decision.role}**, {decision.reason}.",
            f"Predicts {predicts(subject.config)}. Data {subject.config.data.name}; made by `{run.command}`.",
            _metrics(subject),
            _links(run),
        ]
    )


def version_text(subject: "Subject", run: "TrackedRun") -> str:
    """Return the verdict, the metrics with their intervals beside the baselines, and links."""
    config, decision = subject.config, subject.decision
    gates = [f"- {'holds' if gate.passed else '**fails**'}: {gate.name}" for gate in subject.outcome.gates]
    return "\n\n".join(
        [
            f"{decision.role.capitalize()} when it was made: {decision.reason}.",
            f"Trained for {config.register_as.as_of} on {config.data.name}; labels until "
            f"{subject.version.details.get('labels_end', 'an unknown day')}.",
            _metrics(subject),
            "\n".join(gates),
            _links(run),
        ]
    )


def model_text(config: "Run") -> str:
    """Return what a registered name predicts, and what its aliases mean."""
    return (
        f"Family {config.family}: {predicts(config)}.\n\n"
        "Lists are scored by `champion`; `challenger` did not pass a gate or did not beat the champion, and "
        "`previous` was champion before. Load one with "
        f'`mlflow.pyfunc.load_model("models:/{config.register_as.name}@champion")`.'
    )


def predicts(config: "Run") -> str:
    """Return what a run predicts, in words."""
    return str(getattr(config.target, "predicts", training_family(config.family).CARD.predicts))


def _metrics(subject: "Subject") -> str:
    rows, metrics = subject.outcome.rows, subject.outcome.metrics
    names = first_metrics(metrics, rows.decides if rows else None, _METRICS)
    return f"On the test windows, with 95 % intervals:\n\n{metrics_table(metrics, names)}"


def _links(run: "TrackedRun") -> str:
    at = f"#/experiments/{run.experiment_id}/runs/{run.run_id}/artifacts"
    names = {"model card": "model_card.md", "all metrics": "evaluation.json", "plots": "plots"}
    return "See " + ", ".join(f"[{words}]({at}/{path})" for words, path in names.items()) + "."

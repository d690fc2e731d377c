"""The model card of a run: one page of Markdown, made of what the run knows and of nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.train.record.model_card_parts import (
    data_part,
    features_part,
    limits_part,
    metrics_part,
    segments_part,
)
from crm_ml.train.record.run_descriptions import predicts

if TYPE_CHECKING:
    from crm_ml.config import Run
    from crm_ml.tables import Tables
    from crm_ml.tracking import ModelVersion
    from crm_ml.train.promote.gate import Decision
    from crm_ml.train.record.outcome import Outcome


@dataclass(frozen=True, eq=False)
class Subject:
    """What a card is about.

    Parameters
    ----------
    config : Run
    tables : Tables
    outcome : Outcome
    version : ModelVersion
    decision : Decision
    """

    config: "Run"
    tables: "Tables"
    outcome: "Outcome"
    version: "ModelVersion"
    decision: "Decision"


def model_card(subject: Subject, folder: Path) -> str:
    """Return the card.

    Parameters
    ----------
    subject : Subject
    folder : Path
        Of the saved model, by which importances are computed.

    Returns
    -------
    str
        Markdown: purpose, data, windows, metrics with intervals, segments, checks of the data, features,
        promotion, limits.
    """
    rows, outcome = subject.outcome.rows, subject.outcome
    parts = [
        _head(subject),
        _data(subject),
        _windows(subject),
        metrics_part(outcome.metrics, rows.decides if rows else None),
        segments_part(outcome.tables.get("segments"), rows.decides if rows else None),
        *data_part(outcome.facts.get("data_checks")),
        features_part(outcome, folder),
        _promotion(subject),
        limits_part(subject.config, outcome, subject.version.details),
    ]
    return "\n".join(parts)


def _head(subject: Subject) -> str:
    config = subject.config
    return (
        f"# {subject.version.name}, version {subject.version.version}\n\n"
        f"It says {predicts(config)}. Family {config.family}, content "
        f"`{subject.version.content[:12]}`, trained for {config.register_as.as_of}.\n\n"
        f"Target: {_flat(config.target.model_dump(mode='json'))}.\n"
    )


def _data(subject: Subject) -> str:
    data, report = subject.config.data, subject.tables.report
    lines = [
        f"## Data\n\n`{data.name}`, content of the tables `{subject.tables.fingerprint[:12] or 'unknown'}`."
    ]
    if data.ends_at is not None:
        lines.append(f"They end on {data.ends_at}.")
    purpose = getattr(subject.config.target, "purpose", None)
    lines.append(f"Customers who allow {purpose!r} only." if purpose else "No consents were asked for.")
    if report is not None:
        lines.append("\n\n| table | rows read | accepted | set aside |\n|---|---:|---:|---:|")
        for name, counts in report.to_dict().items():
            aside = sum(counts["quarantined"].values())
            lines.append(f"\n| {name} | {counts['read']:,} | {counts['accepted']:,} | {aside:,} |")
    return " ".join(lines).replace(" \n", "\n") + "\n"


def _windows(subject: Subject) -> str:
    rows = subject.outcome.rows
    labels_end = subject.version.details.get("labels_end", "unknown")
    text = f"## Windows\n\nThe registered model has seen labels until {labels_end}. "
    if rows is None or not rows.windows:
        return text + "The run kept no test windows.\n"
    days = sorted(
        (window.as_of, window.labels_end, window.complete, fold) for fold, window in rows.windows.items()
    )
    first, last = days[0][0], days[-1][0]
    span = first if first == last else f"{first} to {last}"
    open_ones = sum(not complete for *_, complete, _ in days)
    text += (
        f"Tested on {len(days)} {'fold' if len(days) == 1 else 'folds'} of {span}, "
        f"whose labels end by {max(end for _, end, *_ in days)}; models of a test know only what lies "
        "before it."
    )
    if open_ones:
        text += f" {open_ones} of the windows ran on after the data end or the day of registration."
    return text + "\n"


def _promotion(subject: Subject) -> str:
    decision, gates = subject.decision, subject.outcome.gates
    lines = [f"- {'holds' if gate.passed else '**fails**'}: {gate.name}: {gate.reason}" for gate in gates]
    return f"## Promotion\n\n{decision.role.capitalize()}: {decision.reason}.\n\n" + "\n".join(lines) + "\n"


def _flat(content: Mapping[str, Any]) -> str:
    filled = {key: value for key, value in content.items() if value not in (None, [], {})}
    return ", ".join(f"{key} {value}" for key, value in filled.items())

"""Today's features and scores against the profiles of the models, before anything is published."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.artefacts import sync
from crm_ml.errors import ConfigError, DriftLimit
from crm_ml.monitoring.counting import in_table
from crm_ml.monitoring.drift import VOLUME, Counted, Drift, as_facts, compare, worst
from crm_ml.monitoring.limits import Limits
from crm_ml.monitoring.profile import Profile
from crm_ml.score.effects import UpliftScorer
from crm_ml.score.eligibility import compile_rule
from crm_ml.score.responses import Responder
from crm_ml.score.score_tables import ScoreTables, scan
from crm_ml.score.scores import Scorer
from crm_ml.score.value import Valuation
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb

    from crm_ml.score.decision import Job

log = logging.getLogger(__name__)
DRIFT_FILE = "drift.json"
_SHOWN, _NAMED = 12, 8
Where = tuple[str, str]  # a score and its group


def check_drift(job: "Job", scored: ScoreTables) -> dict[str, Any]:
    """Compare all models of a list with their profiles; write ``drift.json`` into the work folder.

    Parameters
    ----------
    job : Job
    scored : ScoreTables

    Returns
    -------
    dict
        For the manifest: verdict, reasons, and of each model what moved most.

    Raises
    ------
    ConfigError
        If the settings accept a name that no profile has.
    DriftLimit
        If a limit is broken (exit code 5); nothing has been published then.
    """
    limits = job.settings.drift
    known = {one.name: one.profile for one in _profiled(job) if one.profile is not None}
    without = sorted({one.name for one in _profiled(job)} - set(known))
    _check_accepted(limits, list(known.values()))
    connection = connect()
    try:
        found = [
            compare(one.name, known[one.name], *_day(connection, job, scored, one), limits)
            for one in _profiled(job)
            if one.name in known
        ]
    finally:
        connection.close()
    path = _write(job, as_facts(found, without))
    for name in without:
        log.warning("%s has no profile, so nobody knows whether its data have moved; train it again", name)
    for one in found:
        for reason in one.reasons:
            log.warning("drift of %s: %s", one.model, reason)
    if worst(one.verdict for one in found) == "stop":
        raise DriftLimit(_refusal(job, found, path))
    return summary(found, without)


def summary(found: Sequence[Drift], without: Sequence[str]) -> dict[str, Any]:
    """Return what a manifest holds of a comparison: the columns that moved most, and every reason."""
    facts = as_facts(found, without)
    for one in facts["models"].values():
        one["columns"] = len(one["rows"])
        one["rows"] = one["rows"][:_SHOWN]
    return facts


def _profiled(job: "Job") -> list[Scorer | Valuation | Responder | UpliftScorer]:
    models = job.models
    given = (models.churn, models.value, models.response, models.uplift)
    return [one for one in given if one is not None]


def _check_accepted(limits: Limits, profiles: Sequence[Profile]) -> None:
    if not profiles:
        return
    known = {VOLUME} | {one.name for each in profiles for one in (*each.features, *each.scores)}
    unknown = sorted(set(limits.accept) - known)
    if unknown:
        raise ConfigError(f"drift.accept: no model has {', '.join(unknown)}; name features or scores")


def _day(
    connection: "duckdb.DuckDBPyConnection",
    job: "Job",
    scored: ScoreTables,
    model: Scorer | Valuation | Responder | UpliftScorer,
) -> tuple[int, list[Counted]]:
    """Return how many customers a model scores, and its features and scores as they are counted."""
    assert model.profile is not None
    features = scan(connection, scored.features)
    if isinstance(model, Scorer):
        features = features.filter(compile_rule(model.where, features.collect_schema()))
    counted = in_table(model.profile.features, features.to_native()) if model.profile.features else []
    customers = 0
    for path, shown, (name, group) in _scores(job, scored, model):
        table = connection.read_parquet(str(path))
        customers = max(customers, int(table.count("*").fetchall()[0][0]))
        column = model.profile.score(name, group)
        if column is not None:
            [one] = in_table([column], table)
            counted.append(Counted(**(vars(one) | {"shown": shown})))
    return customers, counted


def _scores(
    job: "Job", scored: ScoreTables, model: Scorer | Valuation | Responder | UpliftScorer
) -> Iterator[tuple[Path, str, Where]]:
    """Give the score tables of a model: file, name in the report, and which score of the profile it is."""
    assert model.profile is not None
    names = [one.name for one in model.profile.scores if not one.group]
    if isinstance(model, Responder):
        for number, path in scored.responses.items():
            action = job.header.actions[number]
            assert action.answer is not None
            yield path, f"p_response of {action.key}", ("p_response", action.answer.kind)
        return
    path_of = {Scorer: scored.churn, Valuation: scored.value, UpliftScorer: scored.effects}
    found = path_of[type(model)]
    if found is not None:
        yield from ((found, name, (name, "")) for name in names)


def _write(job: "Job", facts: dict[str, Any]) -> Path:
    """Write the whole report beside the stages of the run, whole or not at all."""
    folder = job.settings.work_folder / f"drift-{job.header.list_id[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{DRIFT_FILE}.tmp"
    part.write_text(json.dumps(facts, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8")
    sync(part)
    part.replace(folder / DRIFT_FILE)
    return folder / DRIFT_FILE


def _refusal(job: "Job", found: Sequence[Drift], path: Path) -> str:
    stopped = [one for one in found if one.verdict == "stop"]
    lines = [line for one in stopped for line in _reasons(one)]
    names = list(dict.fromkeys(name for one in stopped for name in one.broken))[:_NAMED]
    accept = f", or overrule the limits of some by name (drift.accept: [{', '.join(names)}])" if names else ""
    return (
        f"list {job.settings.name} of {job.settings.day} is not published and the last one stays: the data "
        "are not like those that the models were trained on\n"
        + "\n".join(lines)
        + f"\nall figures: {path}\ncheck units, sources and completeness of these columns; where the change "
        f"is real, train the models again{accept}"
    )


def _reasons(one: Drift) -> list[str]:
    told = [f"  {one.model}: {reason}" for reason in one.reasons[:_NAMED]]
    more = len(one.reasons) - len(told)
    return [*told, f"  {one.model}: and {more} more"] if more > 0 else told

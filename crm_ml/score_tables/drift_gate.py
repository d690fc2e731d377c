"""Today's features and scores against the profiles of the models, before anything is published."""

import json
import logging
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import DriftLimit, InputError
from crm_ml.monitoring.column_counts import in_table
from crm_ml.monitoring.drift import VOLUME, Drift, as_facts, compare
from crm_ml.monitoring.drift_limits import Limits
from crm_ml.monitoring.drift_verdict import Counted, worst
from crm_ml.monitoring.training_profile import Profile
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.score_tables.churn import Scorer
from crm_ml.score_tables.clv import Valuation
from crm_ml.score_tables.joined import ScoreTables, scan
from crm_ml.score_tables.propensity import Responder
from crm_ml.score_tables.uplift import UpliftScorer
from crm_ml.storage.manifest import sync
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb

    from crm_ml.score.list_job import Job

log = logging.getLogger(__name__)
DRIFT_FILE = "drift.json"
_SHOWN, _TOLD = 12, 8
_PLAIN = re.compile(r"[A-Za-z][\w .-]*")
Profiled = Scorer | Valuation | Responder | UpliftScorer
Where = tuple[str, str]  # a score and its group


def check_drift(job: "Job", scored: ScoreTables) -> dict[str, Any]:
    """Compare the models that scored a day with their profiles; write ``drift.json`` into the work folder.

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
    DriftLimit
        If a limit is broken (exit code 5); nothing has been published then.
    InputError
        If the work folder can't be written to.
    """
    limits = job.settings.drift
    models, without = _models(job, scored)
    connection = connect()
    try:
        found = [
            compare(one.name, profile, *_day(connection, job, scored, one, profile), limits)
            for one, profile in models
        ]
    finally:
        connection.close()
    path = _write(job, as_facts(found, without))
    _tell(found, without, limits)
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


def _models(job: "Job", scored: ScoreTables) -> tuple[list[tuple[Profiled, Profile]], list[str]]:
    """Return the models that scored somebody with their profiles, and the names of those without one."""
    models = job.models
    given: list[Profiled | None] = [models.churn, models.value, models.uplift]
    if scored.responses:  # else no action of the day asks for an answer
        given.insert(2, models.response)
    used = [one for one in given if one is not None]
    without = [one.name for one in used if one.profile is None]
    if models.items is not None and scored.items:
        without.append(models.items.name)
    return [(one, one.profile) for one in used if one.profile is not None], sorted(without)


def _tell(found: Sequence[Drift], without: Sequence[str], limits: Limits) -> None:
    for name in without:
        log.warning(
            "%s has no profile, so nobody knows whether its data have moved; recommenders have none, "
            "another model gets one when it is trained again",
            name,
        )
    for one in found:
        for reason in one.reasons:
            log.warning("drift of %s: %s", one.model, reason)
        for reason in one.accepted:
            log.info("drift of %s, accepted by name: %s", one.model, reason)
        if one.unmonitored:
            log.info("%s: PSI says nothing of %s", one.model, ", ".join(one.unmonitored))
    known = {VOLUME} | {name for one in found for row in one.rows for name in (row.name, row.of[0])}
    unknown = sorted(set(limits.accept) - known)
    if unknown:
        log.warning("drift.accept: nothing of this day is called %s", ", ".join(unknown))


def _day(
    connection: "duckdb.DuckDBPyConnection",
    job: "Job",
    scored: ScoreTables,
    model: Profiled,
    profile: Profile,
) -> tuple[int, list[Counted]]:
    """Return how many customers a model scores, and its features and scores as they are counted."""
    counted = in_table(profile.features, _features(connection, scored, model)) if profile.features else []
    customers = 0
    for path, shown, (name, group) in _scores(job, scored, model, profile):
        table = connection.read_parquet(str(path))
        customers = max(customers, int(table.count("*").fetchall()[0][0]))
        column = profile.score(name, group)
        if column is not None:
            [one] = in_table([column], table)
            counted.append(Counted(**(vars(one) | {"shown": shown})))
    return customers, counted


def _features(
    connection: "duckdb.DuckDBPyConnection", scored: ScoreTables, model: Profiled
) -> "duckdb.DuckDBPyRelation":
    """Return the features of those whom a model scores; a value model has its summaries beside its scores."""
    if isinstance(model, Valuation):
        return connection.read_parquet(str(scored.value))
    features = scan(connection, scored.features)
    if isinstance(model, Scorer):
        features = features.filter(compile_rule(model.where, features.collect_schema()))
    table: duckdb.DuckDBPyRelation = features.to_native()
    return table


def _scores(
    job: "Job", scored: ScoreTables, model: Profiled, profile: Profile
) -> Iterator[tuple[Path, str, Where]]:
    """Give the score tables of a model: file, name in the report, and which score of the profile it is.

    The channels of an action share a table, which is given once.
    """
    if isinstance(model, Responder):
        for path, number in {path: number for number, path in scored.responses.items()}.items():
            action = job.header.actions[number]
            assert action.answer is not None
            yield path, f"p_response of {action.action_id}", ("p_response", action.answer.kind)
        return
    path_of = {Scorer: scored.churn, Valuation: scored.value, UpliftScorer: scored.effects}
    found = path_of[type(model)]
    if found is not None:
        yield from ((found, one.name, (one.name, "")) for one in profile.scores if not one.group)


def _write(job: "Job", facts: dict[str, Any]) -> Path:
    """Write the whole report beside the stages of the run, whole or not at all; the last run's stays."""
    folder = job.settings.work_folder / f"drift-{job.header.list_id[:16]}"
    part = folder / f".{DRIFT_FILE}.{uuid.uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(json.dumps(facts, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8")
            sync(part)
            part.replace(folder / DRIFT_FILE)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't write {DRIFT_FILE} ({error}); nothing was published") from error
    return folder / DRIFT_FILE


def _refusal(job: "Job", found: Sequence[Drift], path: Path) -> str:
    stopped = [one for one in found if one.verdict == "stop"]
    lines = [line for one in stopped for line in _reasons(one)]
    names = dict.fromkeys([*job.settings.drift.accept, *(name for one in stopped for name in one.stopping)])
    accept = ", ".join(name if _PLAIN.fullmatch(name) else json.dumps(name) for name in names)
    return (
        f"list {job.settings.name} of {job.settings.day} is not published and the last one stays: the data "
        "are not like those that the models were trained on\n"
        + "\n".join(lines)
        + f"\nall figures: {path}\ncheck units, sources and completeness of these columns; where the change "
        f"is real, train the models again, or overrule the limits of some by name (drift.accept: [{accept}])"
    )


def _reasons(one: Drift) -> list[str]:
    told = [f"  {one.model}: {reason}" for reason in one.reasons[:_TOLD]]
    more = len(one.reasons) - len(told)
    return [*told, f"  {one.model}: and {more} more"] if more > 0 else told

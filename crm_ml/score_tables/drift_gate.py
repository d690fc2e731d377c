"""Today's features and scores against the profiles of the models, before anything is published."""

import functools
import json
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import DriftLimit, InputError
from crm_ml.monitoring.column_counts import in_table
from crm_ml.monitoring.drift import VOLUME, Drift, as_facts, compare
from crm_ml.monitoring.drift_verdict import Counted, worst
from crm_ml.score_tables.joined import ScoreTable, ScoreTables
from crm_ml.score_tables.source import Source
from crm_ml.storage.whole_file import write_text
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import duckdb

    from crm_ml.monitoring.drift_limits import DriftLimits
    from crm_ml.monitoring.training_profile import Profile

log = logging.getLogger(__name__)
DRIFT_FILE = "drift.json"
_SHOWN_ROWS, _SHOWN_REASONS = 12, 8
_PLAIN = re.compile(r"[A-Za-z][\w .-]*")


def check_drift(
    scored: Sequence[ScoreTables],
    sources: Sequence[Source],
    limits: "DriftLimits",
    folder: Path,
    list_name: str,
    age: str = "",
) -> dict[str, Any]:
    """Compare the models that scored a day with their profiles; write ``drift.json``.

    Parameters
    ----------
    scored : sequence of ScoreTables
        Of all parts of the customers.
    sources : sequence of Source
        Those without a score table of the day are left out.
    limits : DriftLimits
    folder : Path
        Of the report.
    list_name : str
        Name and day of the list, for a refusal.
    age : str
        That the tables end before the day, for a refusal, see `crm_ml.score_tables.data_age.age_of`.

    Returns
    -------
    dict
        For the manifest: verdict, reasons, and of each model what moved most.

    Raises
    ------
    DriftLimit
        If a limit is broken (exit code 5); nothing has been published then.
    InputError
        If the folder can't be written to.
    """
    learned = [source for source in sources if source.learned]
    used = [source for source in learned if any(of_part.of(source) for of_part in scored)]
    without_profile = sorted(source.name for source in used if source.profile is None)
    connection = connect()
    try:
        drifts = [
            compare(source.name, source.profile, *_day(connection, scored, source, source.profile), limits)
            for source in used
            if source.profile is not None
        ]
    finally:
        connection.close()
    path = _write(folder, as_facts(drifts, without_profile))
    _log(drifts, without_profile, limits)
    if worst(drift.verdict for drift in drifts) == "stop":
        raise DriftLimit(_refusal(list_name, drifts, limits, path, age))
    return summary(drifts, without_profile)


def summary(drifts: Sequence[Drift], without_profile: Sequence[str]) -> dict[str, Any]:
    """Return what a manifest holds of a comparison: the columns that moved most, and every reason."""
    facts = as_facts(drifts, without_profile)
    for model in facts["models"].values():
        model["columns"] = len(model["rows"])
        model["rows"] = model["rows"][:_SHOWN_ROWS]
    return facts


def _log(drifts: Sequence[Drift], without_profile: Sequence[str], limits: "DriftLimits") -> None:
    for name in without_profile:
        log.warning(
            "%s has no profile, so nobody knows whether its data have moved; recommenders have none, "
            "another model gets one when it is trained again",
            name,
        )
    for drift in drifts:
        for reason in drift.reasons:
            log.warning("drift of %s: %s", drift.model, reason)
        for reason in drift.accepted:
            log.info("drift of %s, accepted by name: %s", drift.model, reason)
        if drift.unmonitored:
            log.info("%s: PSI says nothing of %s", drift.model, ", ".join(drift.unmonitored))
    known = {VOLUME} | {name for drift in drifts for row in drift.rows for name in (row.name, row.of[0])}
    unknown = sorted(set(limits.accept) - known)
    if unknown:
        log.warning("drift.accept: nothing of this day is called %s", ", ".join(unknown))


def _day(
    connection: "duckdb.DuckDBPyConnection",
    scored: Sequence[ScoreTables],
    source: Source,
    profile: "Profile",
) -> tuple[int, list[Counted]]:
    """Return how many customers a model scores, and its features and scores as they are counted."""
    counted = []
    if profile.features:
        counted = in_table(profile.features, _population(connection, scored, source))
    customers = 0
    for number, table in _tables_once(scored[0], source).items():
        relation = connection.sql(f"FROM {parquet_rows(*(part.of(source)[number].path for part in scored))}")
        customers = max(customers, int(relation.count("*").fetchall()[0][0]))
        for name, reported in _scores(table, profile):
            column = profile.score(name, table.group)
            if column is not None:
                [count] = in_table([column], relation)
                counted.append(Counted(**(vars(count) | {"shown": reported})))
    return customers, counted


def _tables_once(of_part: ScoreTables, source: Source) -> dict[int, ScoreTable]:
    """Return the tables of a source by their place, each once for all channels of its action."""
    places = {table.path: number for number, table in reversed(list(enumerate(of_part.of(source))))}
    return {number: of_part.of(source)[number] for number in sorted(places.values())}


def _population(
    connection: "duckdb.DuckDBPyConnection", scored: Sequence[ScoreTables], source: Source
) -> "duckdb.DuckDBPyRelation":
    """Return those whom a model scores, of all parts."""
    parts = [source.population(connection, part.features, part.of(source)[0].path) for part in scored]
    return functools.reduce(lambda rows, more: rows.union(more), parts)


def _scores(table: ScoreTable, profile: "Profile") -> Iterator[tuple[str, str]]:
    """Give the scores of a table that the profile knows, with their names in the report."""
    if table.action is not None:
        for name in table.source.columns:
            yield name, f"{name} of {table.action.action_id}"
        return
    yield from ((score.name, score.name) for score in profile.scores if not score.group)


def _write(folder: Path, facts: dict[str, Any]) -> Path:
    """Write the whole report, whole or not at all; the last run's stays where it can't be written."""
    text = json.dumps(facts, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        write_text(folder / DRIFT_FILE, text)
    except InputError as error:
        raise InputError(f"{error}; nothing was published") from error
    return folder / DRIFT_FILE


def _refusal(list_name: str, drifts: Sequence[Drift], limits: "DriftLimits", path: Path, age: str) -> str:
    stopped = [drift for drift in drifts if drift.verdict == "stop"]
    lines = [line for drift in stopped for line in _reasons(drift)]
    names = dict.fromkeys([*limits.accept, *(name for drift in stopped for name in drift.stopping)])
    accept = ", ".join(name if _PLAIN.fullmatch(name) else json.dumps(name) for name in names)
    return (
        f"list {list_name} is not published and the last one stays: the data "
        "are not like those that the models were trained on\n"
        + "\n".join(lines)
        + f"\nall figures: {path}\n{age and f'{age}; else '}check units, sources and completeness "
        "of these columns; where the change is real, train the models again, or overrule the limits of some "
        f"by name (drift.accept: [{accept}])"
    )


def _reasons(drift: Drift) -> list[str]:
    lines = [f"  {drift.model}: {reason}" for reason in drift.reasons[:_SHOWN_REASONS]]
    more = len(drift.reasons) - len(lines)
    return [*lines, f"  {drift.model}: and {more} more"] if more > 0 else lines

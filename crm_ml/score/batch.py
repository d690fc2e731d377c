"""The scoring job: tables and champions become a list, stage by stage."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.consent_check import check_consent, consent_for
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel
from crm_ml.errors import AlreadyPublished, ConfigError, InputError
from crm_ml.lists.list_file import ListHeader
from crm_ml.lists.previous_lists import earlier_lists, last_evaluation
from crm_ml.lists.read_list import LIST_FILE, verify_list
from crm_ml.score.list_job import ListJob, Place, decide, on
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.drift_gate import check_drift
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import ScoreTables, score_day
from crm_ml.score_tables.score_rows import Progress
from crm_ml.score_tables.source import ScoringDay, scan
from crm_ml.snapshots import Snapshot
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.bundle import Tables
from crm_ml.tables.engine import connect
from crm_ml.tables.zones import moment_in

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedList:
    """A published list in figures.

    Parameters
    ----------
    folder : Path
    list_id : str
    expected_value_cents, cost_cents : int
        Sums over the rows.
    rows : int
    funnel : Funnel
        What became of every pair of a customer and an action-channel.
    certificate : Certificate
        How good the allocation is.
    drift : mapping
        What moved between training and the day, as the manifest has it.
    """

    folder: Path
    list_id: str
    expected_value_cents: int
    cost_cents: int
    rows: int
    funnel: Funnel
    certificate: Certificate
    drift: Mapping[str, Any] = field(default_factory=dict)


def run(
    settings: ScoreSettings,
    catalog: Catalog,
    tables: Tables,
    models: Champions,
    out: Path | None = None,
    progress: Progress | None = None,
) -> PublishedList:
    """Score the customers at ``settings.day`` and publish their list.

    Features and scores are cached in ``settings.work_folder``, so that a run after an interrupted one goes on
    where that stopped.

    Parameters
    ----------
    settings : ScoreSettings
    catalog : Catalog
    tables : Tables
        With a fingerprint.
    models : Champions
    out : Path, optional
        Folder of all lists; ``settings.out_folder`` without it. The list stands in its
        ``<name>/<day>-<id>``.
    progress : callable, optional
        Called with customers scored and customers in all.

    Raises
    ------
    ConfigError
        If there is no as_of, no action is offered, a rule or a model does not fit, or consent is not settled.
    InputError
        If the tables have no fingerprint, a prediction is none, or the target can't be written.
    AlreadyPublished
        If this list is there already, whole (exit code 3).
    IntegrityError
        If it is there but damaged, or a cached stage is (exit code 4).
    DriftLimit
        If the data are too unlike those of the training (exit code 5); nothing is published then.
    """
    target = (out or settings.out_folder) / settings.name
    job = _job(settings, catalog, tables, models, target)
    header = job.header
    pointer = {"folder": header.folder, "list_id": header.list_id, "as_of": header.as_of.isoformat()}
    try:
        check_free(target, header.folder, pointer)
    except AlreadyPublished:
        verify_list(target / header.folder)
        raise
    work = settings.work_folder
    scored = _score(work, job, progress)
    report = work / f"drift-{header.list_id[:16]}"
    drift = check_drift(scored, models.sources, settings.drift, report, f"{settings.name} of {settings.day}")
    published: list[PublishedList] = []

    def fill(content: Path, scratch: Path) -> None:
        connection = connect()
        try:
            decided = decide(job, scored, drift, Place(connection, content, scratch))
            _check_again(job, (connection, content / LIST_FILE, scratch))
        finally:
            connection.close()
        figures = _figures(content / LIST_FILE)
        published.append(
            PublishedList(
                target / header.folder, header.list_id, *figures, decided.funnel, decided.certificate, drift
            )
        )

    publish(target, header.folder, fill, pointer)
    log.info("list %s: %s", header.list_id, published[0].funnel.left)
    return published[0]


def _job(
    settings: ScoreSettings, catalog: Catalog, tables: Tables, models: Champions, target: Path
) -> ListJob:
    """Check all that can be checked before anything is computed, and name the list."""
    if not tables.fingerprint:
        raise InputError("the tables have no fingerprint, so the list could not say what it was made from")
    day = moment_in(tables.zone, settings.day)
    snapshot = Snapshot(day, timedelta(days=1), zone=tables.zone)  # only the past is read: any horizon does
    settings.check(catalog)
    actions = catalog.action_channels(snapshot.as_of)
    if not actions:
        raise ConfigError(f"none of the {len(catalog.actions)} actions is offered on {settings.day}")
    for name in sorted({item.action_id for item in catalog.actions} - {item.action_id for item in actions}):
        log.info("action %s is not offered on %s", name, settings.day)
    catalog.check_currency(tables)
    models.check(actions, tables)
    consent = consent_for(tables, snapshot, [action.identity for action in actions], settings.consent)
    earlier = earlier_lists(target, settings.day) if settings.past_lists else []
    evaluation = last_evaluation(target, settings.day)
    header = ListHeader(
        as_of=snapshot.as_of,
        models=models.sums,
        policy=settings.policy_hash(catalog),
        data=tables.fingerprint,
        consent_basis=consent.basis,
        actions=actions,
        value_bases=models.value_bases(actions),
        earlier=[
            *(item.list_id for item in earlier),
            *([] if evaluation is None else [identity(evaluation)]),
        ],
    )
    past_lists = [item.folder / LIST_FILE for item in earlier]
    return ListJob(settings, catalog, tables, snapshot, header, consent, models, past_lists, evaluation)


def _score(work: Path, job: ListJob, progress: Progress | None) -> ScoreTables:
    """Make the feature table and the score tables of all models, or find them whole."""
    features = features_of(work, job.tables, job.snapshot, job.models.groups)
    with job.tables.scratch() as inside:
        day = ScoringDay(inside, job.snapshot, features)
        return score_day(work, day, job.models.sources, job.header.actions, progress)


def _check_again(job: ListJob, place: "tuple[duckdb.DuckDBPyConnection, Path, Path]") -> None:
    """Ask the consents table once more, now about the rows that were written."""
    connection, path, scratch = place
    actions = [action.identity for action in job.header.actions]
    consent = consent_for(job.tables, job.snapshot, actions, job.policy.consent)
    consent = on(connection, consent, scratch / "consent_again.parquet")
    check_consent(scan(connection, path).select("customer_id", "action_id"), actions, consent)


def _figures(path: Path) -> tuple[int, int, int]:
    """Return the sums of expected value and cost in cents, and the number of rows."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["expected_value_cents", "cost_cents"])
    value, cost = (int(pc.sum(column).as_py() or 0) for column in table.columns)
    return value, cost, len(table)

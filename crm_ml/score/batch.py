"""The scoring job: tables and a champion become a list, stage by stage."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.consent_gate import check_consent, consent_for
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel
from crm_ml.errors import AlreadyPublished, ConfigError, InputError
from crm_ml.lists.list_file import ListHeader
from crm_ml.lists.previous_lists import earlier_lists, last_evaluation
from crm_ml.lists.read_list import LIST_FILE, verify_list
from crm_ml.score.list_job import Decided, Job, decide, on
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.champion_set import Models
from crm_ml.score_tables.churn import scores_of
from crm_ml.score_tables.clv import values_of
from crm_ml.score_tables.drift_gate import check_drift
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import ScoreTables, scan
from crm_ml.score_tables.propensity import responses_of
from crm_ml.score_tables.recommend import items_of
from crm_ml.score_tables.score_rows import Progress
from crm_ml.score_tables.uplift import effects_of
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.storage.identity import identity
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.bundle import Tables
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """A published list in figures.

    Parameters
    ----------
    folder : Path
    list_id : str
    expected_value_cents, cost_cents : int
        Sums over the rows.
    rows : int
    funnel : Funnel
        What became of every pair of a customer and an offering.
    certificate : Certificate
        How good the allotment is.
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
    models: Models,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Score the customers at ``settings.day`` and publish their list.

    Features and scores are kept in ``settings.work_folder``, so that a run after an interrupted one goes on
    where that stopped.

    Parameters
    ----------
    settings : ScoreSettings
    catalog : Catalog
    tables : Tables
        With a fingerprint.
    models : Models
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
        If it is there but damaged, or a kept stage is (exit code 4).
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
    scored = _score(job, progress)
    job = replace(job, drift=check_drift(job, scored))
    outcomes: list[Outcome] = []

    def fill(content: Path, scratch: Path) -> None:
        connection = connect()
        try:
            found = decide(job, scored, connection, content, scratch)
            _check_again(job, connection, content / LIST_FILE, scratch)
        finally:
            connection.close()
        outcomes.append(_outcome(target / header.folder, content / LIST_FILE, job, found))

    publish(target, header.folder, fill, pointer)
    log.info("list %s: %s", header.list_id, outcomes[0].funnel.left)
    return outcomes[0]


def _job(settings: ScoreSettings, catalog: Catalog, tables: Tables, models: Models, target: Path) -> Job:
    if not tables.fingerprint:
        raise InputError("the tables have no fingerprint, so the list could not say what it was made from")
    snapshot = Snapshot(as_utc(settings.day), timedelta(days=1))  # only the past is read: any horizon does
    settings.check(catalog)
    actions = catalog.offerings(snapshot.as_of)
    if not actions:
        raise ConfigError(f"none of the {len(catalog.actions)} actions is offered on {settings.day}")
    for action in sorted({action.action_id for action in catalog.actions} - {a.action_id for a in actions}):
        log.info("action %s is not offered on %s", action, settings.day)
    models.check(actions, tables)
    consent = consent_for(tables, snapshot, actions, settings.consent)
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
        earlier=[*(one.list_id for one in earlier), *([] if evaluation is None else [identity(evaluation)])],
    )
    files = [one.folder / LIST_FILE for one in earlier]
    return Job(settings, catalog, tables, models, snapshot, header, consent, files, evaluation)


def _score(job: Job, progress: Progress | None) -> ScoreTables:
    """Make the feature table and the score table of each model, or find them whole."""
    work, models, snapshot = job.settings.work_folder, job.models, job.snapshot
    features = features_of(work, job.tables, snapshot, models.groups)
    responses, items = {}, {}
    with job.tables.scratch() as inside:
        for number, action in enumerate(job.header.actions):
            past = (inside, snapshot)
            if action.answer is not None and models.response is not None:
                responses[number] = responses_of(work, features, past, action, models.response)
            if action.recommend is not None and models.items is not None:
                items[number] = items_of(work, features, past, action, models.items)
    return ScoreTables(
        features=features,
        churn=None if models.churn is None else scores_of(work, features, models.churn, progress),
        value=None if models.value is None else values_of(work, job.tables, snapshot, models.value),
        effects=None if models.uplift is None else effects_of(work, features, models.uplift, progress),
        responses=responses,
        items=items,
    )


def _check_again(job: Job, connection: "duckdb.DuckDBPyConnection", path: Path, scratch: Path) -> None:
    """Ask the consents table once more, now about the rows that were written."""
    actions = job.header.actions
    consent = consent_for(job.tables, job.snapshot, actions, job.settings.consent)
    consent = on(connection, consent, scratch / "consent_again.parquet")
    check_consent(scan(connection, path).select("customer_id", "action_id"), actions, consent)


def _outcome(folder: Path, path: Path, job: Job, found: Decided) -> Outcome:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["expected_value_cents", "cost_cents"])
    value, cost = (int(pc.sum(column).as_py() or 0) for column in table.columns)
    figures = (value, cost, len(table), found.funnel, found.certificate, job.drift)
    return Outcome(folder, job.header.list_id, *figures)

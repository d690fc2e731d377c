"""The scoring job: tables and champions become a list, stage by stage."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.consent_check import check_consent, consent_for
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel
from crm_ml.errors import AlreadyPublished
from crm_ml.lists.read_list import LIST_FILE, verify_list
from crm_ml.score.list_job import WEIGHED_FILE, ListJob, Place, decide, on
from crm_ml.score.prepared_list import pointer_of, prepare
from crm_ml.score.settings import ScoreSettings, open_lists
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.data_age import age_of
from crm_ml.score_tables.drift_gate import check_drift
from crm_ml.score_tables.feature_table import features_of
from crm_ml.score_tables.joined import ScoreTables, score_day
from crm_ml.score_tables.score_rows import Progress
from crm_ml.score_tables.source import ScoringDay, scan
from crm_ml.storage.group_access import Group
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.bundle import Tables
from crm_ml.tables.engine import connect

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)
TRACE = ("features.parquet", WEIGHED_FILE)


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
    target, group = open_lists(settings, out)
    job = prepare(settings, settings.day, catalog, tables, models, target)
    return publish_list(job, target, settings.work_folder, progress, group=group)


def publish_list(
    job: ListJob,
    target: Path,
    work: Path,
    progress: Progress | None = None,
    trace: Path | None = None,
    group: Group | None = None,
) -> PublishedList:
    """Score, decide and publish what `prepare` has checked.

    Parameters
    ----------
    job : ListJob
    target : Path
        Folder of all lists of the name.
    work : Path
        Folder of the cached features and scores.
    progress : callable, optional
        As `run` takes it.
    trace : Path, optional
        Existing folder where to leave what the decision was made from: `TRACE`, the features of all
        customers, and the status and value of each action-channel (`crm_ml.decision.open_actions.weigh`).
    group : Group, optional
        Who may read the list beside its owner.

    Raises
    ------
    CrmError
        As `run`.
    """
    header, policy, pointer = job.header, job.policy, pointer_of(job.header)
    try:
        check_free(target, header.folder, pointer, group)
    except AlreadyPublished:
        verify_list(target / header.folder)
        raise
    scored = _score(work, job, progress)
    report = work / f"drift-{header.list_id[:16]}"
    day = f"{policy.name} of {job.snapshot.as_of.date()}"
    _, age = age_of(job.tables, job.snapshot.as_of.date())
    drift = check_drift(scored, job.models.sources, policy.drift, report, day, age)
    published: list[PublishedList] = []

    def fill(content: Path, scratch: Path) -> None:
        connection = connect()
        try:
            decided = decide(job, scored, drift, Place(connection, content, scratch))
            _check_again(job, (connection, content / LIST_FILE, scratch))
        finally:
            connection.close()
        if trace is not None:
            for file, kept in zip((scored.features, scratch / WEIGHED_FILE), TRACE, strict=True):
                shutil.copyfile(file, trace / kept)
        figures = _figures(content / LIST_FILE)
        published.append(
            PublishedList(
                target / header.folder, header.list_id, *figures, decided.funnel, decided.certificate, drift
            )
        )

    publish(target, header.folder, fill, pointer, group)
    log.info("list %s: %s", header.list_id, published[0].funnel.left)
    return published[0]


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

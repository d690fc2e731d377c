"""The scoring job: tables and champions become a list, stage by stage."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.contact.past_lists import deal_past_lists
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel
from crm_ml.errors import AlreadyPublished
from crm_ml.lists.read_list import LIST_FILE, verify_list
from crm_ml.parts.dealing import deal
from crm_ml.parts.part_number import parts_of
from crm_ml.parts.workers import LocalWorkers, Workers
from crm_ml.score.list_job import ListJob, decide
from crm_ml.score.part_job import PartJob, ScoredPart
from crm_ml.score.prepared_list import pointer_of, prepare
from crm_ml.score.scored_parts import score_parts
from crm_ml.score.settings import ScoreSettings, open_lists
from crm_ml.score.weighed_parts import WEIGHED_FILE
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.data_age import age_of
from crm_ml.score_tables.drift_gate import check_drift
from crm_ml.score_tables.score_rows import Progress
from crm_ml.storage.group_access import Group
from crm_ml.storage.identity import identity
from crm_ml.storage.part import Part
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.bundle import Tables

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
    workers: Workers | None = None,
    parts: int | None = None,
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
        Called with customers scored and customers in all, or with parts where there are several.
    workers : Workers, optional
        Who works on the parts; ``settings.workers`` processes without it.
    parts : int, optional
        Parts that the customers are dealt into; ``settings.parts`` without it, or by size.

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
    workers = workers or LocalWorkers(settings.workers)
    count = parts or settings.parts or parts_of(tables, settings.workers)
    return publish_list(
        job, target, settings.work_folder, progress, group=group, parts=count, workers=workers
    )


def publish_list(
    job: ListJob,
    target: Path,
    work: Path,
    progress: Progress | None = None,
    trace: Path | None = None,
    group: Group | None = None,
    parts: int = 1,
    workers: Workers | None = None,
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
        customers, and the status and value of each action-channel (`crm_ml.decision.open_actions.weigh`);
        of a list in one part.
    group : Group, optional
        Who may read the list beside its owner.
    parts : int
        Parts that the customers are dealt into, a power of two; they change no byte of the list.
    workers : Workers, optional
        Who works on the parts; this process without it.

    Raises
    ------
    CrmError
        As `run`.
    """
    header, pointer = job.header, pointer_of(job.header)
    try:
        check_free(target, header.folder, pointer, group)
    except AlreadyPublished:
        verify_list(target / header.folder)
        raise
    workers = workers or LocalWorkers()
    of_parts = part_job(job, work, parts)
    scored = score_parts(of_parts, workers, progress)
    further = _drift(job, of_parts, scored)
    published: list[PublishedList] = []

    def fill(content: Path, scratch: Path) -> None:
        decided = decide(of_parts, scored, further, (content, scratch), workers, job.evaluation)
        if trace is not None:
            for file, kept in zip((scored[0].features, scratch / WEIGHED_FILE), TRACE, strict=True):
                shutil.copyfile(file, trace / kept)
        published.append(
            PublishedList(
                target / header.folder,
                header.list_id,
                *_figures(content / LIST_FILE),
                decided.funnel,
                decided.certificate,
                further.get("drift", {}),
            )
        )

    publish(target, header.folder, fill, pointer, group)
    log.info("list %s: %s", header.list_id, published[0].funnel.left)
    return published[0]


def part_job(job: ListJob, work: Path, parts: int) -> PartJob:
    """Deal the customers of a list, and the rows of earlier lists, into parts."""
    parted, past_lists = deal(job.tables, parts, work), job.past_lists
    if parts > 1 and past_lists:
        folder = Part(0, parts).folder(work) / f"past-{identity(list(job.header.earlier))[:16]}"
        deal_past_lists(past_lists, parts, folder)
        past_lists = [folder]
    return PartJob(job.policy, job.catalog, job.header, job.models, job.snapshot, past_lists, parted, work)


def _drift(job: ListJob, of_parts: PartJob, scored: Sequence[ScoredPart]) -> dict[str, Any]:
    """Compare features and scores of all parts with the training, as an entry of the manifest."""
    report = of_parts.work / f"drift-{job.header.list_id[:16]}"
    day = f"{job.policy.name} of {of_parts.day}"
    _, age = age_of(job.tables, of_parts.day)
    tables = [part.tables(of_parts) for part in scored]
    drift = check_drift(tables, job.models.sources, job.policy.drift, report, day, age)
    return {"drift": dict(drift)} if drift else {}


def _figures(path: Path) -> tuple[int, int, int]:
    """Return the sums of expected value and cost in cents, and the number of rows."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["expected_value_cents", "cost_cents"])
    value, cost = (int(pc.sum(column).as_py() or 0) for column in table.columns)
    return value, cost, len(table)

"""The scoring job: tables and a champion become a list, stage by stage."""

import dataclasses
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import AlreadyPublished, ConfigError, InputError
from crm_ml.score import policy
from crm_ml.score.catalog import Catalog
from crm_ml.score.consent import Consent, check_consent, consent_for
from crm_ml.score.lists import ListHeader, write_files
from crm_ml.score.publish import check_free, publish
from crm_ml.score.reading import LIST_FILE, verify_list
from crm_ml.score.scores import Progress, Scorer
from crm_ml.score.settings import ScoreSettings
from crm_ml.score.stages import features_of, scores_of
from crm_ml.score.value import CLV, Valuation, values_of
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables, write_parquet
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
    funnel : Funnel
        Customers left after each step; ``funnel.within_cap`` is the number of rows.
    """

    folder: Path
    list_id: str
    expected_value_cents: int
    cost_cents: int
    funnel: policy.Funnel


@dataclass(frozen=True)
class _Job:
    settings: ScoreSettings
    tables: Tables
    scorer: Scorer
    snapshot: Snapshot
    header: ListHeader
    consent: Consent
    valuation: Valuation | None = None


def run(
    settings: ScoreSettings,
    catalog: Catalog,
    tables: Tables,
    scorer: Scorer,
    out: Path | None = None,
    progress: Progress | None = None,
    valuation: Valuation | None = None,
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
    scorer : Scorer
    out : Path, optional
        Folder of all lists; ``settings.out_folder`` without it. The list stands in its
        ``<name>/<day>-<id>``.
    progress : callable, optional
        Called with customers scored and customers in all.
    valuation : Valuation, optional
        What gives ``clv_cents``; null without it.

    Raises
    ------
    ConfigError
        If there is no as_of, no action is offered, a rule does not fit, or consent is not settled.
    InputError
        If the tables have no fingerprint, a prediction is none, or the target can't be written.
    AlreadyPublished
        If this list is there already, whole (exit code 3).
    IntegrityError
        If it is there but damaged, or a kept stage is (exit code 4).
    """
    job = _job(settings, catalog, tables, scorer, valuation)
    header = job.header
    target = (out or settings.out_folder) / settings.name
    pointer = {"folder": header.folder, "list_id": header.list_id, "as_of": header.as_of.isoformat()}
    try:
        check_free(target, header.folder, pointer)
    except AlreadyPublished:
        verify_list(target / header.folder)
        raise
    features = features_of(settings.work_folder, tables, job.snapshot, scorer)
    scores = scores_of(settings.work_folder, features, scorer, progress)
    values = None
    if valuation is not None:
        values = values_of(settings.work_folder, tables, job.snapshot, valuation)
    outcomes: list[Outcome] = []

    def fill(content: Path, scratch: Path) -> None:
        funnel = _decide_and_write(job, (features, scores, values), content, scratch)
        outcomes.append(_outcome(target / header.folder, content / LIST_FILE, header, funnel))

    publish(target, header.folder, fill, pointer)
    log.info("list %s: %s", header.list_id, dataclasses.asdict(outcomes[0].funnel))
    return outcomes[0]


def _job(
    settings: ScoreSettings, catalog: Catalog, tables: Tables, scorer: Scorer, valuation: Valuation | None
) -> _Job:
    if not tables.fingerprint:
        raise InputError("the tables have no fingerprint, so the list could not say what it was made from")
    snapshot = Snapshot(as_utc(settings.day), timedelta(days=1))  # only the past is read: any horizon does
    actions = catalog.offered(snapshot.as_of)
    if not actions:
        raise ConfigError(f"none of the {len(catalog.actions)} actions is offered on {settings.day}")
    for action in sorted({action.action_id for action in catalog.actions} - {a.action_id for a in actions}):
        log.info("action %s is not offered on %s", action, settings.day)
    consent = consent_for(tables, snapshot, actions, settings.consent)
    header = ListHeader(
        as_of=snapshot.as_of,
        models={one.name: one.sums for one in (scorer, valuation) if one is not None},
        policy=settings.policy_hash(catalog),
        data=tables.fingerprint,
        consent_basis=consent.basis,
        actions=actions,
    )
    return _Job(settings, tables, scorer, snapshot, header, consent, valuation)


def _decide_and_write(
    job: _Job, tables: tuple[Path, Path, Path | None], content: Path, scratch: Path
) -> policy.Funnel:
    connection = connect()
    try:
        base = _base(connection, *tables)
        consent = _on(connection, job.consent, scratch / "consent.parquet")
        funnel = _decide(job, base, consent, connection, scratch)
        rows = write_files(scratch / "decided.parquet", job.header, job.scorer.reasons, content)
        _check_again(job, connection, content / LIST_FILE, scratch)
    finally:
        connection.close()
    return dataclasses.replace(funnel, within_cap=rows)


def _base(
    connection: "duckdb.DuckDBPyConnection", features: Path, scores: Path, values: Path | None
) -> "nw.LazyFrame[Any]":
    """Join the score tables to the features of all known customers."""
    scored = _scan(connection, scores).select("customer_id", "p_churn")
    base = _scan(connection, features).join(scored, on="customer_id", how="left")
    if values is None:
        return base.with_columns(nw.lit(None, dtype=nw.Int64).alias(CLV))
    valued = _scan(connection, values).select("customer_id", "p_alive", CLV)
    return base.join(valued, on="customer_id", how="left")


def _decide(
    job: _Job,
    base: "nw.LazyFrame[Any]",
    consent: Consent,
    connection: "duckdb.DuckDBPyConnection",
    scratch: Path,
) -> policy.Funnel:
    """Write the decided rows with their features to ``decided.parquet``."""
    actions = job.header.actions
    weighed = policy.weigh(base, actions, consent)
    funnel = policy.count(weighed, len(actions))
    write_parquet(policy.choose(weighed, len(actions)), scratch / "chosen.parquet")
    kept = policy.cut(_scan(connection, scratch / "chosen.parquet"), actions, job.settings.daily_cap)
    with_features = kept.join(base.drop("p_churn", CLV), on="customer_id", how="inner").sort("customer_id")
    write_parquet(with_features, scratch / "decided.parquet")
    return funnel


def _check_again(job: _Job, connection: "duckdb.DuckDBPyConnection", path: Path, scratch: Path) -> None:
    """Ask the consents table once more, now about the rows that were written."""
    actions = job.header.actions
    consent = consent_for(job.tables, job.snapshot, actions, job.settings.consent)
    consent = _on(connection, consent, scratch / "consent_again.parquet")
    check_consent(_scan(connection, path).select("customer_id", "action_id"), actions, consent)


def _on(connection: "duckdb.DuckDBPyConnection", consent: Consent, path: Path) -> Consent:
    """Bring the consents, which may be on any engine, to the connection of the decision."""
    if consent.granted is None:
        return consent
    write_parquet(consent.granted, path)
    return dataclasses.replace(consent, granted=_scan(connection, path))


def _scan(connection: "duckdb.DuckDBPyConnection", path: Path) -> "nw.LazyFrame[Any]":
    frame: nw.LazyFrame[Any] = nw.from_native(connection.read_parquet(str(path)))
    return frame


def _outcome(folder: Path, path: Path, header: ListHeader, funnel: policy.Funnel) -> Outcome:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["expected_value_cents", "cost_cents"])
    value, cost = (int(pc.sum(column).as_py() or 0) for column in table.columns)
    return Outcome(folder, header.list_id, value, cost, funnel)

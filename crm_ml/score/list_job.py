"""The decision of a list: from score tables to decided rows, with the funnel and the certificate."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.consent_gate import Consent
from crm_ml.actions.contact.blocked_offerings import blocked
from crm_ml.actions.contact.contact_history import contacts
from crm_ml.actions.contact.send_time import send_times
from crm_ml.decision import gates as policy
from crm_ml.decision.allocation_limits import limits_of
from crm_ml.decision.allocator import Allotment, allot, write_allotted
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel, count
from crm_ml.decision.gates import Gates
from crm_ml.decision.holdouts import write_held
from crm_ml.lists.list_file import ListHeader, write_files
from crm_ml.lists.not_listed import OTHERS_FILE, Shares, write_others
from crm_ml.score.settings import ScoreSettings
from crm_ml.score_tables.champion_set import Models
from crm_ml.score_tables.joined import ScoreTables, scan
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, write_parquet
from crm_ml.tables.scratch_frames import materialize

if TYPE_CHECKING:
    import duckdb

    from crm_ml.actions.catalog import Catalog


@dataclass(frozen=True, eq=False)
class Job:
    """All that a list is made from, beside the score tables.

    Parameters
    ----------
    settings : ScoreSettings
    catalog : Catalog
    tables : Tables
    models : Models
    snapshot : Snapshot
    header : ListHeader
    consent : Consent
    past_lists : sequence of Path
        Files of earlier lists whose rows may be contacts.
    evaluation : dict, optional
        What an earlier list has earned, for the page.
    drift : mapping
        What moved between training and the day, see `crm_ml.score_tables.drift_gate.summary`.
    """

    settings: ScoreSettings
    catalog: "Catalog"
    tables: Tables
    models: Models
    snapshot: Snapshot
    header: ListHeader
    consent: Consent
    past_lists: Sequence[Path] = ()
    evaluation: dict[str, Any] | None = None
    drift: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decided:
    """A decision in figures."""

    funnel: Funnel
    certificate: Certificate


def decide(
    job: Job, scored: ScoreTables, connection: "duckdb.DuckDBPyConnection", content: Path, scratch: Path
) -> Decided:
    """Decide who gets what and write the files of the list into `content`.

    Parameters
    ----------
    job : Job
    scored : ScoreTables
    connection : duckdb.DuckDBPyConnection
    content, scratch : Path
        Folder of the list, and one for what is needed on the way.

    Raises
    ------
    ConfigError
        If a rule does not fit the columns.
    InputError
        If the minimums can't be met within the caps.
    """
    actions, settings = job.header.actions, job.settings
    found = contacts(job.tables, job.snapshot, job.catalog.actions, job.past_lists)
    history: nw.LazyFrame[Any] = nw.from_native(materialize(found)).lazy()
    left = _stock(history, job)
    gates = _gates(job, scored, (connection, scratch), history, left)
    weighed = policy.weigh(scored.base(connection), actions, gates)
    write_parquet(weighed.sort("customer_id"), scratch / "weighed.parquet")
    weighed = scan(connection, scratch / "weighed.parquet")
    limits = limits_of(actions, settings.daily_cap, settings.channel_caps, settings.budgets, left)
    day = job.snapshot.as_of.date().isoformat()
    allotment = allot(scratch / "weighed.parquet", actions, limits, settings.explore, day)
    write_allotted(scratch / "weighed.parquet", allotment, scratch / "allotted.parquet")
    kept = policy.choose(weighed, scan(connection, scratch / "allotted.parquet"), len(actions))
    write_parquet(kept, scratch / "chosen.parquet")
    _write_decided(job, scored, connection, scratch)
    shares = Shares(0.0, {}) if settings.hold_out is None else Shares(*settings.hold_out.shares())
    write_others(scratch / "weighed.parquet", allotment, job.header, shares, content / OTHERS_FILE)
    funnel = count(weighed, actions, allotment.outcomes)
    facts = {
        "name": settings.name,
        "currency": job.catalog.currency,
        **funnel.facts,
        "allocation": allotment.certificate.facts,
        "scores": scored.stages(actions),
    }
    facts |= {"drift": dict(job.drift)} if job.drift else {}
    facts |= {"hold_outs": shares.facts, "exploration": _explored(settings, allotment)}
    decided = scratch / "decided.parquet"
    write_files(decided, job.header, job.models.reasons, content, facts, job.evaluation)
    return Decided(funnel, allotment.certificate)


def on(connection: "duckdb.DuckDBPyConnection", consent: Consent, path: Path) -> Consent:
    """Bring the consents, which may be on any engine, to the connection of the decision."""
    return dataclasses.replace(consent, granted=_there(connection, consent.granted, path))


def _there(
    connection: "duckdb.DuckDBPyConnection", frame: "nw.LazyFrame[Any] | None", path: Path
) -> "nw.LazyFrame[Any] | None":
    """Bring a frame of any engine to a connection."""
    if frame is None:
        return None
    write_parquet(frame, path)
    return scan(connection, path)


def _gates(
    job: Job,
    scored: ScoreTables,
    place: "tuple[duckdb.DuckDBPyConnection, Path]",
    history: "nw.LazyFrame[Any]",
    left: dict[str, int],
) -> Gates:
    """Find out what closes offerings, on the connection and in the scratch folder of `place`."""
    (connection, scratch), actions, held = place, job.header.actions, None
    stopped = blocked(job.tables, job.snapshot, actions, job.catalog.contact_policy, history)
    if job.settings.hold_out is not None:
        write_held(scored.features, actions, job.settings.hold_out, scratch / "held.parquet")
        held = scan(connection, scratch / "held.parquet")
    return Gates(
        consent=on(connection, job.consent, scratch / "consent.parquet"),
        blocked=_there(connection, stopped, scratch / "blocked.parquet"),
        held=held,
        sold_out={number for number, one in enumerate(actions) if left.get(one.action_id) == 0},
        verified=job.models.verified,
        factors=job.catalog.factors,
        tags=job.catalog.tags,
    )


def _stock(history: "nw.LazyFrame[Any]", job: Job) -> dict[str, int]:
    """Return how many offers are left of each action with a stock."""
    stock = {one.action_id: one.stock for one in job.header.actions if one.stock is not None}
    if not stock:
        return {}
    used = history.filter(nw.col("action_id").is_in(list(stock))).group_by("action_id").agg(n=nw.len())
    gone = {str(name): int(n) for name, n in used.collect(backend="pyarrow").rows()}
    return {name: max(0, count_of - gone.get(name, 0)) for name, count_of in stock.items()}


def _write_decided(
    job: Job, scored: ScoreTables, connection: "duckdb.DuckDBPyConnection", scratch: Path
) -> None:
    """Write ``decided.parquet``: the chosen rows with their features and when to send."""
    kept, rules = scan(connection, scratch / "chosen.parquet"), job.catalog.contact_policy
    learned = rules.send_time is not None and rules.send_time.segment is not None
    segments = scan(connection, scored.features) if learned else None
    planned = send_times(job.tables, job.snapshot, rules, kept.select("customer_id"), segments)
    if planned is None:
        kept = kept.with_columns(send_at_epoch_s=nw.lit(None, dtype=nw.Int64))
    else:
        write_parquet(planned, scratch / "planned.parquet")
        kept = kept.join(scan(connection, scratch / "planned.parquet"), on="customer_id", how="left")
    write_parquet(scored.with_features(connection, kept), scratch / "decided.parquet")


def _explored(settings: ScoreSettings, allotment: Allotment) -> dict[str, Any]:
    share = 0.0 if settings.explore is None else settings.explore.share
    return {"share": share, "rows": int((allotment.explored.action >= 0).sum())}

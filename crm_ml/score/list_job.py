"""The decision of a list: from score tables to decided rows, with the funnel and the certificate."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.consent_check import Consent
from crm_ml.actions.contact.blocked_actions import blocked
from crm_ml.actions.contact.contact_history import contacts
from crm_ml.actions.contact.send_time import send_times
from crm_ml.decision.allocation_limits import limits_of
from crm_ml.decision.allocator import ListAllocation, allocate_list, write_allocated
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.exploration import Explore
from crm_ml.decision.funnel import Funnel, count, funnel
from crm_ml.decision.holdouts import write_held
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.decision.open_actions import Conditions, choose, weigh
from crm_ml.lists.list_file import ListHeader, write_files, write_rows
from crm_ml.lists.not_selected import HoldOutShares, merge_not_selected, write_not_selected
from crm_ml.lists.read_list import NOT_SELECTED_FILE
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.joined import ScoreTables
from crm_ml.score_tables.source import scan
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, write_parquet
from crm_ml.tables.scratch_frames import materialize
from crm_ml.tables.zones import declared

if TYPE_CHECKING:
    import duckdb

    from crm_ml.actions.catalog import Action, Catalog

WEIGHED_FILE = "weighed.parquet"


@dataclass(frozen=True, eq=False)
class ListJob:
    """All that a list is made from, beside the score tables.

    Parameters
    ----------
    policy : ListPolicy
    catalog : Catalog
    tables : Tables
    snapshot : Snapshot
    header : ListHeader
    consent : Consent
    models : Champions
    past_lists : sequence of Path
        Files of earlier lists whose rows may be contacts.
    evaluation : dict, optional
        What an earlier list has earned, for the page.
    """

    policy: ListPolicy
    catalog: "Catalog"
    tables: Tables
    snapshot: Snapshot
    header: ListHeader
    consent: Consent
    models: Champions
    past_lists: Sequence[Path] = ()
    evaluation: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Place:
    """Where a list is decided: the connection, the folder of the list, and one for intermediate files."""

    connection: "duckdb.DuckDBPyConnection"
    content: Path
    scratch: Path

    def scan(self, name: str) -> "nw.LazyFrame[Any]":
        """Read a Parquet file of the scratch folder by its name."""
        return scan(self.connection, self.scratch / f"{name}.parquet")

    def written(self, frame: "nw.LazyFrame[Any]", name: str) -> "nw.LazyFrame[Any]":
        """Write a frame of any engine to the scratch folder, and read it on the connection."""
        write_parquet(frame, self.scratch / f"{name}.parquet")
        return self.scan(name)


@dataclass(frozen=True)
class Decided:
    """A decision in figures."""

    funnel: Funnel
    certificate: Certificate


def decide(job: ListJob, scored: ScoreTables, drift: Mapping[str, Any], place: Place) -> Decided:
    """Decide who gets what and write the files of the list.

    Parameters
    ----------
    job : ListJob
    scored : ScoreTables
    drift : mapping
        What moved between training and the day, see `crm_ml.score_tables.drift_gate.summary`.
    place : Place

    Raises
    ------
    ConfigError
        If a rule does not fit the columns.
    InputError
        If the minimums can't be met within the caps.
    """
    actions, policy = job.header.actions, job.policy
    whole_catalog = [action.identity for action in job.catalog.actions]
    past_contacts = contacts(job.tables, job.snapshot, whole_catalog, job.past_lists)
    history: nw.LazyFrame[Any] = nw.from_native(materialize(past_contacts)).lazy()
    left = _stock(history, actions)
    conditions = _conditions(job, scored.features, place, history, left)
    weighed = weigh(scored.base(place.connection), actions, conditions)
    weighed_file, allocated_file = place.scratch / WEIGHED_FILE, place.scratch / "allocated.parquet"
    weighed = place.written(weighed.sort("customer_id"), weighed_file.stem)
    limits = limits_of(actions, policy.daily_cap, policy.channel_caps, policy.budgets, left)
    day = job.snapshot.as_of.date().isoformat()
    costs = [action.value.cost_cents for action in actions]
    allocation = allocate_list(weighed_file, costs, limits, policy.explore, day)
    write_allocated(weighed_file, allocation, allocated_file)
    place.written(choose(weighed, place.scan("allocated"), len(actions)), "chosen")
    _write_decided(job, scored, place)
    shares = HoldOutShares(0.0, {}) if policy.hold_out is None else HoldOutShares(*policy.hold_out.shares())
    not_selected, rows = place.scratch / "not_selected.parquet", place.scratch / "rows.parquet"
    write_not_selected(weighed_file, allocation, job.header, shares, not_selected)
    merge_not_selected([not_selected], place.content / NOT_SELECTED_FILE)
    rules = job.catalog.contact_policy.rule_names
    counts = count(weighed, len(actions), rules)
    steps = funnel(counts, [action.key for action in actions], allocation.outcomes, rules)
    facts = {
        "name": policy.name,
        "currency": job.catalog.currency,
        **declared(job.tables.zone),
        **steps.facts,
        "allocation": allocation.certificate.facts,
        "scores": scored.stages(),
        **({"registered": job.models.registered} if job.models.registered else {}),
        **({"drift": dict(drift)} if drift else {}),
        **({"cautions": job.models.cautions} if job.models.cautions else {}),
        "hold_outs": shares.facts,
        "exploration": _explored(policy.explore, allocation),
    }
    write_rows(place.scratch / "decided.parquet", job.header, job.models.reasons, rows)
    write_files([rows], job.header, place.content, facts, job.evaluation)
    return Decided(steps, allocation.certificate)


def on(connection: "duckdb.DuckDBPyConnection", consent: Consent, path: Path) -> Consent:
    """Bring the consents, which may be on any engine, to the connection of the decision."""
    if consent.granted is None:
        return consent
    write_parquet(consent.granted, path)
    return dataclasses.replace(consent, granted=scan(connection, path))


def _conditions(
    job: ListJob, features: Path, place: Place, history: "nw.LazyFrame[Any]", left: dict[str, int]
) -> Conditions:
    """Return what closes action-channels."""
    actions, hold_out, held = job.header.actions, job.policy.hold_out, None
    identities = [action.identity for action in actions]
    stopped = blocked(job.tables, job.snapshot, identities, job.catalog.contact_policy, history)
    if hold_out is not None:
        action_ids = [action.action_id for action in identities]
        write_held(features, action_ids, hold_out, place.scratch / "held.parquet")
        held = place.scan("held")
    return Conditions(
        consent=on(place.connection, job.consent, place.scratch / "consent.parquet"),
        blocked=None if stopped is None else place.written(stopped, "blocked"),
        held=held,
        sold_out={number for number, action in enumerate(actions) if left.get(action.action_id) == 0},
        verified=job.models.verified,
        tags=job.catalog.tags,
    )


def _stock(history: "nw.LazyFrame[Any]", actions: "Sequence[Action]") -> dict[str, int]:
    """Return how many offers are left of each action with a stock."""
    stock = {action.action_id: stock for action in actions if (stock := action.limits.stock) is not None}
    if not stock:
        return {}
    used = history.filter(nw.col("action_id").is_in(list(stock))).group_by("action_id").agg(n=nw.len())
    gone = {str(name): int(n) for name, n in used.collect(backend="pyarrow").rows()}
    return {name: max(0, in_all - gone.get(name, 0)) for name, in_all in stock.items()}


def _write_decided(job: ListJob, scored: ScoreTables, place: Place) -> None:
    """Write ``decided.parquet``: the chosen rows with their features and when to send."""
    chosen, rules = place.scan("chosen"), job.catalog.contact_policy
    by_segment = rules.send_time is not None and rules.send_time.segment is not None
    segments = scan(place.connection, scored.features) if by_segment else None
    planned = send_times(job.tables, job.snapshot, rules, chosen.select("customer_id"), segments)
    if planned is None:
        chosen = chosen.with_columns(send_at_epoch_s=nw.lit(None, dtype=nw.Int64))
    else:
        chosen = chosen.join(place.written(planned, "planned"), on="customer_id", how="left")
    place.written(scored.with_features(place.connection, chosen), "decided")


def _explored(explore: Explore | None, allocation: ListAllocation) -> dict[str, Any]:
    share = 0.0 if explore is None else explore.share
    return {"share": share, "rows": int((allocation.explored.action >= 0).sum())}

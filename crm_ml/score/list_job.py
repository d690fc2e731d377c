"""A list: what it is made from, and its decision from score tables to files, part by part."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.contact.customer_hours import HabitSums, expected_hours
from crm_ml.decision.allocation_limits import limits_of
from crm_ml.decision.allocator import ListAllocation, allocate_list
from crm_ml.decision.certificate import Certificate
from crm_ml.decision.funnel import Funnel, funnel
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.lists.list_file import ListHeader, write_files
from crm_ml.lists.not_selected import HoldOutShares, merge_not_selected
from crm_ml.lists.read_list import NOT_SELECTED_FILE
from crm_ml.parts.workers import Workers
from crm_ml.score.listed_parts import NOT_SELECTED_ROWS, ROWS_FILE, ListPart
from crm_ml.score.part_job import PartJob, ScoredPart
from crm_ml.score.scored_parts import left_of_stock
from crm_ml.score.weighed_parts import WEIGHED_FILE, WeighedPart, WeighPart, scratch_of
from crm_ml.score_tables.champion_set import Champions
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.zones import declared

if TYPE_CHECKING:
    from crm_ml.actions.catalog import Catalog


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
    models: Champions
    past_lists: Sequence[Path] = ()
    evaluation: dict[str, Any] | None = None


@dataclass(frozen=True)
class Decided:
    """A decision in figures."""

    funnel: Funnel
    certificate: Certificate


def decide(
    job: PartJob,
    scored: Sequence[ScoredPart],
    further: Mapping[str, Any],
    folders: tuple[Path, Path],
    workers: Workers,
    evaluation: dict[str, Any] | None = None,
) -> Decided:
    """Decide who gets what and write the files of the list.

    Parameters
    ----------
    job : PartJob
    scored : sequence of ScoredPart
        In the order of parts.
    further : mapping
        Further entries of the manifest, such as what moved between training and the day.
    folders : tuple of Path
        Of the list, and of intermediate files.
    workers : Workers
    evaluation : dict, optional
        What an earlier list has earned, for the page.

    Raises
    ------
    ConfigError
        If a rule does not fit the columns.
    InputError
        If the minimums can't be met within the caps, or a row has no consent.
    """
    (content, scratch), numbers = folders, range(job.parted.count)
    left = left_of_stock(job.header.actions, scored)
    sold_out = {number for number, name in enumerate(job.identities) if left.get(name.action_id) == 0}
    weighed = list(workers.map(WeighPart(job, scored, sold_out, scratch), numbers))
    allocation = _allocate(job, left, [scratch_of(job, scratch, number) for number in numbers], workers)
    shares = _shares(job.policy)
    hours = expected_hours(
        sum((part.hours for part in weighed), HabitSums()), job.catalog.contact_policy, job.parted.zone
    )
    parts = list(workers.map(ListPart(job, scored, allocation, shares, hours, scratch), numbers))
    merge_not_selected([part / NOT_SELECTED_ROWS for part in parts], content / NOT_SELECTED_FILE)
    steps = _funnel(job, weighed, allocation)
    facts = _facts(job, scored[0], allocation) | dict(further) | {"hold_outs": shares.facts} | steps.facts
    write_files([part / ROWS_FILE for part in parts], job.header, content, facts, evaluation)
    return Decided(steps, allocation.certificate)


def _allocate(
    job: PartJob, left: dict[str, int], folders: Sequence[Path], workers: Workers
) -> ListAllocation:
    actions, policy = job.header.actions, job.policy
    limits = limits_of(actions, policy.daily_cap, policy.channel_caps, policy.budgets, left)
    files = [folder / WEIGHED_FILE for folder in folders]
    costs = [action.value.cost_cents for action in actions]
    return allocate_list(files, costs, limits, policy.explore, job.day.isoformat(), workers.map)


def _shares(policy: ListPolicy) -> HoldOutShares:
    return HoldOutShares(0.0, {}) if policy.hold_out is None else HoldOutShares(*policy.hold_out.shares())


def _funnel(job: PartJob, weighed: Sequence[WeighedPart], allocation: ListAllocation) -> Funnel:
    counts = sum((part.funnel for part in weighed), Counter())
    keys = [action.key for action in job.header.actions]
    return funnel(counts, keys, allocation.outcomes, job.catalog.contact_policy.rule_names)


def _facts(job: PartJob, scored: ScoredPart, allocation: ListAllocation) -> dict[str, Any]:
    """Return entries of the manifest."""
    policy, models = job.policy, job.models
    share = 0.0 if policy.explore is None else policy.explore.share
    return {
        "name": policy.name,
        "currency": job.catalog.currency,
        **declared(job.parted.zone),
        "allocation": allocation.certificate.facts,
        "scores": scored.tables(job).stages(),
        **({"registered": models.registered} if models.registered else {}),
        **({"cautions": models.cautions} if models.cautions else {}),
        "exploration": {"share": share, "rows": allocation.explored_rows},
    }

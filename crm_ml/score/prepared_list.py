"""What a list is made from, checked before anything is computed, and its name."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from crm_ml.actions.catalog import Catalog
from crm_ml.actions.consent_check import ASSUMED, Consent, consent_for
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.decision.rule_columns import check_rule_columns, known_columns
from crm_ml.errors import ConfigError, InputError, Mistakes
from crm_ml.lists.list_file import ListHeader
from crm_ml.lists.previous_lists import EarlierList, earlier_lists, last_evaluation
from crm_ml.lists.read_list import LIST_FILE
from crm_ml.score.list_job import ListJob
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.data_age import check_age
from crm_ml.snapshots import Snapshot
from crm_ml.storage.identity import identity
from crm_ml.tables.bundle import Tables
from crm_ml.tables.zones import moment_in

log = logging.getLogger(__name__)


def pointer_of(header: ListHeader) -> dict[str, str]:
    """Return the content of ``latest.json`` that points to a list."""
    return {"folder": header.folder, "list_id": header.list_id, "as_of": header.as_of.isoformat()}


def prepare(
    policy: ListPolicy,
    day: date,
    catalog: Catalog,
    tables: Tables,
    models: Champions,
    target: Path | None,
    mistakes: Mistakes | None = None,
) -> ListJob:
    """Check all that can be checked before anything is computed, and name the list.

    Parameters
    ----------
    policy : ListPolicy
    day : date
    catalog : Catalog
    tables : Tables
        With a fingerprint.
    models : Champions
    target : Path, optional
        Folder of all lists of the name, where earlier ones stand; None where there can be none.
    mistakes : Mistakes, optional
        What was refused already, to be raised with the rest.

    Raises
    ------
    CrmError
        The only mistake; `ConfigError` with all, where there are several.
    """
    if not tables.fingerprint:
        raise InputError("the tables have no fingerprint, so the list could not say what it was made from")
    snapshot = Snapshot(moment_in(tables.zone, day), timedelta(days=1), zone=tables.zone)  # any horizon does
    mistakes, actions = mistakes or Mistakes(), catalog.action_channels(snapshot.as_of)
    consent = Consent(ASSUMED, (), None)
    with mistakes.noted():
        policy.check(catalog)
    with mistakes.noted():
        if not actions:
            raise ConfigError(f"none of the {len(catalog.actions)} actions is offered on {day}")
    with mistakes.noted():
        catalog.check_currency(tables)
    with mistakes.noted():
        check_age(tables, day, models.sources)
    with mistakes.noted():
        models.check(actions, tables)
    with mistakes.noted():
        check_rule_columns(actions, catalog.tags, known_columns(tables, models, actions))
    with mistakes.noted():
        identities = [action.identity for action in actions]
        consent = consent_for(tables, snapshot, identities, policy.consent)
    mistakes.refuse(f"the list {policy.name!r}")
    for name in sorted({item.action_id for item in catalog.actions} - {item.action_id for item in actions}):
        log.info("action %s is not offered on %s", name, day)
    earlier = earlier_of(target, day, policy)
    header = ListHeader(
        as_of=snapshot.as_of,
        models=models.sums,
        policy=policy.policy_hash(catalog),
        data=tables.fingerprint,
        consent_basis=consent.basis,
        actions=actions,
        value_bases=models.value_bases(actions),
        earlier=earlier.ids,
    )
    past_lists = [item.folder / LIST_FILE for item in earlier.lists]
    return ListJob(policy, catalog, tables, snapshot, header, models, past_lists, earlier.evaluation)


@dataclass(frozen=True)
class Earlier:
    """Earlier lists of a name whose rows count as contacts, and the evaluation that the page shows."""

    lists: Sequence[EarlierList] = ()
    evaluation: dict[str, Any] | None = None

    @property
    def ids(self) -> list[str]:
        """Ids of the lists and of the evaluation."""
        own = [] if self.evaluation is None else [identity(self.evaluation)]
        return [*(item.list_id for item in self.lists), *own]


def earlier_of(target: Path | None, day: date, policy: ListPolicy) -> Earlier:
    """Return what the folder of all lists of a name has of the days before; nothing without a folder.

    Raises
    ------
    IntegrityError
        If an earlier list is damaged (exit code 4).
    InputError
        If an evaluation is no JSON object.
    """
    if target is None:
        return Earlier()
    return Earlier(earlier_lists(target, day) if policy.past_lists else (), last_evaluation(target, day))

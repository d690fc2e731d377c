"""What is known to everybody who works on a part of the customers of a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.consent_check import Consent, consent_for
from crm_ml.actions.contact.contact_history import contacts
from crm_ml.actions.contact.past_lists import past_lists_of
from crm_ml.decision.list_policy import ListPolicy
from crm_ml.lists.list_file import ListHeader
from crm_ml.parts.parted_tables import PartedTables
from crm_ml.score_tables.champion_set import Champions
from crm_ml.score_tables.joined import ScoreTables, joined_tables
from crm_ml.snapshots import Snapshot
from crm_ml.storage.part import Part
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import narwhals as nw

    from crm_ml.actions.catalog import Catalog


@dataclass(frozen=True, eq=False)
class PartJob:
    """A list as its parts are made; without tables in memory it can be sent to another process.

    Parameters
    ----------
    policy : ListPolicy
    catalog : Catalog
    header : ListHeader
    models : Champions
    snapshot : Snapshot
    past_lists : sequence of Path
        Files of earlier lists whose rows may be contacts; where there are several parts, the one folder into
        which `deal_past_lists` has dealt them.
    parted : PartedTables
    work : Path
        Folder of all stages.
    """

    policy: ListPolicy
    catalog: "Catalog"
    header: ListHeader
    models: Champions
    snapshot: Snapshot
    past_lists: Sequence[Path]
    parted: PartedTables
    work: Path

    @property
    def day(self) -> date:
        """Day of the list."""
        return self.snapshot.as_of.date()

    @property
    def identities(self) -> list[ActionIdentity]:
        """The action-channels that are offered, in the order of their numbers."""
        return [action.identity for action in self.header.actions]

    def part(self, number: int) -> Part:
        """Return a part by its number."""
        return Part(number, self.parted.count)

    def history(self, tables: Tables, number: int) -> "nw.LazyFrame[Any]":
        """Return the contacts of the customers of a part."""
        whole_catalog = [action.identity for action in self.catalog.actions]
        planned = self.past_lists
        if self.parted.count > 1:
            planned = [file for folder in planned for file in past_lists_of(folder, number)]
        return contacts(tables, self.snapshot, whole_catalog, planned)

    def consent(self, tables: Tables) -> Consent:
        """Return who of a part may be contacted."""
        return consent_for(tables, self.snapshot, self.identities, self.policy.consent)


@dataclass(frozen=True, eq=False)
class ScoredPart:
    """What was made of a part before it is decided.

    Parameters
    ----------
    features : Path
    scores : sequence of Path
        Score tables in the order of `crm_ml.score_tables.joined.score_day`.
    used : mapping of str to int
        Contacts of each action that has a stock.
    """

    features: Path
    scores: Sequence[Path]
    used: Mapping[str, int] = field(default_factory=dict)

    def tables(self, job: PartJob) -> ScoreTables:
        """Return the score tables with their sources."""
        return joined_tables(self.features, self.scores, job.models.sources, job.header.actions)

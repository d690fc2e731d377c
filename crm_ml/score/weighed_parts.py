"""The second step of a list: whether each action is open to each customer of a part, and what it is worth."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.consent_check import Consent
from crm_ml.actions.contact.blocked_actions import blocked
from crm_ml.actions.contact.customer_hours import HabitSums, write_hours
from crm_ml.decision.funnel import count
from crm_ml.decision.holdouts import write_held
from crm_ml.decision.open_actions import Conditions, weigh
from crm_ml.score.part_job import PartJob, ScoredPart
from crm_ml.score_tables.source import scan
from crm_ml.tables.bundle import Tables, write_parquet
from crm_ml.tables.engine import connect
from crm_ml.tables.scratch_frames import materialize

if TYPE_CHECKING:
    import duckdb

WEIGHED_FILE = "weighed.parquet"


@dataclass(frozen=True, eq=False)
class Place:
    """Where a part is decided: a connection, and the folder of its intermediate files."""

    connection: "duckdb.DuckDBPyConnection"
    scratch: Path

    def scan(self, name: str) -> "nw.LazyFrame[Any]":
        """Read a Parquet file of the scratch folder by its name."""
        return scan(self.connection, self.scratch / f"{name}.parquet")

    def written(self, frame: "nw.LazyFrame[Any]", name: str) -> "nw.LazyFrame[Any]":
        """Write a frame of any engine to the scratch folder, and read it on the connection."""
        write_parquet(frame, self.scratch / f"{name}.parquet")
        return self.scan(name)

    def brought(self, consent: Consent, name: str) -> Consent:
        """Bring the consents, which may be on any engine, to the connection."""
        if consent.granted is None:
            return consent
        return dataclasses.replace(consent, granted=self.written(consent.granted, name))


@dataclass(frozen=True, eq=False)
class WeighedPart:
    """A part that was weighed, in numbers that add up over parts.

    Parameters
    ----------
    funnel : Counter of str
        See `crm_ml.decision.funnel.count`.
    hours : HabitSums
    """

    funnel: Counter[str]
    hours: HabitSums


@dataclass(frozen=True, eq=False)
class WeighPart:
    """Weigh a part into ``weighed.parquet`` of its scratch folder.

    Parameters
    ----------
    job : PartJob
    scored : sequence of ScoredPart
    sold_out : collection of int
        Numbers of the actions without stock.
    scratch : Path
        Has a folder for each part.
    """

    job: PartJob
    scored: Sequence[ScoredPart]
    sold_out: Collection[int]
    scratch: Path

    def __call__(self, number: int) -> WeighedPart:
        """Weigh a part.

        Raises
        ------
        ConfigError
            If a rule does not fit the columns.
        """
        job, folder = self.job, scratch_of(self.job, self.scratch, number)
        folder.mkdir(exist_ok=True)
        actions, rules = job.header.actions, job.catalog.contact_policy
        scored, tables = self.scored[number].tables(job), job.parted.part(job.part(number))
        with connect() as connection:
            place = Place(connection, folder)
            conditions = self._conditions(number, tables, scored.features, place)
            weighed = weigh(scored.base(connection), actions, conditions)
            weighed = place.written(weighed.sort("customer_id"), Path(WEIGHED_FILE).stem)
            by_segment = rules.send_time is not None and rules.send_time.segment is not None
            segments = scan(connection, scored.features) if by_segment else None
            hours = write_hours(tables, job.snapshot, rules, folder, segments)
            return WeighedPart(count(weighed, len(actions), rules.rule_names), hours)

    def _conditions(self, number: int, tables: Tables, features: Path, place: Place) -> Conditions:
        """Return what closes action-channels."""
        job, hold_out, held = self.job, self.job.policy.hold_out, None
        history: nw.LazyFrame[Any] = nw.from_native(materialize(job.history(tables, number))).lazy()
        stopped = blocked(tables, job.snapshot, job.identities, job.catalog.contact_policy, history)
        if hold_out is not None:
            action_ids = [action.action_id for action in job.identities]
            write_held(features, action_ids, hold_out, place.scratch / "held.parquet")
            held = place.scan("held")
        return Conditions(
            consent=place.brought(job.consent(tables), "consent"),
            blocked=None if stopped is None else place.written(stopped, "blocked"),
            held=held,
            sold_out=self.sold_out,
            verified=job.models.verified,
            tags=job.catalog.tags,
        )


def scratch_of(job: PartJob, scratch: Path, number: int) -> Path:
    """Return the scratch folder of a part."""
    return scratch if job.parted.count == 1 else scratch / job.part(number).label

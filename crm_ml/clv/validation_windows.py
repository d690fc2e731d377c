"""Windows of the past: what was known at a snapshot, and what came within its horizon."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from crm_ml.clv.summary import summarize
from crm_ml.clv.target import Outcomes, outcomes
from crm_ml.clv.valuation_terms import Terms
from crm_ml.errors import LeakError
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Window:
    """A snapshot with the summary of its customers and what they did afterwards."""

    snapshot: Snapshot
    summary: "pd.DataFrame"
    outcomes: Outcomes

    @property
    def terms(self) -> Terms:
        """What is predicted: undiscounted spend within the horizon."""
        return Terms(self.snapshot.horizon)

    @property
    def name(self) -> str:
        """Day of the snapshot."""
        return f"{self.snapshot.as_of:%Y-%m-%d}"


@dataclass(frozen=True)
class Source:
    """Where windows are cut from.

    Parameters
    ----------
    tables : Tables
    time_unit : {"D", "W"}
    customers : collection of str, optional
        Only these; all without it.
    data_ends_at : date, optional
        First day of which the tables know nothing.
    """

    tables: Tables
    time_unit: str
    customers: Collection[str] | None = None
    data_ends_at: date | None = None

    def summary(self, as_of: date | datetime) -> "pd.DataFrame":
        """Return the summary of a moment, with the value of first purchases; raises as `summarize`."""
        found = summarize(self.tables, as_of, self.time_unit, with_first_value=True)
        return found if self.customers is None else found[found.index.isin(self.customers)]

    def window(self, as_of: date | datetime, days: int) -> Window:
        """Return the window of some days from a moment on.

        Raises
        ------
        InputError
            If it ends after the data, or nobody bought before the day.
        """
        snapshot = Snapshot(as_utc(as_of), timedelta(days=days))
        summary = self.summary(as_of)
        came = outcomes(
            self.tables, snapshot, summary, data_ends_at=self.data_ends_at, customers=self.customers
        )
        return Window(snapshot, summary, came)


def check_point_in_time(source: Source, as_of: date) -> None:
    """Summarize a day with and without all later rows and compare exactly.

    Raises
    ------
    LeakError
        If a customer or value differs.
    """
    known = Snapshot(as_utc(as_of), timedelta(days=1)).known(source.tables)
    if not source.summary(as_of).equals(replace(source, tables=known).summary(as_of)):
        raise LeakError(f"the summary of {as_of} changes when later rows are taken away; it knows the future")

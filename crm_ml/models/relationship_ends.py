"""What ends a relationship: no order, silence on declared events, or a term that is not renewed.

Each end says who is predicted at a snapshot, who of them stays, and which feature groups know its rhythm.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import narwhals as nw
from pydantic import Field

from crm_ml.features.event_rows import AT, check_kinds, events_of, terms_of
from crm_ml.models.active_customers import customer_ids, eligible, purchases
from crm_ml.models.relationship_protocol import End, Groups, Names
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.strict import Strict, validate
from crm_ml.tables.zones import on_clock

if TYPE_CHECKING:
    import pandas as pd


def end_of(target: Mapping[str, Any]) -> End:
    """Return the end that plain data declare, such as the manifest of a model; that of orders by default.

    Raises
    ------
    ConfigError
        If it is declared wrongly.

    Examples
    --------
    >>> end_of({"silence": {"kinds": ["lesson"]}})
    Silence(kinds=('lesson',))
    """
    if target.get("silence") is not None:
        return validate(target["silence"], Silence, "silence")
    if target.get("renewal") is not None:
        return validate(target["renewal"], Renewal, "renewal")
    return NoOrder()


class NoOrder:
    """A customer with an order of late places none in the label window."""

    table = "orders"
    rules = ("recency_rule", "cadence_rule")
    words = "does not order within the window"

    @property
    def groups(self) -> Groups:
        """No groups beyond the ordinary ones."""
        return {}

    def activity(self, tables: Tables) -> "tuple[nw.LazyFrame[Any], str]":
        """Return the orders."""
        return purchases(tables), "ordered_at"

    def eligible(self, tables: Tables, snapshot: Snapshot, active_within: timedelta) -> "pd.Index[str]":
        """Return the customers with an order within `active_within`."""
        return eligible(tables, snapshot, active_within)

    def stayed(self, tables: Tables, snapshot: Snapshot) -> "pd.Index[str]":
        """Return the customers with an order in the label window."""
        return customer_ids(snapshot.future(purchases(tables), at="ordered_at"))

    def where(self, window: Snapshot, active_within: timedelta) -> str:  # noqa: ARG002
        """Return the rule on the days since the last order."""
        return f"rfm_days_since_order < {active_within.days}"


class Silence(Strict):
    """A customer with events of these kinds of late makes none in the label window.

    Parameters
    ----------
    kinds : tuple of str
        Such as ``[session_start]``, or ``[lesson]``.
    """

    kinds: Names

    @property
    def table(self) -> str:
        """The events."""
        return "events"

    @property
    def groups(self) -> Groups:
        """The rhythm of these kinds."""
        return {"event_rhythm": {"kinds": list(self.kinds)}}

    @property
    def rules(self) -> tuple[str, ...]:
        """Recency and cadence of these events."""
        return ("event_recency_rule", "event_cadence_rule")

    @property
    def words(self) -> str:
        """What the silent do."""
        return f"makes no event of kind {' or '.join(self.kinds)} within the window"

    def activity(self, tables: Tables) -> "tuple[nw.LazyFrame[Any], str]":
        """Return the events of these kinds.

        Raises
        ------
        InputError
            If the tables have no events, or none of a kind.
        """
        check_kinds(tables, self.kinds)
        return events_of(tables, self.kinds), AT

    def eligible(self, tables: Tables, snapshot: Snapshot, active_within: timedelta) -> "pd.Index[str]":
        """Return the customers with such an event within `active_within`; raises as `activity`."""
        return eligible(tables, snapshot, active_within, *self.activity(tables))

    def stayed(self, tables: Tables, snapshot: Snapshot) -> "pd.Index[str]":
        """Return the customers with such an event in the label window."""
        return customer_ids(snapshot.future(events_of(tables, self.kinds), at=AT))

    def where(self, window: Snapshot, active_within: timedelta) -> str:  # noqa: ARG002
        """Return the rule on the days since the last such event."""
        return f"event_rhythm_days_since < {active_within.days}"


class Renewal(Strict):
    """A term, such as a course or subscription, ends in the label window, and no other begins in time.

    Predicted are customers whose latest term ends in the label window, at least `grace_days` before its end,
    and began within ``active_within_days``. A customer who begins another one after the snapshot and before
    the end plus the grace has renewed; one who did before the snapshot has a later end already.

    Parameters
    ----------
    kinds : tuple of str
        Kinds of event with which a term begins, such as ``[subscription_started]``.
    length_days : int, optional
        Days of a term; without it ``ends_at`` of the event says when it ends.
    grace_days : int
        How long after the end the next term may begin.
    """

    kinds: Names
    length_days: Annotated[int, Field(ge=1)] | None = None
    grace_days: Annotated[int, Field(ge=0)] = 0

    @property
    def table(self) -> str:
        """The events."""
        return "events"

    @property
    def groups(self) -> Groups:
        """The terms of these kinds, and the rhythm of all events."""
        length = {} if self.length_days is None else {"length_days": self.length_days}
        return {"renewal": {"kinds": list(self.kinds), **length}, "event_rhythm": {}}

    @property
    def rules(self) -> tuple[str, ...]:
        """The number of terms so far, and the recency of all events."""
        return ("renewals_rule", "event_recency_rule")

    @property
    def words(self) -> str:
        """What those who leave do."""
        return f"begins no {' or '.join(self.kinds)} by {self.grace_days} days after the end of the last"

    def activity(self, tables: Tables) -> "tuple[nw.LazyFrame[Any], str]":
        """Return the starts of terms.

        Raises
        ------
        InputError
            As `crm_ml.features.event_rows.check_kinds` and `terms_of`.
        """
        check_kinds(tables, self.kinds)
        return terms_of(tables, self.kinds, self.length_days), AT

    def longest_days(self, tables: Tables) -> int:
        """Return the days of the longest term, rounded up; raises as `activity`."""
        terms = on_clock(self.activity(tables)[0], AT)
        span = to_pandas(terms.select(seconds=(nw.col("ends_s") - nw.col(f"{AT}_epoch_s")).max()))["seconds"]
        return 1 if span.isna().all() else max(1, -int(-span.iloc[0] // DAY_S))

    def eligible(self, tables: Tables, snapshot: Snapshot, active_within: timedelta) -> "pd.Index[str]":
        """Return the customers whose latest term ends in the window and began within `active_within`.

        Raises as `activity`.
        """
        began = eligible(tables, snapshot, active_within, *self.activity(tables))
        start_s, end_s = self._ends_within(snapshot)
        ends = nw.col("ends_s")
        latest = self._latest(tables, snapshot).filter((ends >= start_s) & (ends < end_s))
        return customer_ids(latest).intersection(began)

    def stayed(self, tables: Tables, snapshot: Snapshot) -> "pd.Index[str]":
        """Return the customers who begin a term after the snapshot, until the end of the last plus grace."""
        until_label_end = Snapshot(snapshot.as_of, snapshot.gap + snapshot.horizon, zone=snapshot.zone)
        begun = on_clock(until_label_end.future(events_of(tables, self.kinds), at=AT), AT)
        both = begun.join(self._latest(tables, snapshot), on="customer_id", how="inner")
        deadline = nw.col("ends_s") + self.grace_days * DAY_S
        return customer_ids(both.filter(nw.col(f"{AT}_epoch_s") < deadline))

    def where(self, window: Snapshot, active_within: timedelta) -> str:
        """Return the rule on the days until the end, and since the start."""
        first = window.gap.days
        last = first + window.horizon.days - self.grace_days
        return (
            f"renewal_days_until_end >= {first} and renewal_days_until_end < {last} "
            f"and renewal_days_since_start < {active_within.days}"
        )

    def _latest(self, tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
        """Return the latest end of a term that has begun before the snapshot, by customer."""
        terms = snapshot.past(terms_of(tables, self.kinds, self.length_days), at=AT)
        latest: nw.LazyFrame[Any] = terms.group_by("customer_id").agg(nw.col("ends_s").max())
        return latest

    def _ends_within(self, snapshot: Snapshot) -> tuple[int, int]:
        first = snapshot.clock_s + int(snapshot.gap.total_seconds())
        return first, first + int(snapshot.horizon.total_seconds()) - self.grace_days * DAY_S

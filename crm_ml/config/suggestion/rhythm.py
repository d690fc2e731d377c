"""Reach of tables in days, and the rhythm of repeat orders before the days that test."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.models.relationship_ends import NoOrder
from crm_ml.models.relationship_protocol import End
from crm_ml.snapshots import DAY_S, day_after_last
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.zones import on_clock

WEEK = 7
SHORTEST_DAYS = 56
_MEASURED = 2 / 3


@dataclass(frozen=True)
class Rhythm:
    """Reach of the purchases, and gaps between a customer's order days in the first two thirds of it.

    Parameters
    ----------
    first : date
        Day of the first purchase.
    as_of : date
        Day of the final model: what is dated later is not looked at.
    measured_until : date
        First day whose purchases say nothing of the gaps; tests begin here or later.
    gaps : sequence of (int, int)
        Days between two order days and how often they occur, in ascending order.
    customers, repeating : int
        With a purchase, and with two order days or more, before `measured_until`.
    what : str
        What repeats.
    """

    first: date
    as_of: date
    measured_until: date
    gaps: Sequence[tuple[int, int]]
    customers: int
    repeating: int
    what: str = "order"

    @property
    def reach_days(self) -> int:
        """Days from the first purchase until `as_of`."""
        return (self.as_of - self.first).days

    @property
    def repeats(self) -> int:
        """Number of repeat orders whose gap is known."""
        return sum(count for _, count in self.gaps)

    def within(self, share: float) -> int:
        """Return the least number of days within which a share of the repeat orders come.

        Examples
        --------
        >>> day = date(2024, 1, 1)
        >>> Rhythm(day, day, day, [(7, 6), (30, 3), (90, 1)], 10, 5).within(0.9)
        30
        """
        wanted, total = share * self.repeats, 0
        for days, count in self.gaps:
            total += count
            if total >= wanted:
                return days
        raise InputError("order_lines: nobody ordered on two days")

    def share_within(self, days: int) -> float:
        """Return the share of repeat orders that come within so many days."""
        return sum(count for gap, count in self.gaps if gap <= days) / self.repeats

    def __str__(self) -> str:
        return (
            f"{self.customers:,} customers and {self.repeats:,} repeat {self.what}s in "
            f"{self.reach_days:,} days, {self.first} to {self.as_of - timedelta(days=1)}"
        )


def rhythm_of(
    tables: Tables,
    as_of: date | None = None,
    ends_at: date | None = None,
    label_days: int = 0,
    end: End | None = None,
) -> Rhythm:
    """Measure the reach and the rhythm of tables.

    Parameters
    ----------
    tables : Tables
    as_of : date, optional
        Day of the final model; `ends_at`, or the day after the last order, without it.
    ends_at : date, optional
        First day that the tables do not cover.
    label_days : int
        Of a stated horizon; labels of the last test are left out of the gaps also where it is long.
    end : End, optional
        Of the relationship, whose events have the rhythm; the orders without it.

    Raises
    ------
    InputError
        If `as_of` lies after the data, there is no purchase before it, or less than eight weeks are known.
    """
    end = end or NoOrder()
    what = end.table.removesuffix("s")
    data_end = ends_at or day_after_last(tables, end.table).date()
    as_of = as_of or data_end
    if as_of > data_end:
        raise InputError(
            f"as_of is {as_of}, but the data end before {data_end}, the day after the last {what}; take that "
            f"day or an earlier one, or state ends_at={as_of} if the tables are complete until then"
        )
    days = _active_days(tables, as_of, end)
    first = to_pandas(days.select(nw.col("day").min()))["day"]
    if first.isna().all():
        raise InputError(f"{end.table}: there is none before {as_of}; take a later as_of")
    start = _day(int(first.iloc[0]))
    reach = (as_of - start).days
    if reach < SHORTEST_DAYS:
        raise InputError(
            f"{end.table}: they reach from {start} to {as_of}, {reach} days; models are trained and "
            f"tested on {SHORTEST_DAYS} days or more, so add older {end.table} or wait"
        )
    until = start + timedelta(days=min(round(reach * _MEASURED), reach - label_days))
    measured = _measured(days.filter(nw.col("day") < _number(until)), start, as_of, until)
    return replace(measured, what=what)


def whole_weeks(days: float, at_least: int = WEEK) -> int:
    """Return days rounded up to whole weeks.

    Examples
    --------
    >>> whole_weeks(86), whole_weeks(3, at_least=28)
    (91, 28)
    """
    return max(at_least, -int(-days // WEEK) * WEEK)


def floor_weeks(days: float) -> int:
    """Return days rounded down to whole weeks, at least one."""
    return max(WEEK, int(days // WEEK) * WEEK)


def _active_days(tables: Tables, as_of: date, end: End) -> "nw.LazyFrame[Any]":
    """Return each customer's days with a purchase or event, before a day, as numbers on the tables' clock."""
    rows, at = end.activity(tables)
    days = on_clock(rows, at).select("customer_id", day=nw.col(f"{at}_epoch_s") // DAY_S).unique()
    return days.filter(nw.col("day") < _number(as_of))


def _measured(days: "nw.LazyFrame[Any]", first: date, as_of: date, until: date) -> Rhythm:
    gap = nw.col("day") - nw.col("day").shift(1).over("customer_id", order_by="day")
    gaps = days.with_columns(gap=gap).filter(~nw.col("gap").is_null()).group_by("gap").agg(count=nw.len())
    each = days.group_by("customer_id").agg(count=nw.len())
    known = to_pandas(each.group_by("count").agg(customers=nw.len()))
    pairs = sorted((int(gap), int(count)) for gap, count in to_pandas(gaps).itertuples(index=False))
    repeating = int(known.loc[known["count"] > 1, "customers"].sum())
    return Rhythm(first, as_of, until, pairs, int(known["customers"].sum()), repeating)


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _day(number: int) -> date:
    return datetime.fromtimestamp(number * DAY_S, UTC).date()

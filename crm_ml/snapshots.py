"""Snapshots: past, label window and leak checks; the only module that compares dates.

A day is one of the zone of the tables that it meets (`Tables.zone`). A snapshot of a date, or of a time in
UTC, is read on the clock of the tables: rows of tables of another zone than UTC carry what that clock showed
(`crm_ml.tables.zones`), and are compared with it.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals as nw

from crm_ml.errors import InputError, LeakError
from crm_ml.tables import Tables, contracts
from crm_ml.tables.bundle import need_tables, to_pandas
from crm_ml.tables.zones import moment_in, on_clock, on_clock_of

DAY_S = 86_400


def as_utc(moment: str | date | datetime) -> datetime:
    """Convert a date or time to UTC; a date is its midnight and a naive time is UTC.

    Raises
    ------
    InputError
        If the text is no ISO 8601 date or time.

    Examples
    --------
    >>> as_utc("2017-08-30")
    datetime.datetime(2017, 8, 30, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return moment_in("UTC", moment)


@dataclass(frozen=True)
class Snapshot:
    """A point in time that separates the known past from the label window after it.

    Parameters
    ----------
    as_of : str, date or datetime
        Rows strictly before it are known. A date is its midnight, a naive time is UTC; both are read on the
        clock of the tables.
    horizon : timedelta
        Length of the label window; its days are those of the calendar, also where the clock is changed.
    gap : timedelta
        Time between `as_of` and the start of the label window, for lists that take days to reach a customer.
    zone : str, optional
        Zone of the tables, so that `as_of` is a moment which is known outside of them too, such as that of a
        list. Rows known at it, days and windows are the same without.

    Raises
    ------
    InputError
        If the horizon is not positive or the gap is negative.
    ConfigError
        If there is no such zone.

    Examples
    --------
    >>> snapshot = Snapshot("2017-08-30", timedelta(days=28))
    >>> snapshot.label_ends_at.date().isoformat()
    '2017-09-27'
    >>> Snapshot("2017-08-30", timedelta(0))
    Traceback (most recent call last):
    ...
    crm_ml.errors.InputError: horizon is 0:00:00; it must be positive
    """

    as_of: datetime
    horizon: timedelta
    gap: timedelta = timedelta(0)
    zone: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "as_of", moment_in(self.zone or "UTC", self.as_of))
        if self.horizon <= timedelta(0):
            raise InputError(f"horizon is {self.horizon}; it must be positive")
        if self.gap < timedelta(0):
            raise InputError(f"gap is {self.gap}; it must not be negative")

    def __str__(self) -> str:
        return f"{self.as_of:%Y-%m-%d}"

    @property
    def epoch_s(self) -> int:
        """`as_of` in seconds since 1970-01-01 UTC."""
        return int(self.as_of.timestamp())

    @property
    def clock_s(self) -> int:
        """What the clock shows at `as_of`, in seconds since 1970-01-01 0:00; `epoch_s` in UTC."""
        return int(self.as_of.replace(tzinfo=UTC).timestamp())

    @property
    def on_clock(self) -> "Snapshot":
        """The same snapshot, read on the clock of the tables alone."""
        return dataclasses.replace(self, as_of=self.as_of.replace(tzinfo=UTC), zone=None)

    @property
    def label_starts_at(self) -> datetime:
        """First moment of the label window."""
        return self.as_of + self.gap

    @property
    def label_ends_at(self) -> datetime:
        """First moment after the label window."""
        return self.as_of + self.gap + self.horizon

    def past(self, frame: Any, at: str) -> Any:
        """Return the rows known at `as_of`: strictly before it.

        Parameters
        ----------
        frame : frame of DuckDB, pandas, Polars or narwhals
        at : str
            Name of the time column, such as ``"ordered_at"``.

        Returns
        -------
        The same kind of frame as the input.
        """
        return _keep(frame, at, None, self.as_of)

    def window(self, frame: Any, at: str, days: int) -> Any:
        """Return the rows of the last `days` days before `as_of`."""
        return _keep(frame, at, self.as_of - timedelta(days=days), self.as_of)

    def future(self, frame: Any, at: str) -> Any:
        """Return the rows of the label window, from ``as_of + gap`` until the end of the horizon."""
        return _keep(frame, at, self.label_starts_at, self.label_ends_at)

    def known(self, tables: Tables) -> Tables:
        """Return the tables as known at `as_of`: without rows that became known later."""
        tables = tables.here()
        cut = {
            name: self.past(getattr(tables, name), at=contract.known_at)
            for name, contract in contracts().items()
            if contract.known_at and tables.has(name)
        }
        return dataclasses.replace(tables, **cut)

    def days_since(self, epoch_s: nw.Expr) -> nw.Expr:
        """Return the number of whole days between a time and `as_of`, as an integer.

        The time is in seconds on the clock of the tables, see `crm_ml.tables.zones.on_clock`: epoch seconds
        in UTC.

        It is k for times from ``as_of - (k + 1) days`` (included) until ``as_of - k days`` (excluded). So for
        `as_of` at midnight all orders of a calendar day have the same age, with or without their hour, and
        ``days_since(t) < days`` is equivalent to `window`.
        """
        return whole_days(epoch_s, self.clock_s)

    def seconds_back(self, days: int) -> int:
        """Return the seconds from the same hour so many days ago until `as_of`.

        Examples
        --------
        >>> Snapshot("2024-03-11", timedelta(days=1), zone="America/New_York").seconds_back(1) / 3600
        23.0
        """
        return self.epoch_s - self.shifted(-days).epoch_s

    def knows(self, frame: Any, at: str) -> nw.Expr:
        """Return an expression: whether a row of a narwhals frame is known at `as_of`, see `past`."""
        return _before(frame, at, self.as_of)

    def shifted(self, days: int) -> "Snapshot":
        """Return the same snapshot `days` later (earlier when negative)."""
        return dataclasses.replace(self, as_of=self.as_of + timedelta(days=days))

    def training(self, count: int, every_days: int = 7) -> "list[Snapshot]":
        """Return the newest `count` snapshots whose labels end at or before this `as_of`, oldest first.

        Parameters
        ----------
        count : int
        every_days : int
            Distance between snapshots, in days.

        Examples
        --------
        >>> test = Snapshot("2017-08-30", timedelta(days=28))
        >>> [s.as_of.date().isoformat() for s in test.training(2)]
        ['2017-07-26', '2017-08-02']
        """
        newest = self.as_of - self.gap - self.horizon
        back = (newest - timedelta(days=every_days * i) for i in reversed(range(count)))
        return [dataclasses.replace(self, as_of=moment) for moment in back]


def whole_days(since_epoch_s: nw.Expr, as_of_epoch_s: nw.Expr | int) -> nw.Expr:
    """Return the number of whole days between two times, see `Snapshot.days_since`."""
    return (as_of_epoch_s - 1 - since_epoch_s) // DAY_S


def check_labels_end_before(training: Iterable[Snapshot], evaluation: Snapshot) -> None:
    """Refuse training snapshots whose labels end after the evaluation snapshot.

    Raises
    ------
    LeakError
        If a label window ends after ``evaluation.as_of``; the message names both dates.
    """
    for snapshot in training:
        if snapshot.label_ends_at > evaluation.as_of:
            raise LeakError(
                f"labels of the training snapshot {snapshot.as_of:%Y-%m-%d} end on "
                f"{snapshot.label_ends_at:%Y-%m-%d}, after the evaluation snapshot "
                f"{evaluation.as_of:%Y-%m-%d}; train on earlier snapshots"
            )


def check_data_reach(
    tables: Tables,
    snapshot: Snapshot,
    data_ends_at: "str | date | datetime | None" = None,
    table: str = "orders",
) -> None:
    """Refuse a snapshot whose label window ends after the data.

    Raises
    ------
    InputError
        The message names both dates. `data_ends_at` is the first moment that the data do not cover; by
        default the end of the day of the newest row of `table`, the last order.
    """
    need_tables(tables, "the label window of a snapshot")
    ends = day_after_last(tables, table) if data_ends_at is None else on_clock_of(tables.zone, data_ends_at)
    if snapshot.on_clock.label_ends_at > ends:
        last = f"the day after the last {table.removesuffix('s')}"
        known = f", {last}" if data_ends_at is None else ""
        raise InputError(
            f"labels of the snapshot {snapshot.as_of:%Y-%m-%d} end on {snapshot.label_ends_at:%Y-%m-%d}, but "
            f"the data end on {ends:%Y-%m-%d}{known}; take an earlier snapshot or a shorter horizon"
        )


def check_scored_after(labels_end: str | date, as_of: str | date, model: str) -> None:
    """Refuse to score a day before the end of the labels that a model was trained on.

    Raises
    ------
    LeakError
        The message names both dates.
    """
    if as_utc(as_of) < as_utc(labels_end):
        raise LeakError(
            f"{model} was trained on labels until {labels_end} and must not score {as_of}; score a later "
            "day, or register a model whose labels end by then (register_as.as_of)"
        )


def _keep(frame: Any, at: str, start: datetime | None, end: datetime) -> Any:
    is_narwhals = isinstance(frame, nw.LazyFrame | nw.DataFrame)
    rows = frame if is_narwhals else nw.from_native(frame)
    epoch = f"{at}_epoch_s"
    columns = rows.collect_schema().names()
    if epoch not in columns and at not in columns:
        raise InputError(f"neither {epoch} nor {at} is a column; present are {', '.join(columns)}")
    keep = _before(rows, at, end)
    if start is not None:
        keep = keep & ~_before(rows, at, start)
    selected = rows.filter(keep)
    return selected if is_narwhals else selected.to_native()


def _before(rows: Any, at: str, moment: datetime) -> nw.Expr:
    schema = rows.collect_schema()
    for seconds in (f"{at}_local_s" if moment.tzinfo is UTC else "", f"{at}_epoch_s"):
        if seconds in schema:
            return nw.col(seconds) < int(moment.timestamp())
    aware = getattr(schema[at], "time_zone", None) is not None
    return nw.col(at) < (moment if aware else moment.replace(tzinfo=None))


def day_after_last(tables: Tables, table: str) -> datetime:
    """Return the first day after the newest row, its midnight on the clock of the tables written as UTC.

    Parameters
    ----------
    tables : Tables
    table : str
        ``"orders"``, or a table whose rows are known from a time on, such as ``"events"``.

    Raises
    ------
    InputError
        If the table is absent or has no row.
    """
    ends = end_of_rows(tables, table)
    if ends is None:
        raise InputError(f"{table}: the table has no row; labels need at least one {table.removesuffix('s')}")
    return ends


def end_of_rows(tables: Tables, table: str) -> datetime | None:
    """Return what `day_after_last` does; None where the table has no row."""
    at = "ordered_at" if table == "orders" else str(contracts()[table].known_at)
    rows = on_clock(tables.frame(table), at)
    last = to_pandas(rows.select(nw.col(f"{at}_epoch_s").max()))[f"{at}_epoch_s"]
    if last.isna().all():
        return None
    return datetime.fromtimestamp((int(last.max()) // DAY_S + 1) * DAY_S, tz=UTC)

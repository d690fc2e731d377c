"""Days with a purchase, from order lines of any engine, with refunds netted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals as nw

from crm_ml.clv.purchase_periods import Period, with_periods_ago
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.currencies import currency_of
from crm_ml.tables.currencies import minor_per_major as units_of
from crm_ml.tables.engine import connect_for_frames
from crm_ml.tables.likely_columns import call_of_from_frame
from crm_ml.tables.zones import on_clock, on_clock_of

LARGEST_CENTS = 10**11
_NEEDED = ("customer_id", "paid_cents")
_LINE = ("customer_id", "ordered_at_epoch_s", "paid_cents")
_EARLIEST = -(10**11)
_READ = (*_NEEDED, "ordered_at_epoch_s", "ordered_at", "order_id", "refund_of", "purchase")


@dataclass(frozen=True, eq=False)
class Lines:
    """Checked order lines.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        customer_id, ordered_at_epoch_s (on the clock of the tables' zone) and paid_cents; where there are
        refunds, ``refund`` (0 or 1) and ``order_id`` too.
    rows, refunds : int
    minor_per_major : int
        Minor units in a major one of the currency that the column ``currency`` names; 100 without one.
    """

    frame: "nw.LazyFrame[Any]"
    rows: int
    refunds: int
    minor_per_major: int = 100


def checked_lines(orders: Any, minor_per_major: int | None = None, *, may_be_empty: bool = False) -> Lines:
    """Return checked order lines; pandas frames are read through DuckDB, which is faster.

    Parameters
    ----------
    orders : frame of DuckDB, pandas, Polars or narwhals, or Tables
        As `crm_ml.clv.summarize` takes them.
    minor_per_major : int, optional
        Of the currency, where it is known; by default the column ``currency`` is read for it.
    may_be_empty : bool
        Take orders without a row too, as of a part of the customers.

    Raises
    ------
    InputError
        Listing every problem; see `crm_ml.clv.summarize`.
    """
    if isinstance(orders, Tables):
        orders = orders.frame("order_lines")
    frame: nw.LazyFrame[Any] = on_clock(nw.from_native(orders).lazy(), "ordered_at")
    wrong = _wrong_columns(frame.collect_schema())
    units = units_of(currency_of(frame)) if minor_per_major is None else minor_per_major
    usable = [name for name in _READ if name in frame.collect_schema() and name not in wrong]
    if not usable:
        raise InputError(f"orders: {'; '.join(wrong.values())}{_easy_way(frame, wrong)}")
    frame = _in_utc(frame.select(*usable))
    if frame.implementation.is_pandas():
        frame = _on_duckdb(frame)
    lines = _plain(frame)
    rows, refunds, breaches = _count(lines)
    if not rows and not may_be_empty:
        breaches = ["the table has no row"]
    if wrong or breaches:
        raise InputError(f"orders: {'; '.join([*wrong.values(), *breaches])}{_easy_way(frame, wrong)}")
    return Lines(
        lines.drop("purchase", strict=False) if refunds else lines.select(*_LINE), rows, refunds, units
    )


def snapshot_of(orders: Any, as_of: "str | date | datetime") -> Snapshot:
    """Return the snapshot before which orders count: a day is one of the zone of tables, of frames UTC."""
    zone = orders.zone if isinstance(orders, Tables) else "UTC"
    return Snapshot(on_clock_of(zone, as_of), timedelta(days=1))  # only the past is read


def purchase_days(
    lines: "nw.LazyFrame[Any]", snapshot: Snapshot, period: Period = "D"
) -> "nw.LazyFrame[Any]":
    """Return each customer's days with a purchase and the amount paid for the orders of that day.

    Parameters
    ----------
    lines : narwhals.LazyFrame
        Of `Lines`, restricted to the period of interest.
    snapshot : Snapshot
        Days are counted back from its `as_of`, see `crm_ml.snapshots.Snapshot.days_since`.
    period : {"D", "h", "W", "M"}
        Hours, calendar weeks or months in place of days; see `crm_ml.clv.purchase_periods`.

    Returns
    -------
    narwhals.LazyFrame
        customer_id, days_ago (integer, negative after `as_of`), cents (integer, at least 0). Refunds are
        subtracted on the first day of their order; those whose order is not among the rows are dropped.
    """
    lines = with_periods_ago(lines, snapshot, period)
    if "refund" in lines.collect_schema():
        lines = _netted(lines)
    days = lines.group_by("customer_id", "days_ago").agg(cents=nw.col("paid_cents").sum())
    return days.with_columns(cents=nw.max_horizontal(nw.col("cents").cast(nw.Int64), nw.lit(0)))


def _netted(lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Move refunds to the first day of their order."""
    key = ["customer_id", "order_id"]
    columns = (*key, "days_ago", "paid_cents")
    bought, returned = lines.filter(nw.col("refund") == 0), lines.filter(nw.col("refund") == 1)
    first = bought.group_by(*key).agg(days_ago=nw.col("days_ago").max())
    returned = returned.drop("days_ago").join(first, on=key, how="inner")
    return nw.concat([bought.select(*columns), returned.select(*columns)])


def _in_utc(frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Convert times with a zone to plain UTC; in DuckDB the zone belongs to the connection and stays."""
    zone = getattr(frame.collect_schema().get("ordered_at"), "time_zone", None)
    if zone is None or frame.implementation.is_duckdb():
        return frame
    at = nw.col("ordered_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return frame.with_columns(ordered_at=at)


def _on_duckdb(lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    if "ordered_at_epoch_s" in lines.collect_schema():
        lines = lines.drop("ordered_at", strict=False)
    arrow = lines.collect(backend="pyarrow").to_native()
    frame: nw.LazyFrame[Any] = nw.from_native(connect_for_frames().from_arrow(arrow))
    return frame


def _wrong_columns(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the problems of the columns, by column name."""
    wrong = {name: f"{name} is missing" for name in _NEEDED if name not in schema}
    if "paid_cents" in schema and not schema["paid_cents"].is_integer():
        kind = schema["paid_cents"]
        wrong["paid_cents"] = f"paid_cents is {kind}; give integers of the currency's minor unit"
    if "customer_id" in schema and (schema["customer_id"].is_float() or schema["customer_id"].is_temporal()):
        wrong["customer_id"] = f"customer_id is {schema['customer_id']}; ids are text, kept as written"
    if "ordered_at_epoch_s" in schema:
        kind = schema["ordered_at_epoch_s"]
        if not kind.is_integer():
            wrong["ordered_at_epoch_s"] = f"ordered_at_epoch_s is {kind}; give integer seconds"
    elif "ordered_at" not in schema:
        wrong["ordered_at"] = "ordered_at and ordered_at_epoch_s are missing; give one of them"
    elif not isinstance(schema["ordered_at"], nw.Datetime | nw.Date):
        kind = schema["ordered_at"]
        wrong["ordered_at"] = f"ordered_at is {kind}, no time; give times, or ordered_at_epoch_s"
    return wrong


def _easy_way(frame: "nw.LazyFrame[Any]", wrong: Mapping[str, str]) -> str:
    """Return how a frame whose columns have other names becomes tables; nothing where none is missing."""
    if not any(" missing" in text for text in wrong.values()):
        return ""
    return f"; or make tables of it first: {call_of_from_frame(frame)}"


def _plain(frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return the available columns with uniform names and types."""
    schema = frame.collect_schema()
    columns = {"order_id": nw.lit(None, dtype=nw.String), "refund": nw.lit(0)}
    if "ordered_at" in schema or "ordered_at_epoch_s" in schema:
        columns["ordered_at_epoch_s"] = _epoch(schema).cast(nw.Int64)
    for name, kind in (
        ("customer_id", nw.String), ("order_id", nw.String), ("paid_cents", nw.Int64), ("purchase", nw.Int64)
    ):  # fmt: skip
        if name in schema:
            columns[name] = nw.col(name).cast(kind)
    if "refund_of" in schema:
        columns["refund"] = nw.when(nw.col("refund_of").is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
    elif "purchase" in schema:
        columns["refund"] = 1 - nw.col("purchase").cast(nw.Int64)
    return frame.select(**columns)


def _epoch(schema: Mapping[str, Any]) -> nw.Expr:
    if "ordered_at_epoch_s" in schema:
        return nw.col("ordered_at_epoch_s")
    zone = getattr(schema["ordered_at"], "time_zone", None)
    start = datetime(1970, 1, 1, tzinfo=UTC if zone else None)
    return (nw.col("ordered_at").cast(nw.Datetime("us", zone)) - nw.lit(start)).dt.total_seconds()


def _count(lines: "nw.LazyFrame[Any]") -> tuple[int, int, list[str]]:
    """Return the number of rows and of refunds, and the breaches among the rows."""
    schema = lines.collect_schema()
    cents, refund = nw.col("paid_cents"), nw.col("refund") == 1
    wrong = {f"{name} is null": nw.col(name).is_null() for name in _LINE if name in schema}
    if "ordered_at_epoch_s" in schema:
        wrong["the time is 3,000 years ago or more"] = nw.col("ordered_at_epoch_s") < _EARLIEST
    if "paid_cents" in schema:
        wrong["paid_cents is negative and refund_of does not say of what"] = (cents < 0) & ~refund
        wrong["paid_cents of a refund is above 0"] = (cents > 0) & refund
        wrong[f"paid_cents is beyond {LARGEST_CENTS:,}"] = (cents > LARGEST_CENTS) | (cents < -LARGEST_CENTS)
    if "purchase" in schema:
        wrong["purchase is neither 0 nor 1"] = (
            ~nw.col("purchase").is_in([0, 1]) | nw.col("purchase").is_null()
        )
    tests = [refund, *wrong.values()]
    flags = {f"flag_{i}": nw.when(test).then(1).otherwise(0) for i, test in enumerate(tests)}
    sums = lines.select(rows=nw.lit(1), **flags).select(nw.all().sum()).collect(backend="pyarrow").rows()[0]
    rows, refunds, *counts = (int(value or 0) for value in sums)
    breaches = [f"{what} in {n:,} of {rows:,} rows" for what, n in zip(wrong, counts, strict=True) if n]
    return rows, refunds, breaches

"""Days with a purchase, from order lines of any engine, with refunds netted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.engine import connect

LARGEST_CENTS = 10**11
_NEEDED = ("customer_id", "paid_cents")
_READ = (*_NEEDED, "ordered_at_epoch_s", "ordered_at", "order_id", "refund_of", "purchase")


@dataclass(frozen=True, eq=False)
class Lines:
    """Order lines that were checked.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        customer_id, ordered_at_epoch_s and paid_cents; where there are refunds, ``refund`` (0 or 1) and
        ``order_id`` too.
    rows, refunds : int
    """

    frame: "nw.LazyFrame[Any]"
    rows: int
    refunds: int


def checked_lines(orders: Any) -> Lines:
    """Return order lines, or refuse them; frames of pandas are read by DuckDB, which is faster.

    Parameters
    ----------
    orders : frame of DuckDB, pandas, Polars or narwhals, or Tables
        As `crm_ml.clv.summarize` takes them.

    Raises
    ------
    InputError
        With everything that is wrong; see `crm_ml.clv.summarize`.
    """
    if isinstance(orders, Tables):
        orders = orders.frame("order_lines")
    frame: nw.LazyFrame[Any] = nw.from_native(orders).lazy()
    schema = frame.collect_schema()
    breaches = _wrong_columns(schema)
    if breaches:
        raise InputError(f"orders: {'; '.join(breaches)}")
    if frame.implementation.is_pandas():
        frame = _on_duckdb(frame.select(*(name for name in _READ if name in schema)))
        schema = frame.collect_schema()
    order = nw.col("order_id").cast(nw.String) if "order_id" in schema else nw.lit(None, dtype=nw.String)
    lines = frame.select(
        nw.col("customer_id").cast(nw.String), _epoch(schema).cast(nw.Int64).alias("ordered_at_epoch_s"),
        nw.col("paid_cents").cast(nw.Int64), order.alias("order_id"), _refund(schema).alias("refund"),
    )  # fmt: skip
    rows, refunds = _count(lines)
    return Lines(lines if refunds else lines.drop("order_id", "refund"), rows, refunds)


def purchase_days(lines: "nw.LazyFrame[Any]", snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return each customer's days with a purchase and what was paid for the orders of that day.

    Parameters
    ----------
    lines : narwhals.LazyFrame
        Of `Lines`, of the wanted time alone.
    snapshot : Snapshot
        Days are counted back from its `as_of`, see `crm_ml.snapshots.Snapshot.days_since`.

    Returns
    -------
    narwhals.LazyFrame
        customer_id, days_ago (integer, negative after `as_of`), cents (integer, at least 0). Refunds are
        taken off the first day of their order; those whose order is not among the rows are left out.
    """
    lines = lines.with_columns(days_ago=snapshot.days_since(nw.col("ordered_at_epoch_s")).cast(nw.Int64))
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


def _on_duckdb(lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    if "ordered_at_epoch_s" in lines.collect_schema():
        lines = lines.drop("ordered_at", strict=False)
    arrow = lines.collect(backend="pyarrow").to_native()
    frame: nw.LazyFrame[Any] = nw.from_native(connect().from_arrow(arrow))
    return frame


def _wrong_columns(schema: Mapping[str, Any]) -> list[str]:
    breaches = [f"{name} is missing" for name in _NEEDED if name not in schema]
    if "paid_cents" in schema and not schema["paid_cents"].is_integer():
        breaches.append(f"paid_cents is {schema['paid_cents']}; give integers of the currency's minor unit")
    if "customer_id" in schema and schema["customer_id"].is_float():
        breaches.append(f"customer_id is {schema['customer_id']}; ids are text, kept as written")
    if "ordered_at_epoch_s" in schema:
        if not schema["ordered_at_epoch_s"].is_integer():
            breaches.append(f"ordered_at_epoch_s is {schema['ordered_at_epoch_s']}; give integer seconds")
    elif "ordered_at" not in schema:
        breaches.append("ordered_at and ordered_at_epoch_s are missing; give one of them")
    elif not schema["ordered_at"].is_temporal():
        kind = schema["ordered_at"]
        breaches.append(f"ordered_at is {kind}, no time; give times, or ordered_at_epoch_s")
    return breaches


def _epoch(schema: Mapping[str, Any]) -> nw.Expr:
    if "ordered_at_epoch_s" in schema:
        return nw.col("ordered_at_epoch_s")
    zone = getattr(schema["ordered_at"], "time_zone", None)
    start = datetime(1970, 1, 1, tzinfo=UTC if zone else None)
    return (nw.col("ordered_at").cast(nw.Datetime("us", zone)) - nw.lit(start)).dt.total_seconds()


def _refund(schema: Mapping[str, Any]) -> nw.Expr:
    if "refund_of" in schema:
        return nw.when(nw.col("refund_of").is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
    if "purchase" in schema:
        return 1 - nw.col("purchase")
    return nw.lit(0)


def _count(lines: "nw.LazyFrame[Any]") -> tuple[int, int]:
    """Return the number of rows and of refunds, or refuse rows that can't be used."""
    needed = ("customer_id", "ordered_at_epoch_s", "paid_cents")
    cents, refund = nw.col("paid_cents"), nw.col("refund") == 1
    wrong = {f"{name} is null": nw.col(name).is_null() for name in needed}
    wrong["paid_cents is negative and refund_of does not say of what"] = (cents < 0) & ~refund
    wrong[f"paid_cents is above {LARGEST_CENTS:,}"] = cents > LARGEST_CENTS
    tests = [refund, *wrong.values()]
    flags = {f"flag_{i}": nw.when(test).then(1).otherwise(0) for i, test in enumerate(tests)}
    sums = lines.select(rows=nw.lit(1), **flags).select(nw.all().sum()).collect(backend="pyarrow").rows()[0]
    rows, refunds, *counts = (int(value or 0) for value in sums)
    breaches = [f"{what} in {n:,} of {rows:,} rows" for what, n in zip(wrong, counts, strict=True) if n]
    if breaches:
        raise InputError(f"orders: {'; '.join(breaches)}; mend or drop these rows")
    if not rows:
        raise InputError("orders: the table has no row")
    return rows, refunds

"""Expressions that the feature groups share: integer sums with one division at the end."""

from typing import Any

import narwhals as nw

from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.bundle import need_tables
from crm_ml.tables.zones import on_clock


def ratio(numerator: nw.Expr, denominator: nw.Expr) -> nw.Expr:
    """Divide two integer expressions; null where the denominator is zero or null."""
    return nw.when(denominator != 0).then(numerator.cast(nw.Float64) / denominator.cast(nw.Float64))


def day(epoch_s: nw.Expr) -> nw.Expr:
    """Return the number of the day of a time in seconds on a clock, see `crm_ml.tables.zones.on_clock`."""
    return epoch_s // DAY_S


def remainder(value: nw.Expr, divisor: int) -> nw.Expr:
    """Return the remainder of an integer division; pandas has no ``%`` for nullable integers."""
    return value - (value // divisor) * divisor


def count_if(condition: nw.Expr) -> nw.Expr:
    """Return 1 where the condition holds and 0 elsewhere, to be summed."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def keep_if(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    """Return the value where the condition holds and 0 elsewhere, to be summed."""
    return nw.when(condition).then(value).otherwise(nw.lit(0)).cast(nw.Int64)


def nothing(like: nw.Expr) -> nw.Expr:
    """Return null of the type of an integer column; pandas has no literal null with a type."""
    return nw.when(like != like).then(like)


def total(*columns: str) -> list[nw.Expr]:
    """Sum columns within a group and name the sums like the columns."""
    return [nw.col(name).sum() for name in columns]


def integers(frame: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Cast every integer column to 64 bits; engines count in unsigned 32 or sum in 128 bits."""
    kinds = frame.collect_schema()
    return frame.with_columns(
        nw.col(name).cast(nw.Int64) for name, kind in kinds.items() if kind.is_integer()
    )


def without_refunds(lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return the order lines that are purchases."""
    refunds = "refund_of" in lines.collect_schema().names()
    return lines.filter(nw.col("refund_of").is_null()) if refunds else lines


def past_lines(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return the order lines before `snapshot` that are no refunds, with times on the clock of the tables."""
    need_tables(tables, "what is known before a snapshot")
    lines: nw.LazyFrame[Any] = snapshot.past(tables.frame("order_lines"), at="ordered_at")
    return without_refunds(on_clock(lines, "ordered_at"))


def past_sales(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return orders (``purchase`` 1) and refunds (0, negative money) before `snapshot` with ``days_ago``."""

    def build() -> "nw.LazyFrame[Any]":
        past: nw.LazyFrame[Any] = snapshot.past(tables.frame("orders"), at="ordered_at")
        orders = on_clock(past, "ordered_at")
        days_ago = snapshot.days_since(nw.col("ordered_at_epoch_s")).cast(nw.Int64)
        return orders.with_columns(days_ago=days_ago).drop("order_id", "quantity")

    return tables.once(("past_sales", snapshot.epoch_s), build)

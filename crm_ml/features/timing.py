"""Timing: weekdays and hours (UTC) of a customer's orders."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, day, integers, past_orders, ratio, remainder, total
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables import Tables

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
_COUNTS = (*_WEEKDAYS, *_PARTS)
COLUMNS: dict[str, int | None] = {f"timing_{name}_share": None for name in _COUNTS}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Compute the share of orders on each weekday and in each quarter of the day.

    Times are UTC; 1970-01-01 was a Thursday, hence the shift by three days.
    """
    epoch = nw.col("ordered_at_epoch_s")
    orders = past_orders(tables, snapshot).with_columns(
        weekday=remainder(day(epoch) + 3, 7), hour=remainder(epoch, DAY_S) // 3600
    )
    flags = {name: count_if(nw.col("weekday") == index) for index, name in enumerate(_WEEKDAYS)}
    for name, (start, end) in _PARTS.items():
        flags[name] = count_if((nw.col("hour") >= start) & (nw.col("hour") < end))
    sums = (
        orders.with_columns(**flags).group_by("customer_id").agg(nw.len().alias("orders"), *total(*_COUNTS))
    )
    shares = {f"timing_{name}_share": ratio(nw.col(name), nw.col("orders")) for name in _COUNTS}
    return integers(sums).select("customer_id", **shares)

"""Timing: weekdays and hours of a customer's orders, by the clock of the tables' zone."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, day, integers, ratio, remainder, total
from crm_ml.features.past import ROW, Past
from crm_ml.snapshots import DAY_S

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
_COUNTS = (*_WEEKDAYS, *_PARTS)
COLUMNS: dict[str, int | None] = {f"timing_{name}_share": None for name in _COUNTS}


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute the share of orders on each weekday and in each quarter of the day.

    1970-01-01 was a Thursday, hence the shift by three days.
    """
    epoch = nw.col("ordered_at_epoch_s")
    orders = past.known_orders.filter(nw.col("purchase") == 1)
    orders = orders.with_columns(
        weekday=remainder(day(epoch) + 3, 7), hour=remainder(epoch, DAY_S) // 3600, orders=nw.lit(1)
    )
    flags = {name: count_if(nw.col("weekday") == index) for index, name in enumerate(_WEEKDAYS)}
    for name, (start, end) in _PARTS.items():
        flags[name] = count_if((nw.col("hour") >= start) & (nw.col("hour") < end))
    counts = ("orders", *_COUNTS)
    new = integers(orders.with_columns(**flags).group_by("customer", "known_from").agg(*total(*counts)))
    sums = past.each(new).group_by(ROW).agg(*total(*counts))
    shares = {f"timing_{name}_share": ratio(nw.col(name), nw.col("orders")) for name in _COUNTS}
    return integers(sums).select(ROW, **shares)

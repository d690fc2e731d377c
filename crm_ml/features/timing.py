"""Timing: weekdays and hours of a customer's orders, by the clock of the tables' zone."""

import narwhals as nw

from crm_ml.features.expressions import count_if, day, ratio, remainder
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import ORDERS
from crm_ml.features.past import Past
from crm_ml.snapshots import DAY_S

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
COLUMNS: dict[str, int | None] = {f"timing_{name}_share": None for name in (*_WEEKDAYS, *_PARTS)}


def sums_each(_: Past) -> GroupSums:
    """Return the share of orders on each weekday and in each quarter of the day.

    1970-01-01 was a Thursday, hence the shift by three days.
    """
    epoch, is_order = nw.col("ordered_at_epoch_s"), nw.col("purchase") == 1
    weekday, hour = remainder(day(epoch) + 3, 7), remainder(epoch, DAY_S) // 3600
    flags = {name: weekday == index for index, name in enumerate(_WEEKDAYS)}
    flags |= {name: (hour >= start) & (hour < end) for name, (start, end) in _PARTS.items()}
    sums = {f"timing_{name}": Sum("sales", count_if(is_order & flag)) for name, flag in flags.items()}
    return GroupSums(sums | ORDERS, {f"{name}_share": ratio(nw.col(name), nw.col("orders")) for name in sums})

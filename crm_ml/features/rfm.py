"""Recency, frequency and money, in total and in windows that end at the snapshot."""

import narwhals as nw

from crm_ml.features.expressions import keep_if
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import ORDERS, orders_within
from crm_ml.features.past import Past

WINDOWS_DAYS = (7, 14, 28, 56, 84, 180, 365)
LINE_WINDOWS_DAYS = (28, 84)
COLUMNS: dict[str, int | None] = (
    {"rfm_days_since_order": None, "rfm_days_since_large_order": None}
    | {"rfm_orders": 0, "rfm_paid_cents": 0}
    | {f"rfm_{what}_{days}d": 0 for what in ("orders", "paid_cents") for days in WINDOWS_DAYS}
    | {f"rfm_lines_{days}d": 0 for days in LINE_WINDOWS_DAYS}
)


def sums_each(_: Past, *, large_order_lines: int = 10) -> GroupSums:
    """Return days since the last order and, for each window, orders, order lines and amount paid (cents).

    A refund reduces the amount of the windows that contain its own time and is no order.

    Parameters
    ----------
    _
        The past, as for every feature group.
    large_order_lines : int
        An order of at least this many lines is large; without one ``rfm_days_since_large_order`` is null.
    """
    ago, paid, purchase = nw.col("days_ago"), nw.col("paid_cents"), nw.col("purchase")
    lines = purchase * nw.col("lines")
    sums = {
        "rfm_days_since_order": Sum("sales", nw.when(purchase == 1).then(ago), "min"),
        "rfm_days_since_large_order": Sum("sales", nw.when(lines >= large_order_lines).then(ago), "min"),
        "rfm_paid_cents": Sum("sales", paid),
    }
    for days in WINDOWS_DAYS:
        sums[f"rfm_paid_cents_{days}d"] = Sum("sales", keep_if(ago < days, paid))
    for days in LINE_WINDOWS_DAYS:
        sums[f"rfm_lines_{days}d"] = Sum("sales", keep_if(ago < days, lines))
    windows = {f"orders_{days}d": orders_within(days) for days in WINDOWS_DAYS}
    columns = {name: nw.col(name) for name in sums}
    columns |= {f"rfm_{name}": nw.col(name) for name in ("orders", *windows)}
    return GroupSums(sums | windows | ORDERS, columns)

"""Recency, frequency and money, in total and in windows that end at the snapshot."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import keep_if, total
from crm_ml.features.past import ROW, Past

WINDOWS_DAYS = (7, 14, 28, 56, 84, 180, 365)
LINE_WINDOWS_DAYS = (28, 84)
_SUMS = (
    {"rfm_orders": 0, "rfm_paid_cents": 0}
    | {f"rfm_{what}_{days}d": 0 for what in ("orders", "paid_cents") for days in WINDOWS_DAYS}
    | {f"rfm_lines_{days}d": 0 for days in LINE_WINDOWS_DAYS}
)
COLUMNS: dict[str, int | None] = {"rfm_days_since_order": None, "rfm_days_since_large_order": None} | _SUMS


def compute_each(past: Past, *, large_order_lines: int = 10) -> "nw.LazyFrame[Any]":
    """Compute days since the last order and, for each window, orders, order lines and amount paid (cents).

    A refund reduces the amount of the windows that contain its own time and is no order.

    Parameters
    ----------
    past
        As for every feature group.
    large_order_lines : int
        An order of at least this many lines is large; without one ``rfm_days_since_large_order`` is null.
    """
    ago, paid, purchase = nw.col("days_ago"), nw.col("paid_cents"), nw.col("purchase")
    lines = purchase * nw.col("lines")
    columns = {
        "rfm_orders": purchase,
        "rfm_paid_cents": paid,
        "order_ago": nw.when(purchase == 1).then(ago),
        "large_ago": nw.when(lines >= large_order_lines).then(ago),
    }
    for days in WINDOWS_DAYS:
        columns[f"rfm_orders_{days}d"] = keep_if(ago < days, purchase)
        columns[f"rfm_paid_cents_{days}d"] = keep_if(ago < days, paid)
    for days in LINE_WINDOWS_DAYS:
        columns[f"rfm_lines_{days}d"] = keep_if(ago < days, lines)
    return (
        past.sales.with_columns(**columns)
        .group_by(ROW)
        .agg(
            nw.col("order_ago").min().alias("rfm_days_since_order"),
            nw.col("large_ago").min().alias("rfm_days_since_large_order"),
            *total(*_SUMS),
        )
    )

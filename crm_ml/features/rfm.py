"""Recency, frequency and money, in total and in windows that end at the snapshot."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, keep_if, past_orders, total
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

WINDOWS_DAYS = (7, 14, 28, 56, 84, 180, 365)
_SUMS = {"rfm_orders": 0, "rfm_paid_cents": 0} | {
    f"rfm_{what}_{days}d": 0 for what in ("orders", "paid_cents") for days in WINDOWS_DAYS
}
COLUMNS: dict[str, int | None] = {"rfm_days_since_order": None} | _SUMS


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Compute days since the last order and, for each window, orders and what was paid (cents)."""
    orders = past_orders(tables, snapshot)
    columns = {"rfm_orders": nw.lit(1).cast(nw.Int64), "rfm_paid_cents": nw.col("paid_cents")}
    for days in WINDOWS_DAYS:
        inside = nw.col("days_ago") < days
        columns[f"rfm_orders_{days}d"] = count_if(inside)
        columns[f"rfm_paid_cents_{days}d"] = keep_if(inside, nw.col("paid_cents"))
    return (
        orders.with_columns(**columns)
        .group_by("customer_id")
        .agg(nw.col("days_ago").min().alias("rfm_days_since_order"), *total(*_SUMS))
    )

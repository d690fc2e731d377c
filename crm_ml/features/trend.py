"""Trend: the newest weeks beside the weeks before them."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, past_orders, ratio, total
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

WEEKS = 12
COLUMNS: dict[str, int | None] = {
    "trend_orders_28d": None,
    "trend_orders_84d": None,
    "trend_paid_28d": None,
    "trend_orders_slope": 0,
    "trend_active_weeks_12": 0,
}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Compute the share of the newer half of a window, and the slope of weekly orders over 12 weeks.

    ``trend_orders_28d`` is the orders of the last 28 days over those of the last 56; .5 is steady. The slope
    is the least-squares slope in orders a week, each week.
    """
    recent = past_orders(tables, snapshot).filter(nw.col("days_ago") < 168)
    ago, paid = nw.col("days_ago"), nw.col("paid_cents")
    centred = (WEEKS - 1) - 2 * (
        ago // 7
    )  # twice the distance from the middle of the window, newest positive
    recent = recent.with_columns(
        orders_28=count_if(ago < 28),
        orders_56=count_if(ago < 56),
        orders_84=count_if(ago < 84),
        orders_168=count_if(ago < 168),
        paid_28=keep_if(ago < 28, paid),
        paid_56=keep_if(ago < 56, paid),
        moment=keep_if(ago < 7 * WEEKS, centred),
        week=nw.when(ago < 7 * WEEKS).then(ago // 7).otherwise(nw.lit(-1)),
    )
    sums = recent.group_by("customer_id").agg(
        *total("orders_28", "orders_56", "orders_84", "orders_168", "paid_28", "paid_56", "moment"),
        nw.col("week").n_unique().alias("weeks"),
        nw.col("week").min().alias("oldest_week"),
    )
    spread = WEEKS * (WEEKS * WEEKS - 1) // 6  # sum of centred squares, halved once for the doubled distance
    return integers(sums).select(
        "customer_id",
        trend_orders_28d=ratio(nw.col("orders_28"), nw.col("orders_56")),
        trend_orders_84d=ratio(nw.col("orders_84"), nw.col("orders_168")),
        trend_paid_28d=ratio(nw.col("paid_28"), nw.col("paid_56")),
        trend_orders_slope=nw.col("moment").cast(nw.Float64) / spread,
        trend_active_weeks_12=nw.col("weeks") - count_if(nw.col("oldest_week") < 0),
    )

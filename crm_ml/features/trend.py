"""Trend: recent weeks compared with the weeks before."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, ratio, total
from crm_ml.features.past import ROW, Past

WEEKS = 12
COLUMNS: dict[str, int | None] = {
    "trend_orders_28d": None,
    "trend_orders_84d": None,
    "trend_paid_28d": None,
    "trend_orders_slope": 0,
    "trend_active_weeks_12": 0,
}


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute the share of the newer half of a window, and the slope of weekly orders over 12 weeks.

    ``trend_orders_28d`` is the orders of the last 28 days over those of the last 56; .5 is steady;
    ``trend_orders_84d`` the same for 84 and 168 days, ``trend_paid_28d`` for the amount paid. The slope is
    the least-squares slope of weekly orders, in orders per week and week. ``trend_active_weeks_12`` counts
    the weeks with an order. Weeks are counted back from the snapshot.
    """
    orders = past.orders.with_columns(week=nw.col("days_ago") // 7, orders=nw.lit(1))
    weeks = (
        orders.filter(nw.col("week") < 2 * WEEKS).group_by(ROW, "week").agg(*total("orders", "paid_cents"))
    )
    week, count, paid = nw.col("week"), nw.col("orders"), nw.col("paid_cents")
    centred = (WEEKS - 1) - 2 * week  # twice the distance from the middle of the window, newest positive
    columns = {
        "orders_28": keep_if(week < 4, count),
        "orders_56": keep_if(week < 8, count),
        "orders_84": keep_if(week < 12, count),
        "paid_28": keep_if(week < 4, paid),
        "paid_56": keep_if(week < 8, paid),
        "moment": keep_if(week < WEEKS, centred * count),
        "trend_active_weeks_12": count_if(week < WEEKS),
    }
    sums = integers(weeks).with_columns(**columns).group_by(ROW).agg(*total("orders", *columns))
    spread = WEEKS * (WEEKS * WEEKS - 1) // 6  # sum of centred squares, halved once for the doubled distance
    return integers(sums).select(
        ROW,
        "trend_active_weeks_12",
        trend_orders_28d=ratio(nw.col("orders_28"), nw.col("orders_56")),
        trend_orders_84d=ratio(nw.col("orders_84"), nw.col("orders")),
        trend_paid_28d=ratio(nw.col("paid_28"), nw.col("paid_56")),
        trend_orders_slope=nw.col("moment").cast(nw.Float64) / spread,
    )

"""Trend: recent weeks compared with the weeks before."""

import narwhals as nw

from crm_ml.features.expressions import count_if, keep_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import is_oldest, orders_within
from crm_ml.features.past import Past

WEEKS = 12
COLUMNS: dict[str, int | None] = {
    "trend_orders_28d": None,
    "trend_orders_84d": None,
    "trend_paid_28d": None,
    "trend_orders_slope": 0,
    "trend_active_weeks_12": 0,
}


def sums_each(_: Past) -> GroupSums:
    """Return the share of the newer half of a window, and the slope of weekly orders over 12 weeks.

    ``trend_orders_28d`` is the orders of the last 28 days over those of the last 56; .5 is steady;
    ``trend_orders_84d`` the same for 84 and 168 days, ``trend_paid_28d`` for the amount paid. The slope is
    the least-squares slope of weekly orders, in orders per week and week. ``trend_active_weeks_12`` counts
    the weeks with an order. Weeks are counted back from the snapshot.
    """
    purchase, paid = nw.col("purchase"), nw.col("paid_cents")
    ago, week = nw.col("days_ago"), nw.col("days_ago") // 7
    centred = (WEEKS - 1) - 2 * week  # twice the distance from the middle of the window, newest positive
    sums = {f"orders_{days}d": orders_within(days) for days in (28, 56, 84, 168)}
    for days in (28, 56):
        sums[f"trend_paid_{days}d"] = Sum("sales", keep_if((purchase == 1) & (ago < days), paid))
    sums["trend_moment"] = Sum("sales", keep_if(week < WEEKS, centred * purchase))
    sums["trend_weeks"] = Sum("order_days", count_if(is_oldest(7) & (week < WEEKS)))
    spread = WEEKS * (WEEKS * WEEKS - 1) // 6  # sum of centred squares, halved once for the doubled distance
    columns = {
        "trend_active_weeks_12": nw.col("trend_weeks"),
        "trend_orders_28d": ratio(nw.col("orders_28d"), nw.col("orders_56d")),
        "trend_orders_84d": ratio(nw.col("orders_84d"), nw.col("orders_168d")),
        "trend_paid_28d": ratio(nw.col("trend_paid_28d"), nw.col("trend_paid_56d")),
        "trend_orders_slope": nw.col("trend_moment").cast(nw.Float64) / spread,
    }
    return GroupSums(sums, columns)

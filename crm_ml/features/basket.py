"""Basket: size, variety and repetition of orders."""

import narwhals as nw

from crm_ml.features.expressions import keep_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import LINES, ORDERS, PAID
from crm_ml.features.past import Past

COLUMNS: dict[str, int | None] = {
    "basket_mean_paid_cents": None,
    "basket_max_paid_cents": None,
    "basket_mean_lines": None,
    "basket_last_paid_share": None,
    "basket_items": 0,
    "basket_repeat_share": None,
}


def sums_each(_: Past) -> GroupSums:
    """Return order value (cents), lines per order, distinct items and the share of repeated items.

    ``basket_last_paid_share`` is the amount paid on the last order day over the mean order value.
    """
    paid, is_newest = nw.col("paid_cents"), nw.col("days_ago") == nw.col("silence")
    sums = {
        "basket_max_paid": Sum("sales", nw.when(nw.col("purchase") == 1).then(paid), "max"),
        "basket_last_paid": Sum("order_days", keep_if(is_newest, paid)),
        "basket_items": Sum("departments", nw.col("items")),
    }
    orders, lines, items = nw.col("orders"), nw.col("order_lines"), nw.col("basket_items")
    columns = {
        "basket_max_paid_cents": nw.col("basket_max_paid"),
        "basket_items": items,
        "basket_mean_paid_cents": ratio(nw.col("order_paid"), orders),
        "basket_mean_lines": ratio(lines, orders),
        "basket_last_paid_share": ratio(nw.col("basket_last_paid") * orders, nw.col("order_paid")),
        "basket_repeat_share": ratio(lines - items, lines),
    }
    return GroupSums(sums | ORDERS | LINES | PAID, columns)

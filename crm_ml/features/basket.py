"""Basket: size, variety and repetition of orders."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import integers, ratio, total
from crm_ml.features.past import ROW, Past

COLUMNS: dict[str, int | None] = {
    "basket_mean_paid_cents": None,
    "basket_max_paid_cents": None,
    "basket_mean_lines": None,
    "basket_last_paid_share": None,
    "basket_items": 0,
    "basket_repeat_share": None,
}


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute order value (cents), lines per order, distinct items and the share of repeated items.

    ``basket_last_paid_share`` is the amount paid on the last order day over the mean order value.
    """
    days = past.order_days.filter(nw.col("days_ago") == nw.col("silence"))
    last = days.select(ROW, last_paid=nw.col("paid_cents"))
    value = (
        past.orders.group_by(ROW)
        .agg(
            nw.len().alias("orders"),
            nw.col("paid_cents").max().alias("basket_max_paid_cents"),
            *total("paid_cents", "lines"),
        )
        .join(last, on=ROW, how="left")
        .join(_items(past), on=ROW, how="left")
    )
    return integers(value).select(
        ROW,
        "basket_max_paid_cents",
        "basket_items",
        basket_mean_paid_cents=ratio(nw.col("paid_cents"), nw.col("orders")),
        basket_mean_lines=ratio(nw.col("lines"), nw.col("orders")),
        basket_last_paid_share=ratio(nw.col("last_paid") * nw.col("orders"), nw.col("paid_cents")),
        basket_repeat_share=ratio(nw.col("lines") - nw.col("basket_items"), nw.col("lines")),
    )


def _items(past: Past) -> "nw.LazyFrame[Any]":
    """Count the different items that each customer bought; a new one counts from its first line on."""
    firsts = past.known_lines().group_by("customer", "item_id").agg(nw.col("known_from").min())
    new = integers(firsts.group_by("customer", "known_from").agg(nw.len().alias("basket_items")))
    return past.each(new).group_by(ROW).agg(*total("basket_items"))

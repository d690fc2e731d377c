"""Basket: size, variety and repetition of orders."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import integers, order_days, past_lines, past_orders, ratio, total
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

COLUMNS: dict[str, int | None] = {
    "basket_mean_paid_cents": None,
    "basket_max_paid_cents": None,
    "basket_mean_lines": None,
    "basket_last_paid_share": None,
    "basket_items": 0,
    "basket_repeat_share": None,
}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Compute order value (cents), lines per order, distinct items and the share of repeated items.

    ``basket_last_paid_share`` is the amount paid on the last order day over the mean order value.
    """
    lines = past_lines(tables, snapshot)
    variety = lines.group_by("customer_id").agg(
        nw.len().alias("lines"), nw.col("item_id").n_unique().alias("basket_items")
    )
    days = order_days(tables, snapshot).filter(nw.col("days_ago") == nw.col("silence"))
    last = days.select("customer_id", last_paid=nw.col("paid_cents"))
    value = (
        past_orders(tables, snapshot)
        .group_by("customer_id")
        .agg(
            nw.len().alias("orders"),
            nw.col("paid_cents").max().alias("basket_max_paid_cents"),
            *total("paid_cents"),
        )
        .join(last, on="customer_id", how="left")
    )
    return integers(value.join(variety, on="customer_id", how="left")).select(
        "customer_id",
        "basket_max_paid_cents",
        "basket_items",
        basket_mean_paid_cents=ratio(nw.col("paid_cents"), nw.col("orders")),
        basket_mean_lines=ratio(nw.col("lines"), nw.col("orders")),
        basket_last_paid_share=ratio(nw.col("last_paid") * nw.col("orders"), nw.col("paid_cents")),
        basket_repeat_share=ratio(nw.col("lines") - nw.col("basket_items"), nw.col("lines")),
    )

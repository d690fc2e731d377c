"""Sums of order lines by order."""

from typing import Any

import narwhals as nw


def roll_up(order_lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Sum order lines to orders.

    Parameters
    ----------
    order_lines : narwhals.LazyFrame
        Accepted order lines.

    Returns
    -------
    narwhals.LazyFrame
        Columns customer_id, order_id, ordered_at_epoch_s, purchase (1, or 0 where the lines refund an
        earlier order), paid_cents, discount_cents, coupon_cents, quantity, lines; of another zone than UTC
        also ordered_at_local_s.
    """
    sums = ("paid_cents", "discount_cents", "coupon_cents", "quantity")
    columns = order_lines.collect_schema().names()
    refunds, local = "refund_of" in columns, [name for name in columns if name == "ordered_at_local_s"]
    purchase = nw.when(nw.col("refund_of").is_null()).then(1).otherwise(0) if refunds else nw.lit(1)
    return (
        order_lines.with_columns(purchase=purchase.cast(nw.Int64))
        .group_by("customer_id", "order_id", "ordered_at_epoch_s", *local, "purchase")
        .agg(*(nw.col(name).sum() for name in sums), nw.len().alias("lines"))
        .with_columns(nw.col(*sums, "lines").cast(nw.Int64))
    )

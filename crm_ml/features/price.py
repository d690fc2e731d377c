"""Price: share of the shelf price covered by discounts and coupons."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, ratio, total
from crm_ml.features.past import ROW, Past

COLUMNS: dict[str, int | None] = {
    "price_discount_share": None,
    "price_coupon_share": None,
    "price_discount_share_84d": None,
    "price_coupon_orders_share": None,
    "price_days_since_coupon": None,
}


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute the shares of the shelf price covered by discounts and by coupons, in money and in orders."""
    paid, discount, coupon = nw.col("paid_cents"), nw.col("discount_cents"), nw.col("coupon_cents")
    recent = nw.col("days_ago") < 84
    orders = past.orders.with_columns(
        shelf=paid + discount + coupon,
        shelf_84=keep_if(recent, paid + discount + coupon),
        discount_84=keep_if(recent, discount),
        with_coupon=count_if(coupon > 0),
        coupon_days_ago=nw.when(coupon > 0).then(nw.col("days_ago")),
    )
    sums = orders.group_by(ROW).agg(
        nw.len().alias("orders"),
        nw.col("coupon_days_ago").min().alias("price_days_since_coupon"),
        *total("shelf", "discount_cents", "coupon_cents", "shelf_84", "discount_84", "with_coupon"),
    )
    return integers(sums).select(
        ROW,
        "price_days_since_coupon",
        price_discount_share=ratio(discount, nw.col("shelf")),
        price_coupon_share=ratio(coupon, nw.col("shelf")),
        price_discount_share_84d=ratio(nw.col("discount_84"), nw.col("shelf_84")),
        price_coupon_orders_share=ratio(nw.col("with_coupon"), nw.col("orders")),
    )

"""Price: share of the shelf price covered by discounts and coupons."""

import narwhals as nw

from crm_ml.features.expressions import count_if, keep_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import ORDERS, bought
from crm_ml.features.past import Past

COLUMNS: dict[str, int | None] = {
    "price_discount_share": None,
    "price_coupon_share": None,
    "price_discount_share_84d": None,
    "price_coupon_orders_share": None,
    "price_days_since_coupon": None,
}


def sums_each(_: Past) -> GroupSums:
    """Return the shares of the shelf price covered by discounts and by coupons, in money and in orders."""
    paid, discount, coupon = nw.col("paid_cents"), nw.col("discount_cents"), nw.col("coupon_cents")
    shelf, is_order = paid + discount + coupon, nw.col("purchase") == 1
    recent, with_coupon = is_order & (nw.col("days_ago") < 84), is_order & (coupon > 0)
    sums = {
        "price_discount": Sum("sales", bought(discount)),
        "price_coupon": Sum("sales", bought(coupon)),
        "price_shelf": Sum("sales", bought(shelf)),
        "price_discount_84d": Sum("sales", keep_if(recent, discount)),
        "price_shelf_84d": Sum("sales", keep_if(recent, shelf)),
        "price_with_coupon": Sum("sales", count_if(with_coupon)),
        "price_coupon_ago": Sum("sales", nw.when(with_coupon).then(nw.col("days_ago")), "min"),
    }
    columns = {
        "price_days_since_coupon": nw.col("price_coupon_ago"),
        "price_discount_share": ratio(nw.col("price_discount"), nw.col("price_shelf")),
        "price_coupon_share": ratio(nw.col("price_coupon"), nw.col("price_shelf")),
        "price_discount_share_84d": ratio(nw.col("price_discount_84d"), nw.col("price_shelf_84d")),
        "price_coupon_orders_share": ratio(nw.col("price_with_coupon"), nw.col("orders")),
    }
    return GroupSums(sums | ORDERS, columns)

"""Sums of orders and order days that several feature groups read, each defined once."""

from functools import cache

import narwhals as nw

from crm_ml.features.expressions import count_if, keep_if
from crm_ml.features.group_sums import Sum

_AGO, _PAID, _PURCHASE, _GAP = (nw.col(name) for name in ("days_ago", "paid_cents", "purchase", "gap"))


def bought(value: nw.Expr) -> nw.Expr:
    """Return a value of `Past.sales` where the row is an order, and 0 where it is a refund."""
    return keep_if(_PURCHASE == 1, value)


#: Of orders: how many, their lines, what was paid for them; of the days with one: days since the newest and
#: the oldest, how many days, and how many gaps between them, with their sum and the longest in days.
ORDERS = {"orders": Sum("sales", _PURCHASE)}
LINES = {"order_lines": Sum("sales", bought(nw.col("lines")))}
PAID = {"order_paid": Sum("sales", bought(_PAID))}
SILENCE = {"silence": Sum("order_days", nw.col("silence"), "min")}
OLDEST = {"oldest": Sum("order_days", _AGO, "max")}
DAYS = {"order_days": Sum("order_days", count_if(_AGO >= 0))}
GAPS = {
    "gaps": Sum("order_days", count_if(~_GAP.is_null())),
    "gap_sum": Sum("order_days", _GAP.fill_null(0)),
    "gap_max": Sum("order_days", _GAP, "max"),
}


@cache
def orders_within(days: int) -> Sum:
    """Return the orders of the last days, named ``orders_<days>d``."""
    return Sum("sales", keep_if(days > _AGO, _PURCHASE))


@cache
def is_oldest(length: int) -> nw.Expr:
    """Say whether a day with an order is the oldest of its block of `length` days: they are counted by it."""
    return _GAP.is_null() | ((_AGO + _GAP) // length != _AGO // length)

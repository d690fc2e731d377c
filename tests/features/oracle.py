"""The feature groups once more by brute force: plain Python over one customer's rows, exact until the end.

Written from the docstrings and column names of `crm_ml.features`. To follow a new column there, add a key to
the function of its group here; a new group is one more function, listed in `GROUPS`.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from histories import World

Value = int | str | Fraction | float | None
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Order:
    at: datetime
    ago: int
    paid: int
    discount: int
    coupon: int


@dataclass(frozen=True)
class Past:
    """What was known of one customer: rows before the snapshot, and the row of `customers`."""

    lines: list[dict]
    orders: list[Order]
    sent: list[int]
    answered: dict[str, int]
    places: dict[str, tuple[str | None, str | None]]
    attributes: dict

    @property
    def days(self) -> list[int]:
        """Ages of the order days in days, the oldest first."""
        return sorted({order.ago for order in self.orders}, reverse=True)

    @property
    def gaps(self) -> list[int]:
        return [older - newer for older, newer in zip(self.days, self.days[1:], strict=False)]


def features(world: World) -> dict[str, dict[str, dict[str, Value]]]:
    """Return group, customer and column to value, for every customer that is known."""
    known = sorted(_known(world))
    pasts = {customer: _past(world, customer) for customer in known}
    return {group.__name__: {customer: group(past) for customer, past in pasts.items()} for group in GROUPS}


def _known(world: World) -> set[str]:
    dated = {
        "order_lines": "ordered_at",
        "touches": "sent_at",
        "events": "occurred_at",
        "customers": "registered_at",
    }
    return {
        row["customer_id"]
        for table, at in dated.items()
        for row in world.rows[table]
        if row[at] is not None and row[at] < world.as_of
    }


def _past(world: World, customer: str) -> Past:
    def rows(table: str, at: str) -> list[dict]:
        return [row for row in world.rows[table] if row["customer_id"] == customer and row[at] < world.as_of]

    lines = rows("order_lines", "ordered_at")
    whole = defaultdict(list)
    for line in lines:
        whole[line["order_id"], line["ordered_at"]].append(line)
    answered: dict[str, int] = {}
    for row in rows("responses", "responded_at"):
        ago = days_ago(row["responded_at"], world.as_of)
        answered[row["campaign_id"]] = min(ago, answered.get(row["campaign_id"], ago))
    return Past(
        lines=lines,
        orders=[_order(at, parts, world.as_of) for (_, at), parts in whole.items()],
        sent=[days_ago(row["sent_at"], world.as_of) for row in rows("touches", "sent_at")],
        answered=answered,
        places={row["item_id"]: (row["department"], row["category"]) for row in world.rows["items"]},
        attributes=next(row for row in world.rows["customers"] if row["customer_id"] == customer),
    )


def _order(at: int, lines: list[dict], as_of: int) -> Order:
    paid, discount, coupon = (
        sum(line[name] for line in lines) for name in ("paid_cents", "discount_cents", "coupon_cents")
    )
    return Order(datetime.fromtimestamp(at, UTC), days_ago(at, as_of), paid, discount, coupon)


def days_ago(at: int, as_of: int) -> int:
    """Return k for a time in ``[as_of - (k + 1) days, as_of - k days)``."""
    day = timedelta(days=1)
    end, age = datetime.fromtimestamp(as_of, UTC), 0
    start = datetime.fromtimestamp(at, UTC)
    while start < end - (age + 1) * day:
        age += 1
    return age


def share(part: int | Fraction, whole: int | Fraction) -> Fraction | None:
    return Fraction(part) / whole if whole else None


def agrees(found: object, expected: Value) -> bool:
    """Say whether a delivered value is the expected one: text and integers exactly, others to 1e-12."""
    if expected is None or isinstance(found, str):
        return found is None or found != found if expected is None else found == expected
    if isinstance(expected, int):
        return found == expected
    return math.isclose(found, float(expected), rel_tol=1e-12, abs_tol=1e-12)


def rfm(past: Past) -> dict[str, Value]:
    found: dict[str, Value] = {"rfm_days_since_order": min(past.days, default=None)}
    for name, days in [("", math.inf), *((f"_{days}d", days) for days in (7, 14, 28, 56, 84, 180, 365))]:
        inside = [order for order in past.orders if order.ago < days]
        found[f"rfm_orders{name}"] = len(inside)
        found[f"rfm_paid_cents{name}"] = sum(order.paid for order in inside)
    return found


def cadence(past: Past) -> dict[str, Value]:
    gaps, silence = past.gaps, min(past.days, default=None)
    mean = share(sum(gaps), len(gaps))
    spread = None
    if len(gaps) > 1:
        variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
        spread = math.sqrt(variance) / float(mean)
    longer = sum(gap > silence for gap in gaps) + 1
    return {
        "cadence_order_days": len(past.days),
        "cadence_gap_mean_days": mean,
        "cadence_gap_max_days": max(gaps, default=None),
        "cadence_gap_irregularity": spread,
        "cadence_last_gap_days": gaps[-1] if gaps else None,
        "cadence_gap_share": share(silence, mean) if gaps else None,
        "cadence_gap_max_share": share(silence, max(gaps)) if gaps else None,
        "cadence_longer_gap_share": share(longer, len(gaps) + 2) if past.days else None,
    }


def trend(past: Past) -> dict[str, Value]:
    def within(days: int) -> list[Order]:
        return [order for order in past.orders if order.ago < days]

    weekly = [sum(order.ago // 7 == week for order in past.orders) for week in reversed(range(12))]
    middle, mean = Fraction(11, 2), Fraction(sum(weekly), 12)
    moment = sum((week - middle) * (orders - mean) for week, orders in enumerate(weekly))
    return {
        "trend_orders_28d": share(len(within(28)), len(within(56))),
        "trend_orders_84d": share(len(within(84)), len(within(168))),
        "trend_paid_28d": share(sum(o.paid for o in within(28)), sum(o.paid for o in within(56))),
        "trend_orders_slope": moment / sum((week - middle) ** 2 for week in range(12)),
        "trend_active_weeks_12": sum(orders > 0 for orders in weekly),
    }


def basket(past: Past) -> dict[str, Value]:
    orders, paid = len(past.orders), sum(order.paid for order in past.orders)
    items = {line["item_id"] for line in past.lines}
    mean = share(paid, orders)
    last = sum(order.paid for order in past.orders if order.ago == past.days[-1])
    return {
        "basket_mean_paid_cents": mean,
        "basket_max_paid_cents": max((order.paid for order in past.orders), default=None),
        "basket_mean_lines": share(len(past.lines), orders),
        "basket_last_paid_share": share(last, mean) if mean else None,
        "basket_items": len(items),
        "basket_repeat_share": share(len(past.lines) - len(items), len(past.lines)),
    }


def preference(past: Past) -> dict[str, Value]:
    placed = [past.places[line["item_id"]] for line in past.lines]
    placed = [place for place in placed if place[0] is not None]
    ranked = sorted(
        Counter(department for department, _ in placed).items(), key=lambda pair: (-pair[1], pair[0])
    )
    shares = [Fraction(lines, len(placed)) for _, lines in ranked]
    first, second, third = [*shares, 0, 0, 0][:3] if placed else (None, None, None)
    return {
        "preference_top_department": ranked[0][0] if ranked else None,
        "preference_top_share": first,
        "preference_second_share": second,
        "preference_third_share": third,
        "preference_concentration": sum(share * share for share in shares) if placed else None,
        "preference_departments": len(ranked),
        "preference_categories": len({place for place in placed if place[1] is not None}),
    }


def price(past: Past) -> dict[str, Value]:
    def shelf(orders: list[Order]) -> int:
        return sum(order.paid + order.discount + order.coupon for order in orders)

    recent = [order for order in past.orders if order.ago < 84]
    with_coupon = [order.ago for order in past.orders if order.coupon > 0]
    return {
        "price_discount_share": share(sum(o.discount for o in past.orders), shelf(past.orders)),
        "price_coupon_share": share(sum(o.coupon for o in past.orders), shelf(past.orders)),
        "price_discount_share_84d": share(sum(o.discount for o in recent), shelf(recent)),
        "price_coupon_orders_share": share(len(with_coupon), len(past.orders)),
        "price_days_since_coupon": min(with_coupon, default=None),
    }


def campaign(past: Past) -> dict[str, Value]:
    return {
        "campaign_sent": len(past.sent),
        "campaign_sent_84d": sum(ago < 84 for ago in past.sent),
        "campaign_days_since_sent": min(past.sent, default=None),
        "campaign_answered": len(past.answered),
        "campaign_answer_rate": share(len(past.answered), len(past.sent)),
        "campaign_days_since_answer": min(past.answered.values(), default=None),
    }


def timing(past: Past) -> dict[str, Value]:
    weekdays = Counter(WEEKDAYS[order.at.weekday()] for order in past.orders)
    parts = Counter(("night", "morning", "afternoon", "evening")[order.at.hour // 6] for order in past.orders)
    names = (*WEEKDAYS, "night", "morning", "afternoon", "evening")
    return {f"timing_{name}_share": share((weekdays + parts)[name], len(past.orders)) for name in names}


def lifecycle(past: Past) -> dict[str, Value]:
    if not past.orders:
        return {"lifecycle_stage": "potential", "lifecycle_tenure_days": None}
    silence, tenure, gaps = past.days[-1], past.days[0], past.gaps
    usual = max(Fraction(sum(gaps), len(gaps)), 30) if gaps else 30
    if silence > 3 * usual:
        stage = "lost"
    elif silence > 30:
        stage = "dormant"
    else:
        stage = "new" if tenure < 28 else "active"
    return {"lifecycle_stage": stage, "lifecycle_tenure_days": tenure}


def attributes(past: Past) -> dict[str, Value]:
    return {f"attribute_{name}": past.attributes[name] for name in ("tier", "children")}


GROUPS = (rfm, cadence, trend, basket, preference, price, campaign, timing, lifecycle, attributes)

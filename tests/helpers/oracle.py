"""The feature groups once more by brute force: plain Python over one customer's rows, exact until the end.

Written from the docstrings and column names of `crm_ml.features`. To follow a new column there, add a key to
the function of its group here; a new group is one more function, listed in `GROUPS`.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
    lines: int


@dataclass(frozen=True)
class Past:
    """What was known of one customer: rows before the snapshot, and the row of `customers`."""

    lines: list[dict]
    orders: list[Order]
    refunds: list[Order]
    sent: list[int]
    answered: dict[str, int]
    places: dict[str, tuple[str | None, str | None]]
    attributes: dict
    history: int
    events: list[dict]
    as_of: int

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
    times = [row["ordered_at"] for row in world.rows["order_lines"] if row["ordered_at"] < world.as_of]
    history = 1 + max((days_ago(time, world.as_of) for time in times), default=0)
    pasts = {customer: _past(world, customer, history) for customer in known}
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


def _past(world: World, customer: str, history: int) -> Past:
    def rows(table: str, at: str) -> list[dict]:
        return [row for row in world.rows[table] if row["customer_id"] == customer and row[at] < world.as_of]

    lines = rows("order_lines", "ordered_at")
    whole, back = defaultdict(list), defaultdict(list)
    for line in lines:
        (back if line["refund_of"] else whole)[line["order_id"], line["ordered_at"]].append(line)
    answered: dict[str, int] = {}
    for row in rows("responses", "responded_at"):
        ago = days_ago(row["responded_at"], world.as_of)
        answered[row["campaign_id"]] = min(ago, answered.get(row["campaign_id"], ago))
    return Past(
        lines=[line for line in lines if not line["refund_of"]],
        orders=[_order(at, parts, world.as_of) for (_, at), parts in whole.items()],
        refunds=[_order(at, parts, world.as_of) for (_, at), parts in back.items()],
        sent=[days_ago(row["sent_at"], world.as_of) for row in rows("touches", "sent_at")],
        answered=answered,
        places={row["item_id"]: (row["department"], row["category"]) for row in world.rows["items"]},
        attributes=next(row for row in world.rows["customers"] if row["customer_id"] == customer),
        history=history,
        events=rows("events", "occurred_at"),
        as_of=world.as_of,
    )


def _order(at: int, lines: list[dict], as_of: int) -> Order:
    paid, discount, coupon = (
        sum(line[name] for line in lines) for name in ("paid_cents", "discount_cents", "coupon_cents")
    )
    return Order(datetime.fromtimestamp(at, UTC), days_ago(at, as_of), paid, discount, coupon, len(lines))


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
    large = [order.ago for order in past.orders if order.lines >= 10]
    found: dict[str, Value] = {
        "rfm_days_since_order": min(past.days, default=None),
        "rfm_days_since_large_order": min(large, default=None),
    }
    for days in (28, 84):
        found[f"rfm_lines_{days}d"] = sum(order.lines for order in past.orders if order.ago < days)
    for name, days in [("", math.inf), *((f"_{days}d", days) for days in (7, 14, 28, 56, 84, 180, 365))]:
        inside = [order for order in past.orders if order.ago < days]
        found[f"rfm_orders{name}"] = len(inside)
        returned = sum(order.paid for order in past.refunds if order.ago < days)
        found[f"rfm_paid_cents{name}"] = sum(order.paid for order in inside) + returned
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


def habit(past: Past) -> dict[str, Value]:
    days, gaps, history = past.days, past.gaps, past.history
    found: dict[str, Value] = {
        f"habit_order_days_{window}d": sum(day < window for day in days) for window in (28, 56, 84, 182)
    }
    weeks, months = {day // 7 for day in days}, {day // 28 for day in days}
    found["habit_weeks_56d"] = len([week for week in weeks if week < 8])
    unknown = {f"habit_day_rate_h{h}d": None for h in (7, 14, 28, 56)}
    unknown |= {f"habit_week_share_h{h}w": None for h in (4, 8)}
    names = ("day_share", "day_share_182d", "month_share", "days_since_third", "days_since_tenth")
    names += ("recent_gap_days", "recent_gap_share", "return_rate", "silent_28d_share", "silent_14d_share")
    found |= unknown | {f"habit_{name}": None for name in (*names, "unseen_days")}
    if not days:
        return found
    silence, oldest, newest_first = days[-1], days[0], days[::-1]
    for h in (7, 14, 28, 56):
        most = h / math.log(2) * (1 - 0.5 ** (history / h))
        found[f"habit_day_rate_h{h}d"] = (_decayed(days, h) + 0.3) / (most + 3)
    for h in (4, 8):
        most = sum(0.5 ** (week / h) for week in range(math.ceil(history / 7)))
        found[f"habit_week_share_h{h}w"] = _decayed(weeks, h) / most
    recent = share(sum(gaps[-5:]), len(gaps[-5:]))
    longer = [gap - silence for gap in gaps if gap > silence]
    unseen = history - oldest - 1
    long_28 = sum(max(gap - 28, 0) for gap in [*gaps, silence + 1, unseen])
    long_14 = sum(max(gap - 14, 0) for gap in [*gaps, silence + 1])
    return found | {
        "habit_day_share": share(len(days), history),
        "habit_day_share_182d": share(found["habit_order_days_182d"], min(history, 182)),
        "habit_month_share": share(len(months), math.ceil(history / 28)),
        "habit_days_since_third": newest_first[2] if len(days) > 2 else None,
        "habit_days_since_tenth": newest_first[9] if len(days) > 9 else None,
        "habit_recent_gap_days": recent,
        "habit_recent_gap_share": share(silence, recent) if recent else None,
        "habit_return_rate": (sum(more <= 28 for more in longer) + 0.5)
        / (sum(min(m, 28) for m in longer) + 43),
        "habit_silent_28d_share": share(long_28, history),
        "habit_silent_14d_share": share(long_14, oldest + 1),
        "habit_unseen_days": unseen,
    }


def _decayed(ages: Iterable[int], half_life: int) -> float:
    return math.fsum(0.5 ** (age / half_life) for age in ages)


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


def event_rhythm(past: Past) -> dict[str, Value]:
    """Of all kinds of event."""
    ages = [days_ago(row["occurred_at"], past.as_of) for row in past.events]
    clocks = [datetime.fromtimestamp(row["occurred_at"], UTC) for row in past.events]
    days = sorted(set(ages), reverse=True)
    gaps = [older - newer for older, newer in itertools.pairwise(days)]
    silence = min(days, default=None)
    mean, recent = share(sum(gaps), len(gaps)), share(sum(gaps[-5:]), len(gaps[-5:]))
    ranked = sorted(gaps)
    middle = ranked[(len(gaps) - 1) // 2 : len(gaps) // 2 + 1]
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) if gaps else None
    found: dict[str, Value] = {
        f"event_rhythm_events_{window}d": sum(age < window for age in ages) for window in (7, 28, 84)
    }
    found |= {f"event_rhythm_days_{window}d": sum(day < window for day in days) for window in (7, 28, 84)}
    for start, name in enumerate(("night", "morning", "afternoon", "evening")):
        found[f"event_rhythm_{name}_share"] = share(sum(c.hour // 6 == start for c in clocks), len(clocks))
    recent_kinds = {row["kind"] for row, age in zip(past.events, ages, strict=True) if age < 84}
    return found | {
        "event_rhythm_weekend_share": share(sum(c.weekday() > 4 for c in clocks), len(clocks)),
        "event_rhythm_days_since": silence,
        "event_rhythm_days_since_any": silence,
        "event_rhythm_tenure_days": max(days, default=None),
        "event_rhythm_gap_median_days": share(sum(middle), len(middle)),
        "event_rhythm_gap_mean_days": mean,
        "event_rhythm_gap_max_days": max(gaps, default=None),
        "event_rhythm_gap_irregularity": spread / float(mean) if len(gaps) > 1 else None,
        "event_rhythm_gap_share": share(silence, mean) if gaps else None,
        "event_rhythm_recent_gap_share": share(silence, recent) if gaps else None,
        "event_rhythm_longer_gap_share": share(sum(gap > silence for gap in gaps) + 1, len(gaps) + 2)
        if days
        else None,
        "event_rhythm_trend_28d": share(sum(a < 28 for a in ages), sum(a < 56 for a in ages)),
        "event_rhythm_share_84d": 1 if recent_kinds else None,
        "event_rhythm_kinds_84d": len(recent_kinds),
    }


def renewal(past: Past) -> dict[str, Value]:
    """Of all events with an end."""
    terms = sorted((row["occurred_at"], row["ends_at"]) for row in past.events if row["ends_at"] is not None)
    gaps = [Fraction(later[0] - term[1], 86_400) for term, later in itertools.pairwise(terms)]
    newest = max((start for start, _ in terms), default=None)
    last = [gap for gap, (start, _) in zip(gaps, terms[1:], strict=True) if start == newest]
    latest = max((end for _, end in terms), default=None)
    return {
        "renewal_days_until_end": None if latest is None else math.floor((latest - past.as_of) / 86_400),
        "renewal_days_since_start": None if newest is None else days_ago(newest, past.as_of),
        "renewal_term_days": None if latest is None else Fraction(latest - newest, 86_400),
        "renewal_terms": len(terms),
        "renewal_tenure_days": days_ago(terms[0][0], past.as_of) if terms else None,
        "renewal_last_gap_days": max(last, default=None),
        "renewal_gap_max_days": max(gaps, default=None),
        "renewal_gap_mean_days": share(sum(gaps), len(gaps)),
    }


def occasions(past: Past) -> dict[str, Value]:
    """Of joining, orders and terms; birthdays need a purpose and have a test of their own."""
    registered = past.attributes["registered_at"]
    if registered is None or registered >= past.as_of:
        registered = min((order.at.timestamp() for order in past.orders), default=None)
    today = datetime.fromtimestamp(past.as_of, UTC).date()
    coming = None
    if registered is not None:
        joined = datetime.fromtimestamp(registered, UTC).date()
        returns = (
            date(year, 3, 1)
            if (joined.month, joined.day) == (2, 29) and year % 4
            else joined.replace(year=year)
            for year in (today.year, today.year + 1)
        )
        coming = min((day - today).days for day in returns if day >= today)
    gaps = past.gaps
    ends = [event["ends_at"] for event in past.events if (event["ends_at"] or 0) >= past.as_of]
    return {
        "occasions_days_to_anniversary": coming,
        "occasions_days_to_birthday": None,
        "occasions_days_to_next_purchase": share(sum(gaps), len(gaps)) - min(past.days) if gaps else None,
        "occasions_days_to_end": min(((end - past.as_of) // 86_400 for end in ends), default=None),
    }


def behaviour(past: Past) -> dict[str, Value]:
    """Of the last 84 days, with the kinds and channels that the group has without options."""
    recent = [row for row in past.events if days_ago(row["occurred_at"], past.as_of) < 84]
    shares = [row for row in recent if row["kind"] in ("invite", "share")]
    served = [row for row in recent if row.get("channel") is not None]
    return {
        "behaviour_visit_days_84d": len(
            {days_ago(row["occurred_at"], past.as_of) for row in recent if row not in shares}
        ),
        "behaviour_items_84d": len({row["item_id"] for row in recent if row.get("item_id") is not None}),
        "behaviour_shares_84d": len(shares),
        "behaviour_person_share_84d": share(
            sum(row["channel"] in ("chat", "phone", "store") for row in served), len(served)
        ),
    }


GROUPS = (
    rfm, cadence, habit, trend, basket, preference, price, campaign, timing, lifecycle, attributes,
    behaviour, event_rhythm, occasions, renewal,
)  # fmt: skip

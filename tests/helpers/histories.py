"""Random customer histories full of edge cases, as plain rows and as tables of every engine."""

import itertools
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

DAY = 86_400
MIDNIGHT = int(datetime(2017, 8, 30, tzinfo=UTC).timestamp())
TIMES = {
    "order_lines": "ordered_at",
    "touches": "sent_at",
    "responses": "responded_at",
    "events": "occurred_at",
}
KINDS = ("irregular", "edges", "regular", "one", "irregular", "same_second", "future", "none")
Rows = list[dict]
TYPES = {
    "customers": {"customer_id": "str", "registered_at": "int", "tier": "str", "children": "int"},
    "order_lines": {
        "customer_id": "str",
        "order_id": "str",
        "line_id": "str",
        "item_id": "str",
        "ordered_at": "int",
        "quantity": "int",
        "paid_cents": "int",
        "discount_cents": "int",
        "coupon_cents": "int",
        "refund_of": "str",
    },
    "items": {"item_id": "str", "department": "str", "category": "str"},
    "campaigns": {"campaign_id": "str", "kind": "str", "starts_at": "int", "ends_at": "int"},
    "touches": {"campaign_id": "str", "customer_id": "str", "sent_at": "int"},
    "responses": {"campaign_id": "str", "customer_id": "str", "responded_at": "int", "kind": "str"},
    "events": {
        "event_id": "str",
        "customer_id": "str",
        "kind": "str",
        "occurred_at": "int",
        "ends_at": "int",
    },
}


@dataclass(frozen=True)
class World:
    """Rows of each table, times in epoch seconds, and the moment they are seen from."""

    rows: dict[str, Rows]
    as_of: int

    def snapshot(self) -> Snapshot:
        return Snapshot(datetime.fromtimestamp(self.as_of, UTC), timedelta(days=28))

    def plus(self, **more: Rows) -> "World":
        """The same world with more rows in some tables."""
        return replace(self, rows={name: rows + more.get(name, []) for name, rows in self.rows.items()})

    def mapped(self, change) -> "World":
        """The same world with ``change(table, row)`` in place of each row."""
        return replace(
            self, rows={name: [change(name, row) for row in rows] for name, rows in self.rows.items()}
        )

    def of(self, customers: set[str]) -> "World":
        """The same world with the rows of some customers alone, and what belongs to nobody."""
        rows = {
            name: [row for row in every if row.get("customer_id", "") in {"", *customers}]
            for name, every in self.rows.items()
        }
        return replace(self, rows=rows)

    def shuffled(self, seed: int) -> "World":
        draw = random.Random(seed)
        return replace(self, rows={name: draw.sample(rows, len(rows)) for name, rows in self.rows.items()})

    def tables(self, engine: str = "duckdb", without: tuple[str, ...] = ()) -> Tables:
        frames = {name: _frame(name, rows) for name, rows in self.rows.items() if name not in without}
        return Tables(**frames).to(engine)


def _frame(name: str, rows: Rows) -> pd.DataFrame:
    columns = {}
    for column, kind in TYPES[name].items():
        values = [row[column] for row in rows]
        if column.endswith("_at"):
            columns[column] = pd.to_datetime(pd.Series(values, dtype="Int64"), unit="s").astype(
                "datetime64[us]"
            )
            columns[f"{column}_epoch_s"] = pd.Series(values, dtype="Int64")
        else:
            columns[column] = pd.Series(values, dtype="Int64" if kind == "int" else "str")
    return pd.DataFrame(columns)


def random_world(seed: int, customers: int, as_of: int = MIDNIGHT) -> World:
    """Draw customers who are irregular, gone, not yet there, or sit on a boundary."""
    draw = random.Random(seed)
    ids = [f"c{seed}-{number:03d}" for number in range(customers)]
    items = [
        {
            "item_id": f"i{number:02d}",
            "department": draw.choice(["food", "drinks", "Care", "pets", "Ökö", None]),
            "category": draw.choice(["a", "b", "c", None]),
        }
        for number in range(30)
    ]
    campaigns = [
        {
            "campaign_id": f"k{n}",
            "kind": "mail",
            "starts_at": as_of - n * 9 * DAY,
            "ends_at": as_of - n * 2 * DAY,
        }
        for n in range(8)
    ]
    rows = {name: [] for name in TYPES} | {"items": items, "campaigns": campaigns}
    for number, customer in enumerate(ids):
        kind = KINDS[number % len(KINDS)]
        registered = [None, as_of, as_of + DAY, *([] if kind == "future" else [as_of - 1, as_of - 400 * DAY])]
        rows["customers"].append(
            {
                "customer_id": customer,
                "registered_at": draw.choice(registered),
                "tier": draw.choice(["gold", "silver", None]),
                "children": draw.choice([0, 1, 2, None]),
            }
        )
        _add_orders(rows["order_lines"], customer, _order_times(kind, as_of, draw), draw)
        if kind != "future":
            _add_messages(rows, customer, as_of, draw)
    return World(rows, as_of)


def _order_times(kind: str, as_of: int, draw: random.Random) -> list[int]:
    if kind == "irregular":
        times = [as_of - draw.randrange(-60 * DAY, 450 * DAY) for _ in range(draw.randint(2, 40))]
    elif kind == "edges":
        ages = draw.sample([1, 2, 6, 7, 8, 14, 28, 56, 77, 83, 84, 168, 180, 365], draw.randint(1, 9))
        times = [as_of, *(as_of - age * DAY + draw.choice([-1, 0, 0, 1]) for age in ages)]
    elif kind == "regular":
        start, step = draw.randrange(60 * DAY), draw.randint(1, 30) * DAY
        times = [as_of - start - number * step for number in range(draw.randint(2, 12))]
    elif kind == "same_second":
        times = [as_of - draw.randint(1, 40) * DAY] * draw.randint(2, 5)
    elif kind == "one":
        times = [as_of - draw.choice([28, 29, 31, 32, 91, 92, draw.randint(1, 300)]) * DAY]
    else:
        times = [as_of + draw.randint(0, 30) * DAY] if kind == "future" else []
    return times + [time - time % DAY for time in times if draw.random() < 0.2]


def _add_orders(lines: Rows, customer: str, times: list[int], draw: random.Random) -> None:
    for number, time in enumerate(times):
        for line in range(draw.choice([1, 1, 2, 5, 12])):
            later = draw.choice([0] * 9 + [DAY, 3600])
            lines.append(_line(customer, f"{customer}-o{number}", line, time + later, draw))
        if draw.random() < 0.15:
            lines.append(_refund(lines[-1], time + draw.choice([0, 1, 3600, 3 * DAY, 40 * DAY])))


def _line(customer: str, order: str, line: int, time: int, draw: random.Random) -> dict:
    paid = draw.choice([0, 0, -500, -1, *(draw.randint(1, 9_999) for _ in range(3))])
    paid = 10**9 if draw.random() < 0.01 else paid
    return {
        "customer_id": customer,
        "order_id": order,
        "line_id": str(line),
        "item_id": f"i{int(30 * draw.random() ** 2):02d}",
        "ordered_at": time,
        "quantity": draw.choice([1, 1, 2, -1]),
        "paid_cents": paid,
        "discount_cents": draw.choice([0, 0, draw.randint(0, 500)]),
        "coupon_cents": draw.choice([0, 0, 0, draw.randint(0, 300)]),
        "refund_of": None,
    }


def _refund(line: dict, time: int) -> dict:
    """A linked refund of a line, as cleaning leaves it: negative money at its own time."""
    money = {name: -line[name] for name in ("quantity", "paid_cents", "discount_cents", "coupon_cents")}
    order = line["order_id"]
    return line | money | {"line_id": f"refund:{order}", "refund_of": order, "ordered_at": time}


def _add_messages(rows: dict[str, Rows], customer: str, as_of: int, draw: random.Random) -> None:
    """Add touches, responses (also to campaigns that were not sent) and events."""

    def moments(most: int) -> list[int]:
        exact = [as_of - days * DAY for days in (0, 1, 83, 84, 85)]
        return [
            draw.choice([*exact, as_of - draw.randrange(-30 * DAY, 200 * DAY)])
            for _ in range(draw.randint(0, most))
        ]

    for time in moments(4):
        rows["touches"].append(
            {"campaign_id": f"k{draw.randrange(8)}", "customer_id": customer, "sent_at": time}
        )
    for time in moments(3):
        campaign = f"k{draw.randrange(8)}"
        rows["responses"].append(
            {"campaign_id": campaign, "customer_id": customer, "responded_at": time, "kind": "redemption"}
        )
    for number, time in enumerate(moments(1)):
        event = {
            "event_id": f"{customer}-e{number}",
            "customer_id": customer,
            "kind": "view",
            "occurred_at": time,
            "ends_at": None,
        }
        rows["events"].append(event)
    rows["events"] += _rhythm(customer, as_of)


def _rhythm(customer: str, as_of: int) -> Rows:
    """Lessons, visits and terms of every third customer, drawn apart so that all else stays as it is."""
    draw = random.Random(customer)
    if draw.random() > 0.34:
        return []
    rows = []
    for number in range(draw.randint(1, 25)):
        kind, length = draw.choice([("lesson", None), ("visit", None), ("term", draw.randint(1, 60) * DAY)])
        ago = draw.choice([0, 1, 7 * DAY, 28 * DAY, 84 * DAY, *(draw.randrange(-30 * DAY, 200 * DAY),) * 9])
        ends_at = None if length is None else as_of - ago + length + draw.choice([0, 0, 1, 3600])
        rows.append(
            {
                "event_id": f"{customer}-r{number}",
                "customer_id": customer,
                "kind": kind,
                "occurred_at": as_of - ago,
                "ends_at": ends_at,
            }
        )
    return rows


def poison(world: World) -> World:
    """Add rows dated at or after the snapshot: huge amounts, new customers, old orders that grow, answers."""
    as_of, lines = world.as_of, world.rows["order_lines"]
    old = [line for line in lines if line["ordered_at"] < as_of]
    times = itertools.cycle([as_of, as_of + 1, as_of + DAY, as_of + 400 * DAY])
    huge = {"paid_cents": 10**9, "discount_cents": 10**9, "coupon_cents": 10**9, "quantity": 10**6}
    grown = [line | huge | {"line_id": f"p{n}", "ordered_at": next(times)} for n, line in enumerate(old)]
    fresh = [
        line | {"customer_id": f"new{n % 5}", "order_id": f"new{n}"} for n, line in enumerate(grown[:20])
    ]
    known = [row["customer_id"] for row in world.rows["customers"]]
    everyone = [*known, *(f"new{n}" for n in range(5))]
    new = [
        {"customer_id": f"new{n}", "registered_at": [None, as_of][n % 2], "tier": "poison", "children": 9}
        for n in range(5)
    ]
    touches = [{"campaign_id": "k1", "customer_id": who, "sent_at": next(times)} for who in everyone]
    responses = [
        {"campaign_id": "k2", "customer_id": who, "responded_at": next(times), "kind": "redemption"}
        for who in everyone
    ]
    events = [
        {
            "event_id": f"p{who}",
            "customer_id": who,
            "kind": "view",
            "occurred_at": next(times),
            "ends_at": as_of + 400 * DAY,
        }
        for who in everyone
    ]
    return world.plus(
        order_lines=grown + fresh, customers=new, touches=touches, responses=responses, events=events
    )

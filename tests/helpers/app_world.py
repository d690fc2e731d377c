"""Users of an app: log-ins in a rhythm of their own until they leave, and monthly terms that some renew."""

import numpy as np
import pandas as pd

from crm_ml.snapshots import DAY_S
from crm_ml.tables import Tables

FIRST = pd.Timestamp("2024-01-01")
TERM_DAYS = 30


def app_tables(users: int = 300, days: int = 200, seed: int = 3, orders: bool = True) -> Tables:
    """Return tables of users who log in every few days and leave at random.

    Each renews a term of 30 days with a probability of their own; terms have ``ends_at``.
    """
    draw = np.random.default_rng(seed)
    rows = [row for user in range(users) for row in _life(f"u{user:04d}", days, draw)]
    events = pd.DataFrame(rows, columns=["customer_id", "kind", "day", "length"]).sort_values(
        ["day", "customer_id"]
    )
    seconds = int(FIRST.timestamp()) + (events["day"] * DAY_S).astype("int64")
    ends = seconds + (events["length"] * DAY_S).astype("Int64")
    table = pd.DataFrame(
        {
            "customer_id": events["customer_id"].astype("str"),
            "kind": events["kind"].astype("str"),
            "occurred_at": pd.to_datetime(seconds, unit="s"),
            "occurred_at_epoch_s": seconds,
            "ends_at_epoch_s": ends,
        }
    ).reset_index(drop=True)
    customers = pd.DataFrame({"customer_id": sorted(set(table["customer_id"]))})
    return Tables(customers=customers, order_lines=_lines(table, orders), events=table).to("duckdb")


def _life(user: str, days: int, draw: np.random.Generator):
    joined, gap = draw.uniform(0, days * 0.6), draw.choice([0.7, 1.5, 4.0])
    left = joined + draw.exponential(90 / gap)
    at = joined
    while at < min(left, days):
        yield user, "login", at, np.nan
        at += draw.exponential(gap) + 0.01
    at, keeps = joined, draw.choice([0.3, 0.9])
    while at < days:
        yield user, "term", at, TERM_DAYS
        if draw.random() > keeps:
            break
        at += TERM_DAYS + draw.uniform(-2, 4)


def _lines(events: pd.DataFrame, orders: bool) -> pd.DataFrame:
    """Return an order for each term, or no order at all."""
    bought = events[events["kind"] == "term"] if orders else events.iloc[:0]
    lines = bought[["customer_id"]].copy()
    lines["order_id"] = [f"o{number}" for number in range(len(lines))]
    lines["order_id"] = lines["order_id"].astype("str")
    lines["item_id"] = pd.Series("term", index=lines.index, dtype="str")
    lines["ordered_at"] = bought["occurred_at"]
    lines["ordered_at_epoch_s"] = bought["occurred_at_epoch_s"]
    for name, value in {"quantity": 1, "paid_cents": 999, "discount_cents": 0, "coupon_cents": 0}.items():
        lines[name] = np.int64(value)
    return lines.reset_index(drop=True)


def who_logged_in(tables: Tables, day: str, first: int, last: int) -> set[str]:
    """Return by plain pandas who logged in from `first` to before `last` days after a day."""
    events = tables.pandas("events")
    days = (events["occurred_at_epoch_s"] - int(pd.Timestamp(day).timestamp())) / DAY_S
    return set(events.loc[(events["kind"] == "login") & (days >= first) & (days < last), "customer_id"])


def terms_that_end(tables: Tables, day: str, within: int, grace: int) -> tuple[set[str], set[str]]:
    """Return whose latest term ends within so many days after a day, and who of all begins one in time."""
    events = tables.pandas("events").query("kind == 'term'")
    start = int(pd.Timestamp(day).timestamp())
    known = events[events["occurred_at_epoch_s"] < start]
    ends = known.groupby("customer_id")["ends_at_epoch_s"].max()
    later = events[events["occurred_at_epoch_s"] >= start]
    by = later["customer_id"].map(ends).astype("float64") + grace * DAY_S
    renewed = set(later.loc[later["occurred_at_epoch_s"] < by, "customer_id"])
    return set(ends.index[(ends >= start) & (ends < start + within * DAY_S)]), renewed

"""Visits, depth, sharing and personal service, counted by hand over two days and three engines."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crm_ml import features
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

EPOCH = date(1970, 1, 1)
DAY = date(2024, 6, 1)
NAMES = [f"behaviour_{name}" for name in ("visit_days_84d", "items_84d", "shares_84d", "person_share_84d")]
EVENTS = [  # customer, kind, days before DAY, item, channel
    ("a", "view", 1, "i1", "app"),
    ("a", "view", 1, "i2", "app"),
    ("a", "view", 5, "i1", "store"),
    ("a", "invite", 5, None, None),
    ("a", "view", 85, "i3", "phone"),  # within 84 days of the day before DAY, not of DAY
    ("b", "share", 3, None, None),
    ("c", "visit", 200, None, "store"),
    ("c", "visit", -1, "i9", "phone"),  # after DAY
]


def seconds(day):
    return (day - EPOCH).days * 86_400


def shop(engine, columns=("item_id", "channel")):
    ids = ["a", "b", "c", "d"]
    frame = pd.DataFrame(EVENTS, columns=["customer_id", "kind", "ago", "item_id", "channel"])
    at = [seconds(DAY) - ago * 86_400 for ago in frame["ago"]]
    events = frame[["customer_id", "kind", *columns]].assign(occurred_at_epoch_s=at)
    lines = pd.DataFrame(
        {
            "customer_id": ids, "order_id": ids, "item_id": "x",
            "ordered_at_epoch_s": seconds(date(2023, 1, 1)),
            "quantity": 1, "paid_cents": 100, "discount_cents": 0, "coupon_cents": 0,
        }
    )  # fmt: skip
    return Tables(customers=pd.DataFrame({"customer_id": ids}), order_lines=lines, events=events).to(engine)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_behaviour_is_that_of_the_last_twelve_weeks(engine):
    snapshots = [Snapshot(day, timedelta(days=1)) for day in (DAY - timedelta(days=1), DAY)]
    before, now = features.matrices(shop(engine), snapshots, ["behaviour"])

    now, before = now[NAMES], before[NAMES]
    assert now.loc["a"].tolist() == [2, 2, 1, pytest.approx(1 / 3)]
    assert before.loc["a"].tolist() == [2, 2, 1, 1.0]  # on i1 and i3, in a store and by phone
    assert now.loc["b"].tolist()[:3] == [0, 0, 1]
    assert now.loc["c"].tolist()[:3] == now.loc["d"].tolist()[:3] == [0, 0, 0]
    assert now["behaviour_person_share_84d"].isna().tolist() == [False, True, True, True]


def test_what_is_sharing_and_personal_follows_from_the_options():
    options = {"behaviour": {"sharing": "view", "person": ["app"]}}
    found = features.matrix(shop("duckdb"), Snapshot(DAY, timedelta(days=1)), options).loc["a"]
    assert found[NAMES].tolist() == [1, 2, 3, pytest.approx(2 / 3)]


def test_events_without_items_and_channels_have_no_depth_and_no_service():
    found = features.matrix(shop("duckdb", ()), Snapshot(DAY, timedelta(days=1)), ["behaviour"])
    assert found["behaviour_items_84d"].eq(0).all()
    assert found["behaviour_person_share_84d"].isna().all()

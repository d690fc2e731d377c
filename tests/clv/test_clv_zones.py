"""Lifetime-value days are those of the zone of the tables, also where a day has 23 or 25 hours."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from crm_ml.clv import summarize
from crm_ml.clv.observed_outcomes import outcomes
from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables import Tables

ZONES = ("UTC", "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo")
TIMES = [
    ("a", "2024-01-10 20:00"), ("a", "2024-01-11 09:00"), ("b", "2024-01-10 08:00"), ("b", "2024-01-10 21:00")
]  # fmt: skip


def bought(rows: list[tuple[str, str]], zone: str, engine: str = "duckdb") -> Tables:
    """Tables with an order at each local time."""
    local = [datetime.fromisoformat(time).replace(tzinfo=ZoneInfo(zone)) for _, time in rows]
    names = [name for name, _ in rows]
    ids = [str(number) for number in range(len(rows))]
    fixed = {"item_id": "x", "quantity": 1, "paid_cents": 100, "discount_cents": 0, "coupon_cents": 0}
    lines = pd.DataFrame({"customer_id": names, "order_id": ids, **fixed})
    lines = lines.assign(ordered_at_epoch_s=[int(at.timestamp()) for at in local])
    customers = pd.DataFrame({"customer_id": sorted(set(names))})
    return Tables(customers, lines, zone=zone).to(engine)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
@pytest.mark.parametrize("zone", ZONES)
def test_orders_of_one_local_day_are_one_purchase(zone: str, engine: str) -> None:
    summary = summarize(bought(TIMES, zone, engine), "2024-02-01")
    assert summary["frequency"].to_dict() == {"a": 1, "b": 0}
    assert summary["recency"].to_dict() == {"a": 1.0, "b": 0.0}
    assert summary["T"].to_dict() == {"a": 21.0, "b": 21.0}


@pytest.mark.parametrize("zone", ZONES)
def test_lines_and_orders_of_the_tables_have_the_days_too(zone: str) -> None:
    own = bought(TIMES, zone)
    expected = summarize(own, "2024-02-01")
    for frame in (own.order_lines, own.frame("orders"), own.pandas("order_lines")):
        pd.testing.assert_frame_equal(summarize(frame, "2024-02-01"), expected)


def test_the_last_evening_before_the_day_counts_and_the_first_minute_after_it_does_not() -> None:
    times = [("a", "2024-01-31 23:59"), ("b", "2024-01-31 23:59"), ("c", "2024-02-01 00:00")]
    own, tokyo = bought(times, "Asia/Tokyo"), ZoneInfo("Asia/Tokyo")
    midnights = (datetime(2024, 2, 1), datetime(2024, 2, 1, tzinfo=tokyo), "2024-02-01T00:00:00+09:00")
    for as_of in ("2024-02-01", *midnights, "2024-01-31T10:00:00-05:00"):
        assert summarize(own, as_of)["T"].to_dict() == {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("America/New_York", ("2024-03-09", "2024-03-10", "2024-03-11")),
        ("America/New_York", ("2024-11-02", "2024-11-03", "2024-11-04")),
        ("Pacific/Auckland", ("2024-04-06", "2024-04-07", "2024-04-08")),
        ("Pacific/Auckland", ("2024-09-28", "2024-09-29", "2024-09-30")),
    ],
)
def test_days_with_23_and_25_hours_count_as_one(zone: str, days: tuple[str, ...]) -> None:
    own = bought([("a", f"{day} {hour}") for day in days for hour in ("00:10", "23:50")], zone)
    as_of = Snapshot(days[-1], timedelta(days=2)).shifted(2)
    row = summarize(own, as_of.as_of).loc["a"]
    assert (row["frequency"], row["recency"], row["T"]) == (2, 2.0, 3.0)
    first = Snapshot(days[0], timedelta(days=3))
    window = outcomes(own, first, summarize(own, as_of.as_of), data_ends_at=first.label_ends_at)
    assert window.known["purchases"].tolist() == [3]


@pytest.mark.parametrize("zone", ZONES)
def test_data_reach_to_the_end_of_the_local_day_of_the_last_order(zone: str) -> None:
    own = bought([("a", "2024-03-05 23:30")], zone)
    check_data_reach(own, Snapshot("2024-03-01", timedelta(days=5)))
    check_data_reach(own, Snapshot("2024-03-01", timedelta(days=5), zone=zone))
    with pytest.raises(InputError, match="end on 2024-03-07, but the data end on 2024-03-06"):
        check_data_reach(own, Snapshot("2024-03-01", timedelta(days=6)))
    check_data_reach(own, Snapshot("2024-03-01", timedelta(days=31)), "2024-04-01")

"""Features of tables of a zone are those of the same clock times in UTC, on every engine, to the bit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import narwhals as nw
import pandas as pd
import pytest
from histories import DAY, TIMES, World, random_world
from soak import sample

from crm_ml import features
from crm_ml.churn.target import labels
from crm_ml.features import feature_groups
from crm_ml.features.past import Past
from crm_ml.models.active_customers import eligible
from crm_ml.propensity.campaign_responses import answers, sent_campaigns
from crm_ml.recommend.recommendation_task import task_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.bundle import Engine, to_pandas
from crm_ml.tables.zones import on_clock
from crm_ml.uplift.trial_rows import trials

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "Asia/Shanghai")
CHANGES = {"America/New_York": "2017-11-06", "Europe/Berlin": "2017-03-27", "Pacific/Auckland": "2017-04-03"}
TIMES_OF_CUSTOMERS = TIMES | {"customers": "registered_at", "campaigns": "ends_at"}
HORIZON = timedelta(days=28)


def moved(world: World, shift) -> World:
    """The world with other times."""

    def row_of(name: str, row: dict) -> dict:
        times = [TIMES_OF_CUSTOMERS.get(name), "ends_at" if name == "events" else None]
        return row | {at: shift(row[at]) for at in times if at is not None and row[at] is not None}

    return world.mapped(row_of)


def to_clock(zone: str):
    def shift(epoch_s: int) -> int:
        return int(datetime.fromtimestamp(epoch_s, ZoneInfo(zone)).replace(tzinfo=UTC).timestamp())

    return shift


def of_zone(world: World, zone: str, engine: Engine = "duckdb") -> Tables:
    return replace(world.tables(), zone=zone).to(engine)


def midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def pairs(zone: str, engine: Engine = "duckdb", customers: int = 16):
    """Tables of the zone, the same clock times in UTC, and two days around a change of the clock."""
    day = CHANGES.get(zone, "2017-08-30")
    world = random_world(8, customers, midnight(day))
    snapshots = [Snapshot(day, HORIZON), Snapshot(day, HORIZON).shifted(-7)]
    return of_zone(world, zone, engine), moved(world, to_clock(zone)).tables(engine), snapshots


SOME_ZONES = [ZONES[0], *sample("zones", ZONES[1:], 1)]


@pytest.mark.parametrize("zone", SOME_ZONES)
def test_features_are_those_of_the_clock(zone: str) -> None:
    own, of_clock, snapshots = pairs(zone)
    every = list(features.groups())
    expected = features.matrices(of_clock, snapshots, every)
    for left, right in zip(features.matrices(own, snapshots, every), expected, strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize("engine", ["pandas", "polars"])
@pytest.mark.parametrize("zone", sample("zones on other engines", ZONES, 1))
def test_features_on_other_engines_are_those_of_the_clock(zone: str, engine: Engine) -> None:
    own, of_clock, (day, _) = pairs(zone, engine)
    frames = [features.matrix(tables, day) for tables in (own, of_clock)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def new_items(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame":
    """Count the lines of the last week, as a group of one's own may."""
    lines = on_clock(snapshot.past(tables.frame("order_lines"), at="ordered_at"), "ordered_at")
    recent = snapshot.window(lines, at="ordered_at", days=7)
    return recent.group_by("customer_id").agg(nw.len().alias("own_lines"))


def test_a_group_of_ones_own_gets_the_day_on_the_clock_for_a_moment(monkeypatch) -> None:
    monkeypatch.setattr(feature_groups, "group_of", lambda _: SimpleNamespace(compute=new_items))
    own = orders_at(["2024-02-22 23:59", "2024-02-23 00:00", "2024-02-29 23:59"], "Asia/Tokyo")
    for day in (Snapshot("2024-03-01", HORIZON), Snapshot("2024-03-01", HORIZON, zone="Asia/Tokyo")):
        frame = feature_groups.computed("own", Past(own, [day]), {})
        assert to_pandas(frame)["own_lines"].tolist() == [2]


def test_a_moment_in_the_zone_is_the_day_on_its_clock() -> None:
    own, _, (day, _) = pairs("America/New_York")
    moment = replace(day, as_of=day.as_of.replace(tzinfo=None), zone=own.zone)
    assert (moment.clock_s, moment.epoch_s) == (day.epoch_s, day.epoch_s + 5 * 3600)
    wanted = ["habit", "rfm", "timing"]
    frames = [features.matrix(own, one, wanted) for one in (moment, day)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.parametrize("zone", SOME_ZONES)
def test_labels_and_who_is_active_are_by_days_of_the_zone(zone: str) -> None:
    own, of_clock, (snapshot, _) = pairs(zone)
    ends = snapshot.label_ends_at
    of_both = [labels(one, snapshot, HORIZON, data_ends_at=ends, minimum=0) for one in (own, of_clock)]
    pd.testing.assert_series_equal(*of_both)
    assert eligible(own, snapshot, HORIZON).equals(eligible(of_clock, snapshot, HORIZON))


@pytest.mark.parametrize("zone", SOME_ZONES)
def test_recommendations_have_the_events_of_the_clock(zone: str) -> None:
    own, of_clock, (snapshot, _) = pairs(zone)
    left, right = task_of(own, snapshot), task_of(of_clock, snapshot)
    assert sorted(left.data.at) == sorted(right.data.at)
    assert left.data.ends_at == right.data.ends_at
    assert (left.relevant != right.relevant).nnz == 0


def sent_at(zone: str, sent: str, ends: str) -> Tables:
    """Tables with one touch of one campaign, and an answer a minute before the campaign ends."""
    moments = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in (sent, ends)]
    touched, ended = (int(moment.timestamp()) for moment in moments)
    times = {"starts_at_epoch_s": [touched], "ends_at_epoch_s": [ended]}
    touch = {"campaign_id": ["k"], "customer_id": ["a"]}
    return replace(
        orders_at([sent], zone),
        campaigns=pd.DataFrame({"campaign_id": ["k"], "kind": ["mail"]} | times),
        touches=pd.DataFrame(touch | {"sent_at_epoch_s": [touched]}),
        responses=pd.DataFrame(touch | {"kind": ["click"], "responded_at_epoch_s": [ended - 60]}),
        assignments=pd.DataFrame(touch | {"arm": ["mail"], "assigned_at_epoch_s": [touched]}),
    )


@pytest.mark.parametrize("zone", ZONES)
def test_campaigns_are_sent_answered_and_drawn_on_days_of_the_zone(zone: str) -> None:
    own = sent_at(zone, "2024-03-09 23:30", "2024-03-31 23:30")
    (occasion,) = sent_campaigns(own)
    assert (str(occasion.snapshot), occasion.snapshot.horizon.days) == ("2024-03-09", 23)
    assert answers(own, occasion).tolist() == [1]
    (trial,) = trials(own, HORIZON)
    assert str(trial.snapshot) == "2024-03-09"


def orders_at(times: list[str], zone: str) -> Tables:
    """One order of customer a at each local time."""
    local = [datetime.fromisoformat(time).replace(tzinfo=ZoneInfo(zone)) for time in times]
    cents = dict.fromkeys(("paid_cents", "discount_cents", "coupon_cents"), 100)
    ids = [f"o{number}" for number in range(len(times))]
    epochs = [int(at.timestamp()) for at in local]
    lines = pd.DataFrame({"customer_id": "a", "order_id": ids, "item_id": "x", "quantity": 1, **cents})
    return Tables(pd.DataFrame({"customer_id": ["a"]}), lines.assign(ordered_at_epoch_s=epochs), zone=zone)


@pytest.mark.parametrize("zone", ZONES)
def test_weekday_and_quarter_of_the_day_are_those_of_the_shop(zone: str) -> None:
    evening = orders_at(["2024-03-06 21:30", "2024-03-10 21:30", "2024-11-03 21:30"], zone)
    row = features.matrix(evening, Snapshot("2024-11-04", HORIZON), ["timing"]).loc["a"]
    assert row["timing_evening_share"] == 1.0
    assert row["timing_wednesday_share"] == 1 / 3
    assert row["timing_sunday_share"] == 2 / 3


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", "2024-03-10"),
        ("America/New_York", "2024-11-03"),
        ("Europe/Berlin", "2024-03-31"),
        ("Europe/Berlin", "2024-10-27"),
        ("Pacific/Auckland", "2024-04-07"),
        ("Pacific/Auckland", "2024-09-29"),
        ("Africa/Cairo", "2024-04-26"),  # begins at 1:00
        ("America/Havana", "2024-11-03"),  # 0:00 to 0:59 twice
    ],
)
def test_a_day_of_23_or_25_hours_is_one_day(zone: str, day: str) -> None:
    before, after = (Snapshot(day, HORIZON).shifted(days) for days in (-1, 1))
    own = orders_at([f"{before} 23:59:59", f"{day} 01:00:00", f"{day} 23:59:59", f"{after} 00:00:00"], zone)
    ago = features.matrix(own, after, ["rfm"]).loc["a"]
    assert (ago["rfm_orders"], ago["rfm_days_since_order"]) == (3, 0)
    dates = features.matrix(own, after.shifted(1), ["cadence"]).loc["a"]
    assert (dates["cadence_order_days"], dates["cadence_gap_max_days"]) == (3, 1)
    window = Snapshot(day, timedelta(days=1)).future(own.order_lines, at="ordered_at")
    assert window["order_id"].tolist() == ["o1", "o2"]
    on_the_day = Snapshot(day, timedelta(days=1), zone=zone)
    assert on_the_day.future(own.order_lines, at="ordered_at")["order_id"].tolist() == ["o1", "o2"]
    assert len(Snapshot(after.as_of, HORIZON).window(own.order_lines, "ordered_at", 2)) == 3
    assert (on_the_day.label_ends_at - on_the_day.as_of).days == 1
    assert on_the_day.clock_s % DAY == 0

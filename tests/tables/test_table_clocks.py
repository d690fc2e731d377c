"""Days are those of the declared zone: the clock of the tables, and the moment until which they are known."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from shop import FIRST_DAY, Shop, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables
from crm_ml.tables.bundle import Engine
from crm_ml.tables.zones import moment_in, on_clock_of, with_clocks

LINES = "order_lines"
NEW_YEAR = 1_704_067_200  # 2024-01-01 in UTC
ZONES = (
    "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Shanghai",
    "Pacific/Auckland", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Australia/Lord_Howe",
)  # fmt: skip


def clock(zone: str, epoch_s: int) -> int:
    """What the clock shows, by the standard library alone."""
    local = datetime.fromtimestamp(epoch_s, ZoneInfo(zone)).replace(tzinfo=UTC)
    return int(local.timestamp())


def lines(epochs: list[int | None]) -> pd.DataFrame:
    ids = [f"o{number}" for number in range(len(epochs))]
    cents = dict.fromkeys(("paid_cents", "discount_cents", "coupon_cents"), 100)
    frame = pd.DataFrame({"customer_id": "a", "order_id": ids, "item_id": "x", "quantity": 1, **cents})
    return frame.assign(ordered_at_epoch_s=pd.Series(epochs, dtype="Int64"))


def tables(epochs: list[int | None], zone: str, engine: Engine = "pandas") -> Tables:
    customers = pd.DataFrame({"customer_id": ["a"]})
    return Tables(customers, lines(epochs), zone=zone).to(engine)


def hours(start: datetime, end: datetime) -> list[int]:
    return list(range(int(start.timestamp()) + 1799, int(end.timestamp()), 1800))


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
@pytest.mark.parametrize("zone", ZONES)
def test_every_engine_has_the_clock_of_the_zone(zone: str, engine: Engine) -> None:
    epochs = hours(datetime(2021, 12, 31, tzinfo=UTC), datetime(2022, 11, 10, tzinfo=UTC))[::7]
    expected = sorted(clock(zone, epoch) for epoch in epochs)
    for name in (LINES, "orders"):
        frame = tables(epochs, zone, engine).pandas(name)
        assert sorted(frame["ordered_at_local_s"]) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_every_half_hour_of_the_days_around_a_change_is_on_the_clock(zone: str) -> None:
    days = [
        datetime(2024, month, day, tzinfo=UTC) for month in (3, 4, 9, 10, 11) for day in (3, 6, 10, 25, 30)
    ]
    epochs = sorted({epoch for day in days for epoch in hours(day, day + timedelta(days=2))})
    own = tables(epochs, zone).pandas(LINES)
    assert own["ordered_at_local_s"].tolist() == [clock(zone, epoch) for epoch in epochs]


def test_in_utc_there_is_no_further_column_and_its_other_names_are_utc() -> None:
    for zone in ("UTC", "Etc/UTC", "Zulu"):
        own = tables([NEW_YEAR], zone)
        assert (own.zone, own.order_lines.columns.tolist()) == ("UTC", lines([NEW_YEAR]).columns.tolist())


def test_tables_of_a_zone_stay_so_on_another_engine_and_with_other_rows() -> None:
    own = tables([NEW_YEAR], "Asia/Kolkata", "polars").identified("f").to("duckdb")
    assert (own.zone, own.fingerprint) == ("Asia/Kolkata", "f")
    later = replace(own, order_lines=lines([NEW_YEAR + 60])).pandas(LINES)
    assert later["ordered_at_local_s"].tolist() == [NEW_YEAR + 60 + 19_800]


def test_missing_times_and_no_rows_have_no_clock() -> None:
    own = Tables(pd.DataFrame({"customer_id": ["a"], "registered_at_epoch_s": pd.array([None], "Int64")}),
                 lines([]), zone="Europe/Berlin")  # fmt: skip
    assert own.pandas("customers")["registered_at_local_s"].isna().all()
    assert own.pandas(LINES).empty


@pytest.mark.parametrize("ends_at", [4_102_444_800, 253_000_000_000])
def test_campaigns_without_an_end_have_a_clock_at_once(ends_at: int) -> None:
    days = {"starts_at_epoch_s": [NEW_YEAR], "ends_at_epoch_s": [ends_at]}
    own = with_clocks("campaigns", pd.DataFrame({"campaign_id": ["k"], **days}), "America/New_York")
    assert own["ends_at_local_s"].tolist() == [ends_at - 5 * 3600]
    assert own["starts_at_local_s"].tolist() == [NEW_YEAR - 5 * 3600]


@pytest.mark.parametrize("epochs", [["1704067200"], [10**18], [-(10**18)]])
def test_times_that_are_none_are_refused_where_they_are_used_not_before(epochs: list[object]) -> None:
    own = Tables(pd.DataFrame({"customer_id": ["a"]}), lines([0]).assign(ordered_at_epoch_s=epochs),
                 zone="Europe/Berlin")  # fmt: skip
    with pytest.raises(InputError, match="ordered_at"):
        own.frame(LINES)


@pytest.mark.parametrize("name", ["Mars/Base", "", None])
def test_a_name_that_is_no_zone_is_an_error_with_an_example(name: Any) -> None:
    with pytest.raises(ConfigError, match="is no time zone; write one such as Europe/Berlin"):
        tables([NEW_YEAR], name)
    with pytest.raises(ConfigError, match="is no time zone"):
        Snapshot("2024-01-01", timedelta(days=1), zone=name or "Mars")


def test_a_copy_does_not_change_its_zone_silently() -> None:
    own = tables([NEW_YEAR], "Asia/Kolkata")
    for zone in ("Asia/Tokyo", "UTC"):
        with pytest.raises(ConfigError, match=f"on the clock of Asia/Kolkata, not of {zone}; make Tables"):
            replace(own, zone=zone)
    moved = replace(tables([NEW_YEAR], "UTC"), zone="Asia/Tokyo").pandas(LINES)
    assert moved["ordered_at_local_s"].tolist() == [NEW_YEAR + 9 * 3600]


@pytest.mark.parametrize("utc", [UTC, ZoneInfo("UTC"), ZoneInfo("Etc/UTC")])
def test_a_time_in_utc_is_on_the_clock_whatever_its_class(utc: tzinfo) -> None:
    moment = datetime(2024, 3, 10, 7, tzinfo=UTC)
    assert on_clock_of("Asia/Tokyo", moment.replace(tzinfo=utc)) == moment
    assert on_clock_of("Asia/Tokyo", datetime(2024, 3, 10, 7, tzinfo=ZoneInfo("Europe/London"))) != moment


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/Los_Angeles", date(2024, 4, 30)),
        ("America/New_York", date(2024, 3, 11)),
        ("Europe/Berlin", date(2024, 3, 31)),
        ("Pacific/Auckland", date(2024, 4, 8)),
    ],
)
def test_the_day_until_which_rows_are_known_begins_in_the_zone(csv_shop: Shop, zone: str, day: date) -> None:
    midnight = moment_in(zone, day).replace(tzinfo=None)
    size = 900
    for n in range(size):
        csv_shop.append(LINES, n % 200, order_id=f"x{n}", ordered_at=FIRST_DAY + timedelta(minutes=n))
    csv_shop[LINES]["ordered_at"] = [
        min(at, FIRST_DAY + timedelta(days=60)) for at in csv_shop[LINES]["ordered_at"]
    ]
    csv_shop[LINES]["ordered_at"][5:7] = [midnight - timedelta(seconds=1), midnight]
    csv_shop.mapping |= {"known_until": str(day), "timezone": zone}
    report = csv_shop.load().report.tables[LINES]
    assert report.quarantined == {"future_ordered_at": 1}
    assert report.accepted == size + 200 - 1


def test_the_zone_is_in_the_report_and_comes_back_from_the_cache(csv_shop: Shop) -> None:
    csv_shop.mapping["timezone"] = "Asia/Kolkata"
    for _ in range(2):
        own = csv_shop.load()
        assert (own.zone, own.report.zone) == ("Asia/Kolkata", "Asia/Kolkata")
        assert "days of Asia/Kolkata" in str(own.report.rich().title)
    assert '"timezone": "Asia/Kolkata"' in (own.report.folder / "report.json").read_text()


def test_in_utc_the_report_is_as_it_was(csv_shop: Shop) -> None:
    own = csv_shop.load()
    assert (own.zone, str(own.report.rich().title)) == ("UTC", "Tables")
    assert "timezone" not in (own.report.folder / "report.json").read_text()


def test_the_hours_of_the_export_are_those_of_the_clock(csv_shop: Shop) -> None:
    csv_shop.mapping["timezone"] = "America/New_York"
    shown = pd.to_datetime(csv_shop.load().pandas(LINES)["ordered_at_local_s"], unit="s")
    assert sorted(shown) == sorted(csv_shop[LINES]["ordered_at"])

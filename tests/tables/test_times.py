"""Times: one instant and one type from every spelling under every zone; implausible ones are set aside."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shop import FIRST_DAY, Shop, any_shop, column_of, only_csv_shop, own_data_folder, quarantined, rows_of  # noqa: F401  (fixtures)

from crm_ml.errors import InputError
from crm_ml.tables.config_file import load_config
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import Frame
from crm_ml.tables.table_cache import load_tables

LINES = "order_lines"
ZONES = (None, "America/Los_Angeles", "Asia/Kathmandu")
HOUR = timedelta(hours=1)


def instants() -> list[datetime]:
    """UTC times of the 200 lines, across the change to summer time of Berlin."""
    return [datetime(2024, 3, 1, 22, 30, tzinfo=UTC) + timedelta(days=n // 2) for n in range(200)]


def written(form: str, zone: Any = UTC) -> Callable[[datetime], str]:
    return lambda moment: moment.astimezone(zone).strftime(form)


def seconds(factor: float) -> Callable[[datetime], str]:
    return lambda moment: str(int(moment.timestamp() * factor))


NEW_YORK, INDIA = ZoneInfo("America/New_York"), timezone(5.5 * HOUR)
AWARE: dict[str, tuple[dict[str, str], Callable[[datetime], str]]] = {
    "format-offset": ({"format": "%d.%m.%Y %H:%M:%S %z"}, written("%d.%m.%Y %H:%M:%S %z", INDIA)),
    "format-offset-of-new-york": (
        {"format": "%m/%d/%Y %I:%M %p %z"},
        written("%m/%d/%Y %I:%M %p %z", NEW_YORK),
    ),
    "format-zone-name": ({"format": "%Y%m%d %H%M%S %Z"}, written("%Y%m%d %H%M%S America/New_York", NEW_YORK)),
    "iso-z": ({}, written("%Y-%m-%dT%H:%M:%SZ")),
    "iso-offset": ({}, written("%Y-%m-%dT%H:%M:%S%z", INDIA)),
    "iso-space-offset": ({}, written("%Y-%m-%d %H:%M:%S %z", NEW_YORK)),
    "utc-behind": ({}, written("%Y-%m-%d %H:%M:%S UTC")),
    "epoch-s": ({"epoch": "s"}, seconds(1)),
    "epoch-ms": ({"epoch": "ms"}, seconds(1e3)),
    "epoch-us": ({"epoch": "us"}, seconds(1e6)),
    "epoch-ns": ({"epoch": "ns"}, seconds(1e9)),
    "epoch-with-fraction": ({"epoch": "s"}, lambda moment: f"{moment.timestamp():.1f}"),
}


def in_zone(shop: Shop, zone: str | None, how: dict[str, str], values: list[Any]) -> list[tuple[Any, ...]]:
    if zone is not None:
        shop.mapping["timezone"] = zone
    shop.mapping["tables"][LINES]["columns"]["ordered_at"] = {"column": "ordered_at", **how}
    shop[LINES]["ordered_at"] = values
    return rows_of(shop.load(), LINES)


def is_exact(rows: list[tuple[Any, ...]], right: list[datetime]) -> None:
    assert [row[4] for row in rows] == [moment.replace(tzinfo=None) for moment in right]
    assert [row[5] for row in rows] == [int(moment.timestamp()) for moment in right]


@pytest.mark.parametrize("zone", ZONES[:2])
@pytest.mark.parametrize("spelling", AWARE)
def test_a_zone_is_applied_only_to_what_has_none(csv_shop: Shop, spelling: str, zone: str | None) -> None:
    how, write = AWARE[spelling]
    is_exact(in_zone(csv_shop, zone, how, [write(moment) for moment in instants()]), instants())


NAIVE = {
    "iso": ({}, "%Y-%m-%d %H:%M:%S"),
    "format": ({"format": "%d.%m.%Y %H:%M"}, "%d.%m.%Y %H:%M"),
    "percent-before-z": ({"format": "%d.%m.%Y %H:%M %%z"}, "%d.%m.%Y %H:%M %%z"),
}


@pytest.mark.parametrize("zone", ZONES[1:])
@pytest.mark.parametrize("spelling", NAIVE)
def test_times_without_a_zone_are_of_the_declared_one(csv_shop: Shop, spelling: str, zone: str) -> None:
    how, form = NAIVE[spelling]
    local = [written(form, ZoneInfo(zone))(moment) for moment in instants()]
    is_exact(in_zone(csv_shop, zone, how, local), instants())


def parquet_types() -> dict[str, pa.DataType]:
    zoned = {
        f"{unit}-{zone}": pa.timestamp(unit, zone)
        for unit in ("s", "ms", "us", "ns")
        for zone in ("UTC", "Asia/Tokyo")
    }
    return zoned | {unit: pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")}


@pytest.mark.parametrize("zone", ["Europe/Berlin"])
@pytest.mark.parametrize("kind", parquet_types())
def test_every_timestamp_of_parquet(tmp_path: Path, kind: str, zone: str) -> None:
    shop, type_ = Shop(tmp_path, "parquet"), parquet_types()[kind]
    shop.mapping["timezone"] = zone
    shop.write()
    moments = (
        instants() if type_.tz else [m.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for m in instants()]
    )
    table = pq.read_table(shop.path(LINES))
    place = table.column_names.index("ordered_at")
    pq.write_table(table.set_column(place, "ordered_at", pa.array(moments, type_)), shop.path(LINES))
    is_exact(rows_of(load_config(shop.config), LINES), instants())


@pytest.mark.filterwarnings(
    "ignore:Series.values returning an ndarray that drops timezone"
)  # pyarrow on pandas
@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb", "sqlite"])
def test_aware_times_of_frames_and_databases(csv_shop: Shop, engine: str) -> None:
    csv_shop.mapping["timezone"] = "America/Los_Angeles"
    csv_shop.write()
    lines = pd.DataFrame(
        csv_shop[LINES] | {"ordered_at": pd.to_datetime(instants()).tz_convert("Asia/Tokyo").as_unit("ns")}
    )
    source = csv_shop.mapping["tables"][LINES]
    if engine in ("pandas", "polars"):
        frames: dict[str, Any] = {name: pd.DataFrame(csv_shop[name]) for name in ("customers", "items")}
        frames[LINES] = lines if engine == "pandas" else pl.from_pandas(lines)
        mapping = parse_mapping(csv_shop.mapping, "test")
        tables = load_tables(mapping, {n: Frame(f) for n, f in frames.items()}, csv_shop.folder)
        is_exact(rows_of(tables, LINES), instants())
        return
    del source["path"]
    if engine == "duckdb":
        with duckdb.connect(str(csv_shop.folder / "a.duckdb")) as connection:
            connection.execute("CREATE TABLE sold AS FROM lines")
        source |= {"database": "a.duckdb", "table": "sold"}
    else:
        with sqlite3.connect(csv_shop.folder / "a.db") as messages:
            lines.assign(ordered_at=[m.isoformat() for m in lines["ordered_at"]]).to_sql(
                "sold", messages, index=False
            )
        messages.close()
        source |= {"url": "sqlite:///a.db", "query": "SELECT * FROM sold"}
    del csv_shop.tables[LINES]
    is_exact(rows_of(csv_shop.load(), LINES), instants())


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("other", [1, 10**3, 10**6, 10**9])
def test_epochs_in_another_unit_are_set_aside_or_name_the_unit(
    shop: Shop, unit: str, factor: int, other: int
) -> None:
    if other == factor:
        return
    right = [int(moment.timestamp()) * factor for moment in instants()]
    mixed = [
        int(instants()[n].timestamp()) * other if n in (7, 60) else value for n, value in enumerate(right)
    ]
    assert len(in_zone(shop, None, {"epoch": unit}, mixed)) == 198
    assert [row for row, _, _ in quarantined(load_config(shop.config), LINES)] == [8, 61]
    fits = {1: "s", 10**3: "ms", 10**6: "us", 10**9: "ns"}[other]
    with pytest.raises(InputError, match=f"declare epoch: {fits}, by which 200 rows are plausible"):
        in_zone(shop, None, {"epoch": unit}, [int(moment.timestamp()) * other for moment in instants()])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(1970, 1, 20, 21, 0, 36), "implausible_ordered_at"),
        (datetime(1982, 2, 24), "implausible_ordered_at"),
        (datetime(2070, 6, 1), "implausible_ordered_at"),
        (datetime(2204, 6, 1), "implausible_ordered_at"),
        (datetime(1969, 7, 21), "sentinel_ordered_at"),
    ],
)
def test_times_far_from_the_others_are_set_aside(shop: Shop, value: datetime, reason: str) -> None:
    shop[LINES]["ordered_at"][5] = value
    assert [(row, why) for row, why, _ in quarantined(shop.load(), LINES)] == [(6, reason)]


def test_old_tables_as_a_whole_are_plausible_and_birthdays_lie_in_any_year(shop: Shop) -> None:
    shop[LINES]["ordered_at"] = [datetime(1975, 1, 1) + timedelta(days=n) for n in range(200)]
    shop["customers"]["born"] = [
        date(1931, 5, 1),
        date(1969, 7, 20),
        date(1970, 1, 1),
        *[date(1999, 1, 1)] * 37,
    ]
    shop["customers"]["customer_id"] += ["late"]
    shop["customers"]["born"] += [date(2030, 1, 1)]
    shop.mapping["tables"]["customers"]["attributes"] = {"born": {"column": "born", "kind": "time"}}
    tables = shop.load()
    assert tables.report.tables["customers"].quarantined == {"sentinel_born": 1}
    assert column_of(tables, "customers", "born")[:2] == [datetime(1931, 5, 1), datetime(1969, 7, 20)]
    assert column_of(tables, "customers", "born_epoch_s")[0] == int(
        datetime(1931, 5, 1, tzinfo=UTC).timestamp()
    )


EVENING = datetime(2024, 5, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ({"epoch": "s"}, f"{EVENING.timestamp():.0f}.7"),
        ({"epoch": "s"}, f"{EVENING.timestamp():.0f}.9999999"),
        ({"epoch": "ms"}, f"{EVENING.timestamp():.0f}999.9999"),
        ({"epoch": "ns"}, f"{EVENING.timestamp():.0f}999999999"),
        ({}, "2024-05-31 23:59:59.9999999"),
        ({}, "2024-06-01T01:59:59.999999999+02:00"),
        ({"format": "%d.%m.%Y %H:%M:%S.%n"}, "31.05.2024 23:59:59.999999999"),
    ],
)
def test_fractions_of_a_second_are_cut_off(csv_shop: Shop, how: dict[str, str], value: str) -> None:
    csv_shop.mapping["tables"][LINES]["one_day"] = True
    rows = in_zone(csv_shop, None, how, [value] * 200)
    assert {row[4].replace(microsecond=0) for row in rows} == {EVENING.replace(tzinfo=None)}
    assert {row[5] for row in rows} == {int(EVENING.timestamp())}


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("ns", "UTC")])
def test_nanoseconds_of_parquet_are_cut_off(tmp_path: Path, kind: pa.DataType) -> None:
    shop = Shop(tmp_path, "parquet")
    shop.mapping["tables"][LINES]["one_day"] = True
    shop.write()
    table = pq.read_table(shop.path(LINES))
    place, last = table.column_names.index("ordered_at"), int(EVENING.timestamp()) * 10**9 + 999_999_999
    pq.write_table(table.set_column(place, "ordered_at", pa.array([last] * 200, kind)), shop.path(LINES))
    rows = rows_of(load_config(shop.config), LINES)
    assert {row[5] for row in rows} == {int(EVENING.timestamp())}


EXTREME = {
    "epoch": ({"epoch": "s"}, lambda moment: int(moment.timestamp()), 2**63 - 1),
    "epoch-ms": ({"epoch": "ms"}, lambda moment: int(moment.timestamp()) * 1000, -(2**63)),
    "epoch-of-floats": ({"epoch": "s"}, lambda moment: moment.timestamp(), 1e300),
    "epoch-not-finite": ({"epoch": "s"}, lambda moment: moment.timestamp(), float("inf")),
    "date": ({}, lambda moment: moment.date(), None),
}


@pytest.mark.parametrize("case", EXTREME)
def test_one_bad_cell_is_set_aside_and_the_others_stay(tmp_path: Path, case: str) -> None:
    how, write, extreme = EXTREME[case]
    shop = Shop(tmp_path, "parquet")
    values = [write(moment) for moment in instants()]
    in_zone(shop, "Europe/Berlin", how, values)
    table = pq.read_table(shop.path(LINES))
    place = table.column_names.index("ordered_at")
    cells = pa.array(values)
    if extreme is None:
        cells = pa.array([*cells.cast(pa.int32()).to_pylist()[:-1], 2**31 - 2], pa.int32()).cast(pa.date32())
    else:
        cells = pa.array([*values[:-1], extreme])
    pq.write_table(table.set_column(place, "ordered_at", cells), shop.path(LINES))
    tables = load_config(shop.config)
    assert [(row, reason.split("_")[0]) for row, reason, _ in quarantined(tables, LINES)] == [
        (200, "unreadable")
    ]
    assert len(rows_of(tables, LINES)) == 199


def test_formats_with_and_without_a_zone_do_not_mix_undeclared(csv_shop: Shop) -> None:
    csv_shop.with_campaigns()
    csv_shop["touches"]["sent_at"] = ["01.01.2024 10:00 +0100"] * 40
    csv_shop.mapping["tables"]["touches"] = {
        "columns": {"sent_at": {"column": "sent_at", "format": "%d.%m.%Y %H:%M %z"}}
    }
    with pytest.raises(
        InputError,
        match=r"campaigns: starts_at has no time zone, written as [-9: ]+, while sent_at of touches has one",
    ):
        csv_shop.load()
    csv_shop.mapping["timezone"] = "Europe/Berlin"
    assert column_of(csv_shop.load(), "touches", "sent_at")[0] == FIRST_DAY

"""Values that look right and are not: each kind is set aside, repaired or told (experiments/010_cleaning)."""

import gzip
from datetime import datetime, timedelta
from typing import Any

import pytest
from shop import (  # noqa: F401  (fixtures)
    Shop,
    any_shop,
    column_of,
    only_csv_shop,
    own_data_folder,
    quarantined,
    rows_of,
)

from crm_ml.errors import InputError

LINES = "order_lines"


def paid_as(shop: Shop, texts: dict[int, str], usual: str = "{:.2f}") -> None:
    shop[LINES]["paid"] = [texts.get(n, usual.format(value)) for n, value in enumerate(shop[LINES]["paid"])]


def aside(tables: Any) -> dict[int, str]:
    return {row - 1: reason for row, reason, _ in quarantined(tables, LINES)}


def test_ids_that_a_spreadsheet_rounded_are_set_aside(shop: Shop) -> None:
    shop[LINES]["item_id"][3:6] = ["4.00638E+12", "4e+15", "1.5e+100"]
    shop.mapping["tables"]["items"] = {"ids_of": [LINES]}
    del shop.tables["items"]
    assert aside(shop.load()) == dict.fromkeys((3, 4, 5), "scientific_item_id")


def test_ids_that_are_no_rounded_number_stay(shop: Shop) -> None:
    texts = ["4e12", "E+12", "4.0E-12", "a4E+12", "4E+1", "+49"]
    shop[LINES]["order_id"][3:9] = texts
    assert set(texts) <= set(column_of(shop.load(), LINES, "order_id"))


def test_epochs_that_a_spreadsheet_rounded_are_set_aside(csv_shop: Shop) -> None:
    texts = ["1.71456E+12", "1.714557E12", "2E+12", "1.714557600000E+12", "1714557600000.75"]
    at = [str(int((moment - datetime(1970, 1, 1)) / timedelta(milliseconds=1)))
          for moment in csv_shop[LINES]["ordered_at"]]  # fmt: skip
    csv_shop[LINES]["ordered_at"] = at[:5] + texts + at[10:]
    csv_shop.mapping["tables"][LINES]["columns"]["ordered_at"] = {"column": "ordered_at", "epoch": "ms"}
    tables = csv_shop.load()
    assert aside(tables) == dict.fromkeys((5, 6, 7), "unreadable_ordered_at")
    assert column_of(tables, LINES, "ordered_at_epoch_s").count(1_714_557_600) == 2


def test_a_point_before_three_digits_in_few_rows_is_set_aside(csv_shop: Shop) -> None:
    paid_as(csv_shop, {7: "1.234", 8: "12.500", 9: "19.990", 10: "-1.234"})
    rows = aside(csv_shop.load())
    assert rows.pop(10) in ("three_decimals_paid_cents", "unlinked_refund")
    assert rows == dict.fromkeys((7, 8, 9), "three_decimals_paid_cents")


def test_what_can_be_no_thousand_is_read(csv_shop: Shop) -> None:
    texts = ["0.234", "1234.250", "1.2341", "1.23"]
    paid_as(csv_shop, dict(enumerate(texts, 7)))
    tables = csv_shop.load()
    assert aside(tables) == {}
    assert {round(float(text) * 100) for text in texts} <= set(column_of(tables, LINES, "paid_cents"))


def test_three_decimals_are_read_where_most_rows_have_them_or_rounding_is_allowed(csv_shop: Shop) -> None:
    paid_as(csv_shop, {7: "12.500"}, "{:.3f}")
    assert aside(csv_shop.load()) == {}
    csv_shop[LINES]["paid"] = ["12.345" if n == 7 else f"{n}.25" for n in range(200)]
    assert aside(csv_shop.load()) == {7: "three_decimals_paid_cents"}
    csv_shop.mapping["tables"][LINES]["allow"] = {"rounded": 0.5}
    tables = csv_shop.load()
    assert aside(tables) == {}
    assert tables.report.tables[LINES].fixes == {"rounded_paid_cents": 1}


def test_three_decimals_are_those_of_a_dinar(csv_shop: Shop) -> None:
    paid_as(csv_shop, {7: "1.250", 8: "1.234"})
    csv_shop.mapping["currency"] = {"code": "KWD"}
    tables = csv_shop.load()
    assert aside(tables) == {}
    assert {1_250, 1_234} <= set(column_of(tables, LINES, "paid_cents"))


def test_what_is_set_aside_does_not_count_as_repaired(csv_shop: Shop) -> None:
    paid_as(csv_shop, {7: "12.3456"})
    csv_shop[LINES]["customer_id"][7] = ""
    assert csv_shop.load().report.tables[LINES].fixes == {}


def test_a_large_quantity_is_told(shop: Shop) -> None:
    shop[LINES]["quantity"][4] = 1_000_000
    assert "1 rows: large_quantity (first: row 5)" in shop.load().report.tables[LINES].warnings


def test_rows_that_name_no_currency_are_counted(shop: Shop) -> None:
    shop[LINES]["currency"] = ["EUR" if n % 50 else None for n in range(200)]
    shop.mapping["currency"] = {"code": "EUR"}
    assert shop.load().report.tables[LINES].fixes == {"filled_currency": 4}


def test_days_without_a_clock_among_times_are_told(csv_shop: Shop) -> None:
    csv_shop.as_text(LINES, "ordered_at")
    csv_shop[LINES]["ordered_at"][6] = csv_shop[LINES]["ordered_at"][6][:10]
    assert csv_shop.load().report.tables[LINES].warnings == [
        "ordered_at is a day without a clock in 1 of 200 rows (first: row 7), taken as its midnight, while "
        "other rows have a clock"
    ]
    csv_shop[LINES]["ordered_at"] = [text[:10] for text in csv_shop[LINES]["ordered_at"]]
    assert csv_shop.load().report.tables[LINES].warnings == []


def refund_on(shop: Shop, moment: datetime, **changes: Any) -> None:
    """Refund the order of 6 January 2024, 9:00 on the clock of the shop, at a time of that clock."""
    refund = {"order_id": "r1", "line_id": "0", "paid": -4.0, "refund_of": "o005", "ordered_at": moment}
    shop.append(LINES, 10, **(refund | changes))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"])
def test_a_refund_of_a_day_belongs_to_an_order_of_that_day(shop: Shop, zone: str) -> None:
    shop.mapping["timezone"] = zone
    refund_on(shop, datetime(2024, 1, 6))
    tables = shop.load()
    assert tables.report.tables[LINES].quarantined == {}
    assert tables.report.tables[LINES].fixes == {"refund_netted": 1, "refund_of_its_day": 1}
    lines = tables.pandas(LINES).query("order_id == 'o005'")
    assert lines["paid_cents"].sum() == 1_125 + 1_225 - 400
    assert lines["ordered_at_epoch_s"].nunique() == 1  # never before the order
    assert lines["ordered_at"].nunique() == 1


def test_a_refund_at_midnight_of_utc_is_one_of_a_day_in_any_zone(shop: Shop) -> None:
    shop.mapping["timezone"] = "America/New_York"
    refund_on(shop, datetime(2024, 1, 5, 19))
    assert shop.load().report.tables[LINES].fixes == {"refund_netted": 1, "refund_of_its_day": 1}


@pytest.mark.parametrize(
    "moment",
    [datetime(2024, 1, 6, 8, 59), datetime(2024, 1, 6, 0, 0, 1), datetime(2024, 1, 5)],
)
def test_a_refund_with_a_clock_or_of_a_day_before_is_unlinked(shop: Shop, moment: datetime) -> None:
    refund_on(shop, moment)
    assert shop.load().report.tables[LINES].quarantined == {"unlinked_refund": 1}


def test_a_refund_after_its_order_keeps_its_time(shop: Shop) -> None:
    refund_on(shop, datetime(2024, 1, 7))
    tables = shop.load()
    assert tables.report.tables[LINES].fixes == {"refund_netted": 1}
    assert datetime(2024, 1, 7) in [row[4] for row in rows_of(tables, LINES)]


@pytest.mark.parametrize("rows", [200, 20_000])
def test_a_truncated_archive_is_refused_by_its_name_alone(csv_shop: Shop, rows: int) -> None:
    for column, values in csv_shop[LINES].items():
        csv_shop[LINES][column] = values * (rows // 200)
    csv_shop.write()
    whole = gzip.compress(csv_shop.path(LINES).read_bytes())
    csv_shop.path(LINES).with_suffix(".csv.gz").write_bytes(whole[: len(whole) // 2])
    csv_shop.mapping["tables"][LINES]["path"] = f"{LINES}.csv.gz"
    with pytest.raises(InputError, match="is no whole gzip file; it may be truncated") as refused:
        csv_shop.load()
    assert str(csv_shop.folder) not in str(refused.value)

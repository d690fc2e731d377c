"""Limits: shares at which a table is refused, what to declare then, and how a mapping overrides them."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from shop import FIRST_DAY, Shop, any_shop, column_of, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.limits import JUDGED_BY_LOSS, LIMITS
from crm_ml.tables.nulls import ID_NULLS

LINES = "order_lines"


def text(shop: Shop, column: str, write: Callable[[int], Any]) -> None:
    shop[LINES][column] = [write(n) for n in range(200)]


def put(shop: Shop, column: str, value: Any, rows: int) -> None:
    shop[LINES].setdefault(column, [0] * 200)
    shop.as_text(LINES, column) if isinstance(value, str) else None
    shop[LINES][column][:rows] = [value] * rows


CASES: dict[str, tuple[str, Any, int, str]] = {
    "null_paid_cents": ("paid", None, 100, "fill them at the source"),
    "null_customer_id": ("customer_id", None, 180, "fill them at the source"),
    "unreadable_paid_cents": ("paid", "much", 100, "map another column or declare its form"),
    "thousands_discount_cents": ("discount_cents", "1,002", 20, "declare thousands: ','"),
    "currency_sign_discount_cents": ("discount_cents", "$5", 20, "currency"),
    "implausible_ordered_at": ("ordered_at", datetime(1970, 1, 20), 100, "lies outside 1971 to 2099"),
    "unknown_item_id": ("item_id", "i99", 10, "complete items"),
    "future_ordered_at": ("ordered_at", datetime(2026, 1, 1), 0, "correct known_until"),
}


@pytest.mark.parametrize("reason", CASES)
def test_a_share_above_its_limit_refuses_unless_it_is_allowed(shop: Shop, reason: str) -> None:
    column, value, most, advice = CASES[reason]
    shop.mapping["known_until"] = "2025-12-31"
    put(shop, column, value, most)
    if most:
        assert shop.load().report.tables[LINES].checks[reason] == most
    put(shop, column, value, most + 1)
    with pytest.raises(InputError, match=advice):
        shop.load()
    for name in (reason, next(kind for kind in (reason.rsplit("_", n)[0] for n in (2, 1)) if kind in reason)):
        shop.mapping["tables"][LINES]["allow"] = {name: 1}
        assert shop.load().report.tables[LINES].quarantined == {reason: most + 1}


def test_a_fault_of_few_rows_with_much_money_refuses(shop: Shop) -> None:
    put(shop, "item_id", "i99", 4)
    assert shop.load().report.tables[LINES].quarantined == {"unknown_item_id": 4}
    put(shop, "paid", 90_000.0, 4)
    with pytest.raises(InputError, match=r"unknown_item_id sets aside 9\d\.\d% of the money \(limit 5\.0%\)"):
        shop.load()
    shop.mapping["tables"][LINES]["allow"] = {"unknown_item_id": 1}
    assert shop.load().report.tables[LINES].quarantined == {"unknown_item_id": 4}


def test_a_fault_that_leaves_nothing_of_many_customers_refuses(shop: Shop) -> None:
    """Forty customers have a line each, one has all other lines; half of them paid with a text."""
    text(shop, "customer_id", lambda n: f"c{n % 40:02d}" if n < 40 else "c99")
    shop.tables["customers"] = {name: values[:1] * 41 for name, values in shop["customers"].items()}
    shop["customers"]["customer_id"] = [*(f"c{n:02d}" for n in range(40)), "c99"]
    shop.as_text(LINES, "paid")
    shop[LINES]["paid"][:20] = ["much"] * 20
    loaded = shop.load().report.tables[LINES]
    assert (loaded.quarantined, loaded.quarantined_customers) == (
        {"unreadable_paid_cents": 20},
        {"unreadable_paid_cents": 20},
    )
    shop[LINES]["paid"][:21] = ["much"] * 21
    with pytest.raises(InputError, match=r"unreadable_paid_cents sets aside 51\.2% of the customers, of"):
        shop.load()


def test_keys_that_mostly_conflict_refuse(shop: Shop) -> None:
    text(shop, "order_id", lambda n: f"o{n // 4:03d}")
    text(shop, "line_id", lambda n: "1" if n % 100 else "2")
    with pytest.raises(
        InputError, match="are those of another row that differs in 148 of 200 rows; map columns"
    ):
        shop.load()
    shop.mapping["tables"][LINES]["allow"] = {"conflicting_key": 0.8}
    assert shop.load().report.tables[LINES].quarantined == {"conflicting_key": 148}


@pytest.mark.parametrize("column", ["paid", "discount_cents"])
def test_a_point_before_three_digits_refuses_and_names_what_to_declare(csv_shop: Shop, column: str) -> None:
    text(csv_shop, column, lambda n: f"{1 + n % 9}.{100 + n}" if n % 10 else "500")
    columns = csv_shop.mapping["tables"][LINES]["columns"]
    name = {"paid": "paid_cents"}.get(column, column)
    columns[name] = {"column": column, "unit": "major"}
    with pytest.raises(
        InputError, match=rf"{name} has more decimals than its currency in 180 of 200 rows"
    ) as refused:
        csv_shop.load()
    assert f"declare thousands: '.' and decimal: ','; if not, allow: {{rounded_{name}: 1}}" in str(
        refused.value
    )
    columns[name] |= {"thousands": ".", "decimal": ","}
    assert column_of(csv_shop.load(), LINES, name)[1] == 210_100
    columns[name] = {"column": column, "unit": "major"}
    csv_shop.mapping["tables"][LINES]["allow"] = {f"rounded_{name}": 1}
    tables = csv_shop.load()
    assert column_of(tables, LINES, name)[1] == 210
    assert tables.report.tables[LINES].fixes == {f"rounded_{name}": 180}


SEPARATORS = {
    "1,234.56": ({"thousands": ","}, 123_456),
    "-1,234,567.8": ({"thousands": ","}, -123_456_780),
    "1.234,56": ({"thousands": ".", "decimal": ","}, 123_456),
    "1.234.567": ({"thousands": ".", "decimal": ","}, 123_456_700),
    "1 234,5": ({"thousands": " ", "decimal": ","}, 123_450),
    "1'234.50": ({"thousands": "'"}, 123_450),
    "12,5": ({"decimal": ","}, 1_250),
    "999": ({"thousands": ",", "decimal": "."}, 99_900),
    "1234.5": ({"thousands": ","}, 123_450),
    "1,23.5": ({"thousands": ","}, None),
    "12.5": ({"thousands": ".", "decimal": ","}, None),
    "1,2345": ({"thousands": ","}, None),
}


@pytest.mark.parametrize("written", SEPARATORS)
def test_declared_separators_are_read_and_never_guessed(csv_shop: Shop, written: str) -> None:
    declared, cents = SEPARATORS[written]
    csv_shop[LINES]["discount_cents"] = [written, *["1"] * 199]
    csv_shop.mapping["tables"][LINES]["columns"]["discount_cents"] = {
        "column": "discount_cents",
        "unit": "major",
    } | declared
    report = csv_shop.load().report.tables[LINES]
    if cents is None:
        assert report.quarantined == {"unreadable_discount_cents": 1}
    elif cents < 0:
        assert report.quarantined == {"negative_discount_cents": 1}
    else:
        assert column_of(csv_shop.load(), LINES, "discount_cents")[0] == cents


def test_integers_and_numbers_know_the_separators(csv_shop: Shop) -> None:
    text(csv_shop, "quantity", lambda _: "1.234")
    csv_shop.mapping["tables"][LINES]["columns"]["quantity"] = {
        "column": "quantity",
        "thousands": ".",
        "decimal": ",",
    }
    csv_shop["customers"]["score"] = ["1.234,5"] * 40
    csv_shop.mapping["tables"]["customers"]["attributes"] = {
        "score": {"column": "score", "kind": "number", "thousands": ".", "decimal": ","}
    }
    tables = csv_shop.load()
    assert set(column_of(tables, LINES, "quantity")) == {1234}
    assert set(column_of(tables, "customers", "score")) == {1234.5}


def test_a_price_of_four_decimals_times_a_quantity_has_to_be_allowed(shop: Shop) -> None:
    text(shop, "paid", lambda _: 0.1234)
    shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {
        "column": "paid",
        "times": "quantity",
        "unit": "major",
    }
    with pytest.raises(InputError, match="paid_cents has more decimals than its currency in 200 of 200 rows"):
        shop.load()
    shop.mapping["tables"][LINES]["allow"] = {"rounded": 1}
    assert column_of(shop.load(), LINES, "paid_cents")[:3] == [12, 25, 37]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"allow": {"colour": 0.5}}, "allow has no reason colour; reasons are null"),
        ({"allow": {"future": 2}}, "allow.future is 2.0; it is a share from 0 to 1"),
        ({"columns": {"item_id": {"constant": ""}}}, "constant is empty; write a value"),
        ({"columns": {"item_id": {"constant": " "}}}, "constant is empty; write a value"),
        (
            {"columns": {"paid_cents": {"column": "paid", "decimal": ",", "thousands": ","}}},
            "thousands and decimal are both",
        ),
    ],
)
def test_wrong_declarations(csv_shop: Shop, change: dict[str, Any], told: str) -> None:
    csv_shop.mapping["tables"][LINES] |= change
    with pytest.raises(ConfigError, match=told):
        csv_shop.load()


def test_the_page_has_the_limits_and_the_words_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "how_values_are_read.md").read_text(
        encoding="utf-8"
    )
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.]+) \| ([a-z, ]+) \|", page, flags=re.MULTILINE)
    assert {kind: float(share) for kind, share, _ in rows} == LIMITS
    assert {kind for kind, _, of in rows if of == "rows, money, customers"} == JUDGED_BY_LOSS | {
        "null_customer_id"
    }
    assert [kind for kind, _, of in rows if of.startswith("money of")] == ["rounded"]
    told = page.partition("missing value, whatever their case:")[2].partition("`nulls:")[0]
    assert [word for word in re.findall(r"`([^`]+)`", told) if word != "\\N"] == list(ID_NULLS)

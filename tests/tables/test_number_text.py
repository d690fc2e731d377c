"""Amounts as people and programs write them: read where they can be one number alone, else set aside."""

from typing import Any

import duckdb
import pytest
from shop import Shop, column_of, only_csv_shop, own_data_folder, quarantined  # noqa: F401  (fixtures)

from crm_ml.errors import InputError
from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.number_text import number_cell, unwrapped
from crm_ml.tables.row_currency import RowCurrency
from crm_ml.tables.sql import literal

LINES = "order_lines"
EURO, DOLLAR, YUAN = RowCurrency("EUR"), RowCurrency("USD"), RowCurrency("CNY")
FULL = str.maketrans({sign: ord(sign) + 0xFEE0 for sign in "0123456789.,+-()$"} | {"¥": "\uffe5"})


def cell(text: str, currency: RowCurrency, **declared: Any) -> str:
    how = ColumnMapping(column="x", **declared)
    plain = unwrapped(literal(text), "VARCHAR", Column("paid_cents", "cents"))
    [(number,)] = duckdb.execute(f"SELECT {number_cell(plain, how, currency)}").fetchall()
    return str(number)


@pytest.mark.parametrize(
    ("text", "currency", "number"),
    [
        ("$1,234.56", DOLLAR, "1234.56"),
        ("US$ 5", DOLLAR, "5"),
        ("USD 5", DOLLAR, "5"),
        ("$5.00 USD", DOLLAR, "5.00"),
        ("¥10.50".translate(FULL), YUAN, "10.50"),
        ("¥1,852.55", YUAN, "1852.55"),
        ("99元", YUAN, "99"),
        ("€ 12,50", EURO, "12.50"),
        ("1.234,00 EUR", EURO, "1234.00"),
        ("1.234.567", EURO, "1234567"),
        ("1,234,567", DOLLAR, "1234567"),
        ("(12.50)", DOLLAR, "-12.50"),
        ("($1,234.50)", DOLLAR, "-1234.50"),
        ("(12.5)".translate(FULL), DOLLAR, "-12.5"),
        ("-$5", DOLLAR, "-5"),
        ("$-5", DOLLAR, "-5"),
        ("12.50-", EURO, "-12.50"),
        ("\u221212,50 €", EURO, "-12.50"),
        ("1\u00a0234,56", EURO, "1234.56"),
        ("1\u202f234.56", EURO, "1234.56"),
        ("1\u2019234.50", EURO, "1234.50"),
        ('="12.50"', EURO, "12.50"),
        ("'12.50", EURO, "12.50"),
        (",5", EURO, ".5"),
        # one of two numbers, or of another currency
        ("1,234", DOLLAR, "?thousands"),
        ("-12,345 €", EURO, "?thousands"),
        ("€5", DOLLAR, "?currency_sign"),
        ("CA$5", DOLLAR, "?currency_sign"),
        ("$5 EUR", DOLLAR, "?currency_sign"),
        ("$5", RowCurrency(), "?currency_sign"),
        ("1.234,500", RowCurrency("KWD"), "unreadable"),
        ("12,50", RowCurrency("KWD"), "?decimal_comma"),
        # nothing that is taken for a number stays as it is
        ("-(5)", DOLLAR, "-(5)"),
        ("(5", DOLLAR, "(5"),
        ("-5-", DOLLAR, "-5-"),
        ("1,23.5", DOLLAR, "unreadable"),
        ("1,2345", DOLLAR, "unreadable"),
        ("0,123.45", DOLLAR, "unreadable"),
        ("12 apples", DOLLAR, "12 apples"),
        ("free", DOLLAR, "free"),
        ("nan", DOLLAR, "nan"),
        ("1.234", DOLLAR, "1.234"),
        (" 12.50 ", DOLLAR, " 12.50 "),
        ("1e3", DOLLAR, "1e3"),
    ],
)
def test_undeclared(text: str, currency: RowCurrency, number: str) -> None:
    assert cell(text, currency) == number


@pytest.mark.parametrize(
    ("text", "declared", "number"),
    [
        ("€1.234", {"thousands": ".", "decimal": ","}, "1234"),
        ("(1.234,5)", {"thousands": ".", "decimal": ","}, "-1234.5"),
        ("1,234", {"thousands": ","}, "1234"),
        ("1\u00a0234", {"thousands": " "}, "1234"),
        ("1,234.5", {"thousands": ".", "decimal": ","}, "unreadable"),
        ("12.5", {"decimal": ","}, "unreadable"),
        ("$1.234", {"thousands": ".", "decimal": ","}, "?currency_sign"),
    ],
)
def test_declared_separators_are_the_only_ones(text: str, declared: dict[str, str], number: str) -> None:
    assert cell(text, EURO, **declared) == number


def test_the_currency_of_a_row_decides_its_sign(csv_shop: Shop) -> None:
    csv_shop[LINES]["currency"] = ["USD" if n % 2 else "EUR" for n in range(200)]
    csv_shop[LINES]["paid"] = ["$1,000.50" if n % 2 else "€ 3" for n in range(200)]
    csv_shop[LINES]["paid"][0] = "$3"
    csv_shop[LINES]["paid"][3] = "3,125"
    csv_shop.mapping["currency"] = {"code": "EUR", "rates": {"USD": "0.5"}}
    tables = csv_shop.load()
    assert column_of(tables, LINES, "paid_cents")[:2] == [50_025, 300]
    assert [(row, reason) for row, reason, _ in quarantined(tables, LINES)] == [
        (1, "currency_sign_paid_cents"),
        (4, "thousands_paid_cents"),
    ]
    assert tables.report.tables[LINES].fixes["respelled_paid_cents"] == 198


def test_signs_without_a_declared_currency_refuse(csv_shop: Shop) -> None:
    csv_shop[LINES]["paid"] = ["$5.00"] * 200
    with pytest.raises(InputError, match=r"paid_cents has .*sign.* in 200 of 200 rows"):
        csv_shop.load()


def test_points_are_no_decimals_where_others_have_commas(csv_shop: Shop) -> None:
    csv_shop[LINES]["paid"] = ["1.250"] * 199 + ["12,50"]
    assert csv_shop.load().report.tables[LINES].quarantined == {"three_decimals_paid_cents": 199}
    csv_shop[LINES]["paid"][-1] = "12.500"
    assert set(column_of(csv_shop.load(), LINES, "paid_cents")) == {125, 1250}


def test_ids_lose_what_a_spreadsheet_puts_around_them(csv_shop: Shop) -> None:
    clean = csv_shop.load()
    ids = csv_shop[LINES]["order_id"]
    csv_shop[LINES]["order_id"] = [f'="{name}"' if n % 2 else name for n, name in enumerate(ids)]
    csv_shop["items"]["department"][0] = "'s-Hertogenbosch"
    tables = csv_shop.load()
    assert column_of(tables, LINES, "order_id") == column_of(clean, LINES, "order_id")
    assert column_of(tables, "items", "department")[0] == "'s-Hertogenbosch"
    assert tables.report.tables[LINES].fixes == {"respelled_order_id": 100}


@pytest.mark.parametrize(
    ("text", "kind", "plain"),
    [("'0012", "id", "0012"), ("'t Hooft", "text", "'t Hooft"), ("'12a", "id", "'12a"),
     ('="a""b"', "text", 'a"b'), ("'2024-01-02", "time", "2024-01-02"), ('=""', "id", ""),
     ("=1+1", "id", "=1+1")],
)  # fmt: skip
def test_unwrapped(text: str, kind: Any, plain: str) -> None:
    row = duckdb.execute(f"SELECT {unwrapped(literal(text), 'VARCHAR', Column('x', kind))}").fetchall()[0]
    assert row == (plain,)


@pytest.mark.parametrize("name", ["p", "n", "N", "is_less", "x"])
def test_a_column_of_any_name_beside_an_amount_changes_nothing(name: str) -> None:
    plain = number_cell("raw", ColumnMapping(column="raw"), DOLLAR)
    rows = duckdb.execute(f"SELECT {plain} FROM (SELECT '(12.50)' AS raw, '7' AS {name})").fetchall()
    assert rows == [("-12.50",)]

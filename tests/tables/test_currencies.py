"""Money of currencies whose minor unit is no hundredth, and rates between them: the integers that result."""

import itertools
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from shop import Shop, adds_up, any_shop, column_of, own_data_folder, quarantined  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.currencies import MINOR_DIGITS, minor_digits, minor_per_major
from crm_ml.tables.mapping import parse_mapping

LINES = "order_lines"


def sold(shop: Shop, paid: list[Any], **columns: list[Any]) -> None:
    """Leave one line a value, of one customer; `columns` are added."""
    lines = shop[LINES]
    for name, values in lines.items():
        lines[name] = [values[0]] * len(paid)
    lines |= {"paid": paid, "order_id": [f"o{n}" for n in range(len(paid))], **columns}
    shop.mapping["tables"][LINES]["one_day"] = True
    lines["line_id"] = [str(n) for n in range(len(paid))]


def how(shop: Shop, **fields: Any) -> None:
    shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {"column": "paid", **fields}


def paid(shop: Shop) -> list[int]:
    tables = shop.load()
    assert adds_up(tables)
    return column_of(tables, LINES, "paid_cents")


@pytest.mark.parametrize(
    ("code", "amounts", "minor"),
    [
        ("EUR", ["12.34", "0.01", "1200"], [1_234, 1, 120_000]),
        ("JPY", ["1234", "1", "1200.0"], [1_234, 1, 1_200]),
        ("KRW", ["54000", "100", "0"], [54_000, 100, 0]),
        ("XOF", ["15000", "25", "1"], [15_000, 25, 1]),
        ("KWD", ["1.234", "0.001", "1200"], [1_234, 1, 1_200_000]),
        ("BHD", ["0.5", "10.125", "3"], [500, 10_125, 3_000]),
        ("TND", ["19.9", "0.05", "7.777"], [19_900, 50, 7_777]),
        ("CLF", ["1.2345", "0.0001", "2"], [12_345, 1, 20_000]),
    ],
)
def test_amounts_in_major_units_have_the_digits_of_the_currency(
    shop: Shop, code: str, amounts: list[str], minor: list[int]
) -> None:
    sold(shop, amounts if shop.form == "csv" else [float(amount) for amount in amounts])
    how(shop, unit="major")
    shop.mapping["currency"] = {"code": code}
    tables = shop.load()
    assert column_of(tables, LINES, "paid_cents") == minor
    assert set(column_of(tables, LINES, "currency")) == {code}
    assert "rounded_paid_cents" not in tables.report.tables[LINES].fixes


def test_digits_are_those_of_iso_4217() -> None:
    """List One of 2026-01-01: 17 codes without a minor unit, 7 of thousandths, 2 of ten-thousandths."""
    digits = [*MINOR_DIGITS.values()]
    assert [digits.count(number) for number in (0, 3, 4)] == [17, 7, 2] and len(digits) == 26
    mistaken_for_none = ["IDR", "HUF", "IRR", "TWD", "MGA", "MRU", "RSD", "COP", "ALL", "LAK", "CRC", "HRK"]
    assert {minor_digits(code) for code in mistaken_for_none} == {2}
    others = {"CLP": 0, "ISK": 0, "UYI": 0, "UYU": 2, "UYW": 4, "CLF": 4, "XPF": 0, "IQD": 3, "LYD": 3}
    assert {code: minor_digits(code) for code in others} == others


def test_a_currency_that_the_rows_name_needs_no_declaration(shop: Shop) -> None:
    sold(shop, ["1.234", "2"], currency=["KWD", "KWD"])
    how(shop, unit="major")
    assert paid(shop) == [1_234, 2_000]


def test_a_constant_currency_counts_like_a_column(shop: Shop) -> None:
    sold(shop, ["1200", "2"])
    how(shop, unit="major")
    shop.mapping["tables"][LINES]["columns"]["currency"] = {"constant": "JPY"}
    assert paid(shop) == [1_200, 2]


def test_parts_of_a_minor_unit_are_rounded_and_counted(shop: Shop) -> None:
    sold(shop, ["12.5", *["1000"] * 200])
    how(shop, unit="major")
    shop.mapping["currency"] = {"code": "JPY"}
    tables = shop.load()
    assert column_of(tables, LINES, "paid_cents") == [13, *[1_000] * 200]
    assert tables.report.tables[LINES].fixes["rounded_paid_cents"] == 1


def test_attributes_of_customers_are_in_the_declared_currency(shop: Shop) -> None:
    shop["customers"]["spent"] = ["1.234"] * 40
    spent = {"column": "spent", "kind": "cents", "unit": "major"}
    shop.mapping["tables"]["customers"]["attributes"] = {"spent_cents": spent}
    shop.mapping["currency"] = {"code": "KWD"}
    assert set(column_of(shop.load(), "customers", "spent_cents")) == {1_234}


RATIOS = ("0.37", "1.0000000000000001", "123.4")
RATES = {"JPY": "0.0062", "KWD": "3.0", "EUR": "1", "USD": "0.92", "usd": "0.92"}


@pytest.mark.parametrize("unit", ["minor", "major"])
def test_rates_are_between_major_units(shop: Shop, unit: str) -> None:
    """1,000 yen at 0.0062 are 6.20 euros, 1,000 fils (a dinar) at 3.0 are 3.00 euros, 1,000 cents 10.00."""
    minor = {"JPY": "1000", "KWD": "1000", "EUR": "1000", "usd": "1000"}
    major = {"JPY": "1000", "KWD": "1", "EUR": "10", "usd": "10"}
    amounts = minor if unit == "minor" else major
    sold(shop, list(amounts.values()), currency=list(amounts))
    how(shop, unit=unit)
    shop.mapping["currency"] = {"code": "EUR", "rates": {code: RATES[code] for code in ("JPY", "KWD", "usd")}}
    assert paid(shop) == [620, 300, 1_000, 920]


@pytest.mark.parametrize(
    ("code", "other", "rate"),
    [*itertools.product(("JPY", "EUR", "KWD"), ("KRW", "USD", "BHD"), RATIOS)],
)
def test_converted_amounts_are_those_of_decimals(shop: Shop, code: str, other: str, rate: str) -> None:
    amounts = ["0", "1", "7", "12", "999999", "1234567.5", "0.5", "0.125", "0.001"]
    digits = minor_digits(other)
    amounts = [text for text in amounts if len(text.partition(".")[2]) <= digits]
    sold(shop, amounts, currency=[other] * len(amounts))
    how(shop, unit="major")
    shop.mapping["currency"] = {"code": code, "rates": {other: rate}}
    exact = [Decimal(text) * Decimal(rate) * minor_per_major(code) for text in amounts]
    assert paid(shop) == [int(amount.quantize(Decimal(1), ROUND_HALF_UP)) for amount in exact]


@pytest.mark.parametrize("code", ["JPY", "EUR", "KWD"])
def test_a_unit_price_times_a_large_quantity_is_money_like_any_other(shop: Shop, code: str) -> None:
    quantities = [500_000, 2, 5_000_000]
    sold(shop, ["3", "3000000", "1000000"], quantity=quantities)
    how(shop, unit="major", times="quantity")
    shop.mapping["currency"] = {"code": code}
    wanted = [1_500_000, 6_000_000, 5_000_000_000_000]
    assert paid(shop) == [amount * minor_per_major(code) for amount in wanted]


def test_one_amount_beyond_64_bits_is_one_row(shop: Shop) -> None:
    amounts = ["5", "1000000000000", "12345678901234567", "92233720368547758.08", "1e21", "9" * 31]
    sold(shop, amounts, quantity=[1, 1, 1, 1, 900_000_000_000, 1], currency=["EUR"] * 5 + ["USD"])
    how(shop, unit="major", times="quantity")
    shop.mapping["currency"] = {"code": "EUR", "rates": {"USD": "0.92"}}
    tables = shop.load()
    assert column_of(tables, LINES, "paid_cents") == [500, 10**14, 1_234_567_890_123_456_700]
    reasons = [reason for _, reason, _ in quarantined(tables, LINES)]
    assert reasons == ["out_of_range_paid_cents", "out_of_range_paid_cents", "unreadable_paid_cents"]


@pytest.mark.parametrize("unit", ["minor", "major"])
def test_an_amount_too_large_to_convert_is_set_aside(shop: Shop, unit: str) -> None:
    amount = "9000000000000000000" if unit == "minor" else "90000000000000000"
    sold(shop, [amount, "5"], currency=["USD", "EUR"])
    how(shop, unit=unit)
    shop.mapping["currency"] = {"code": "EUR", "rates": {"USD": "1.5"}}
    tables = shop.load()
    assert [reason for _, reason, _ in quarantined(tables, LINES)] == ["out_of_range_paid_cents"]


def test_currencies_without_a_rate_are_refused(shop: Shop) -> None:
    sold(shop, ["1", "2"], currency=["JPY", "KWD"])
    shop.mapping["currency"] = {"code": "EUR", "rates": {"JPY": "0.0062"}}
    with pytest.raises(InputError, match="currency is mixed"):
        shop.load()


@pytest.mark.parametrize(
    "rate",
    ["0.000000004", "Infinity", "-Infinity", "NaN", "1e40", "0", "-1", "1e-9", "0,92", "", "1." + "1" * 30],
)
def test_a_rate_that_can_be_none_is_refused(rate: str) -> None:
    content = {"name": "a", "currency": {"code": "EUR", "rates": {"USD": rate}}, "tables": {}}
    with pytest.raises(
        ConfigError, match=r"the rate of USD is .*; write a decimal in quotes, from 0\.0000001"
    ):
        parse_mapping(content, "a.yaml")


@pytest.mark.parametrize(
    "currency", [{"code": "euro"}, {"code": "¥"}, {"code": "EUR", "rates": {"$": "0.92"}}]
)
def test_a_currency_is_a_code_of_three_letters(currency: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="String should match"):
        parse_mapping({"name": "a", "currency": currency, "tables": {}}, "a.yaml")


def test_digits_are_those_of_the_standard() -> None:
    """ISO 4217, List One: how many currencies have which digits, beside those of two."""
    digits = list(MINOR_DIGITS.values())
    assert {n: digits.count(n) for n in set(digits)} == {0: 17, 3: 7, 4: 2}
    assert [minor_per_major(code) for code in ("JPY", "jpy", "KWD", "EUR", "CNY", "", "XXX")] == [
        1, 1, 1_000, 100, 100, 100, 100,
    ]  # fmt: skip

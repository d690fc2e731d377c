"""Amounts of whole orders, shared over their lines: exact sums, and orders where that can't be done."""

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from shop import (  # noqa: F401  (fixtures)
    FIRST_DAY,
    Shop,
    column_of,
    only_csv_shop,
    own_data_folder,
    quarantined,
)

from crm_ml.errors import ConfigError, InputError

LINES = "order_lines"
PAID = {"column": "paid", "unit": "major", "less": ["rebate", "refunded"]}
DISCOUNT = {"column": "rebate", "unit": "major", "per": "order"}


def of_orders(shop: Shop, orders: Sequence[Sequence[str]], **amounts: Sequence[Sequence[str]]) -> Shop:
    """Give the shop orders by the amounts of their lines, with further columns of the same form."""
    places = [(order, line) for order, lines in enumerate(orders) for line in range(len(lines))]
    shop.tables[LINES] = {
        "customer_id": [f"c{order % 40:02d}" for order, _ in places],
        "order_id": [f"o{order}" for order, _ in places],
        "line_id": [str(line) for _, line in places],
        "item_id": [f"i{line % 20:02d}" for _, line in places],
        "ordered_at": [FIRST_DAY.replace(day=1 + order % 28) for order, _ in places],
        "paid": [orders[order][line] for order, line in places],
        **{name: [cells[order][line] for order, line in places] for name, cells in amounts.items()},
    }
    shop.mapping["tables"][LINES]["columns"] = {"paid_cents": PAID, "discount_cents": DISCOUNT}
    return shop


def lines_of(tables: Any) -> dict[str, list[tuple[int, int]]]:
    """Amount paid and discount of the accepted lines by order."""
    names = ("order_id", "line_id", "paid_cents", "discount_cents")
    lines: dict[str, list[tuple[int, int]]] = {}
    for order, _, paid, discount in sorted(zip(*(column_of(tables, LINES, n) for n in names), strict=True)):
        lines.setdefault(order, []).append((paid, discount))
    return lines


def shares_of(amount: int, weights: list[int]) -> list[int]:
    """Largest remainder by fractions."""
    weights = weights if sum(weights) else [1] * len(weights)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(exact[n] % 1), n))
    left = amount - sum(int(part) for part in exact)
    return [int(part) + (n in order[:left]) for n, part in enumerate(exact)]


def in_units(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@pytest.mark.parametrize("threads", ["3", pytest.param("1", marks=pytest.mark.slow)])
def test_sums_are_exact_and_shares_in_proportion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("CRM_ML_THREADS", threads)
    draw = random.Random(20)
    cents = [[draw.choice([0, 1, 5, 999, draw.randrange(99_999)]) for _ in range(draw.randrange(1, 7))]
             for _ in range(150)]  # fmt: skip
    rebates = [draw.randrange(sum(lines) + 1) for lines in cents]
    refunds = [draw.choice([0, sum(lines) - rebate]) for lines, rebate in zip(cents, rebates, strict=True)]
    once = [[in_units(rebate), *[""] * (len(cents[n]) - 1)] for n, rebate in enumerate(rebates)]
    alike = [[in_units(refund)] * len(lines) for refund, lines in zip(refunds, cents, strict=True)]
    orders = [[in_units(line) for line in lines] for lines in cents]
    tables = of_orders(Shop(tmp_path), orders, rebate=once, refunded=alike).load()
    assert tables.report.tables[LINES].quarantined == {}
    for order, lines in lines_of(tables).items():
        n = int(order[1:])
        off = shares_of(rebates[n] + refunds[n], cents[n])
        assert [paid for paid, _ in lines] == [line - part for line, part in zip(cents[n], off, strict=True)]
        assert [discount for _, discount in lines] == shares_of(rebates[n], cents[n])
        assert all(paid >= 0 for paid, _ in lines)


def test_an_order_of_nothing_has_equal_shares(tmp_path: Path) -> None:
    nothing = [["0", "0", "0"], ["1", "2"]]
    shop = of_orders(Shop(tmp_path, "parquet"), nothing, rebate=[["0.50", "", ""], ["", ""]])
    shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {"column": "paid", "unit": "major"}
    assert lines_of(shop.load()) == {"o0": [(0, 17), (0, 17), (0, 16)], "o1": [(100, 0), (200, 0)]}


#: Discount and refund of the two lines of an order, and the reasons for which these are set aside.
CASES = [
    (("1.00", "2.00"), ("", ""), ["differs_in_order_discount_cents"] * 2),
    (("1.00", ""), ("0.50", "0.25"), ["differs_in_order_paid_cents"] * 2),
    (("1.00", ""), ("29.01", ""), ["exceeds_order_paid_cents"] * 2),
    (("", "one"), ("", ""), ["unshared_discount_cents", "unreadable_discount_cents"]),
    (("", ""), ("half", ""), ["unreadable_paid_cents_less_2", "unshared_paid_cents"]),
    (("", ""), ("-1.00", ""), ["negative_paid_cents_less_2", "unshared_paid_cents"]),
]


def test_an_order_whose_amounts_are_not_known_is_set_aside(csv_shop: Shop) -> None:
    right = [("", "")] * 200
    rebate, refunded = ([*(case[n] for case in CASES), *right] for n in (0, 1))
    tables = of_orders(csv_shop, [["10.00", "20.00"]] * 206, rebate=rebate, refunded=refunded).load()
    aside = [reason for _, reason, _ in quarantined(tables, LINES)]
    assert aside == [reason for *_, reasons in CASES for reason in reasons]
    report = tables.report.tables[LINES]
    assert sum(report.quarantined_cents.values()) == 3000 * len(CASES)
    assert report.examples["unreadable_paid_cents_less_2"] == ["aaaa"]
    assert set(lines_of(tables)) == {f"o{n}" for n in range(len(CASES), 206)}


@pytest.mark.slow
def test_many_such_orders_refuse_the_table(csv_shop: Shop) -> None:
    empty = [["", ""]] * 50
    rebate = [["1", "2"]] * 10 + [["", ""]] * 10 + empty
    refunded = [["", ""]] * 10 + [["30.01", ""]] * 10 + empty
    of_orders(csv_shop, [["10.00", "20.00"]] * 70, rebate=rebate, refunded=refunded)
    with pytest.raises(InputError) as refused:
        csv_shop.load()
    assert "discount_cents differs within one order in 20 of 140 rows; an amount of the line" in str(
        refused.value
    )


def test_shares_are_in_the_declared_currency(csv_shop: Shop) -> None:
    of_orders(
        csv_shop, [["10", "20"], ["3.00", "1.00"]], rebate=[["1", ""], ["0.01", ""]], refunded=[["", ""]] * 2
    )
    csv_shop[LINES]["currency"] = ["JPY", "JPY", "USD", None]
    csv_shop.mapping["currency"] = {"code": "USD", "rates": {"JPY": "0.007"}}
    assert lines_of(csv_shop.load()) == {"o0": [(7, 0), (13, 1)], "o1": [(299, 1), (100, 0)]}
    csv_shop[LINES]["currency"][1] = None
    csv_shop.mapping["tables"][LINES]["allow"] = {"differs_in_order": 1}
    tables = csv_shop.load()
    assert {reason for _, reason, _ in quarantined(tables, LINES)} == {"differs_in_order_currency"}


@pytest.mark.parametrize(
    ("table", "column", "how", "fault"),
    [
        (LINES, "discount_cents", {"column": "x", "less": ["y"]}, "discount_cents has less; amounts of"),
        (LINES, "paid_cents", {"column": "x", "per": "order"}, "paid_cents is per: order; shared are only"),
        ("items", "item_id", {"column": "x", "per": "order"}, "items.item_id is per: order"),
    ],
)
def test_amounts_of_orders_stand_where_lines_are(
    csv_shop: Shop, table: str, column: str, how: dict[str, Any], fault: str
) -> None:
    csv_shop.mapping["tables"][table]["columns"] = {column: how}
    with pytest.raises(ConfigError, match=fault):
        csv_shop.load()


def test_a_column_to_take_off_that_is_absent_is_named(csv_shop: Shop) -> None:
    csv_shop.mapping["tables"][LINES]["columns"]["paid_cents"] = {**PAID, "less": ["Refund"]}
    with pytest.raises(InputError, match="paid_cents reads Refund, which the source does not have"):
        csv_shop.load()


@pytest.mark.parametrize(("rule", "is_told"), [("line_id != '0'", True), ("line_id != '1'", False)])
def test_an_amount_on_rows_that_are_left_out_alone_is_told(csv_shop: Shop, rule: str, is_told: bool) -> None:
    off = [["1.00", ""]] * 40
    shop = of_orders(csv_shop, [["10.00", "5.00"]] * 40, rebate=off, refunded=[["", ""]] * 40)
    shop.mapping["tables"][LINES]["where"] = rule
    warnings = shop.load().report.tables[LINES].warnings
    assert is_told == any("40 orders have an amount under less" in text for text in warnings)

"""Rows that are quarantined, fixed or warned about: the row cases of the contract, on CSV and Parquet."""

import json
import random
from collections.abc import Callable
from datetime import datetime

import pytest
from shop import (  # noqa: F401  (fixtures)
    FIRST_DAY,
    Shop,
    adds_up,
    any_shop,
    bytes_of,
    column_of,
    only_csv_shop,
    own_data_folder,
    quarantined,
    rows_of,
)

Spoil = Callable[[Shop], None]


def put(name: str, column: str, value: object, row: int = 5, text: bool = False) -> Spoil:
    """Spoil one cell (row from 0)."""

    def spoil(shop: Shop) -> None:
        if text:
            shop.as_text(name, column)
        shop[name][column][row] = value

    return spoil


LINES = "order_lines"
QUARANTINED = {
    "null-customer": (put(LINES, "customer_id", None), "null_customer_id"),
    "empty-order-id": (put(LINES, "order_id", ""), "null_order_id"),
    "blank-item": (put(LINES, "item_id", "  \u3000"), "blank_item_id"),
    "blank-line-id": (put(LINES, "line_id", " "), "blank_line_id"),
    "nul-in-id": (put(LINES, "order_id", "o\x00x"), "nul_in_order_id"),
    "unknown-customer": (put(LINES, "customer_id", "c99"), "unknown_customer_id"),
    "unknown-item": (put(LINES, "item_id", "i99"), "unknown_item_id"),
    "1970": (put(LINES, "ordered_at", datetime(1970, 1, 1)), "sentinel_ordered_at"),
    "1970-in-the-evening": (put(LINES, "ordered_at", datetime(1970, 1, 1, 18)), "sentinel_ordered_at"),
    "9999": (put(LINES, "ordered_at", datetime(9999, 12, 31)), "sentinel_ordered_at"),
    "null-time": (put(LINES, "ordered_at", None), "null_ordered_at"),
    "text-time": (put(LINES, "ordered_at", "yesterday", text=True), "unreadable_ordered_at"),
    "impossible-day": (put(LINES, "ordered_at", "2024-02-30 10:00:00", text=True), "unreadable_ordered_at"),
    "negative-amount": (put(LINES, "paid", -3.5), "unlinked_refund"),
    "negative-quantity": (put(LINES, "quantity", -1), "unlinked_refund"),
    "negative-discount": (
        lambda s: s[LINES].update(discount_cents=[-1 if n == 5 else 0 for n in range(200)]),
        "negative_discount_cents",
    ),
    "negative-coupon": (
        lambda s: s[LINES].update(coupon_cents=[-1 if n == 5 else 0 for n in range(200)]),
        "negative_coupon_cents",
    ),
    "refund-of-nothing": (
        lambda s: s.append(LINES, 5, order_id="r1", paid=-3.5, refund_of="o999"),
        "unlinked_refund",
    ),
    "refund-before-order": (
        lambda s: s.append(LINES, 150, order_id="r1", paid=-3.5, ordered_at=FIRST_DAY, refund_of="o075"),
        "unlinked_refund",
    ),
    "positive-refund": (
        lambda s: s.append(LINES, 5, order_id="r1", paid=3.5, refund_of="o002"),
        "positive_refund",
    ),
    "infinite-amount": (put(LINES, "paid", float("inf")), "not_finite_paid_cents"),
    "nan-amount": (put(LINES, "paid", float("nan")), "not_finite_paid_cents"),
    "null-amount": (put(LINES, "paid", None), "null_paid_cents"),
    "full-width-digits": (
        put(LINES, "paid", "\uff11\uff12.\uff15", text=True),
        "full_width_digits_paid_cents",
    ),
    "decimal-comma": (put(LINES, "paid", "12,50", text=True), "decimal_comma_paid_cents"),
    "word-for-amount": (put(LINES, "paid", "free", text=True), "unreadable_paid_cents"),
    "amount-out-of-range": (put(LINES, "paid", "1e300", text=True), "unreadable_paid_cents"),
    "fractional-quantity": (put(LINES, "quantity", "1.5", text=True), "unreadable_quantity"),
}


@pytest.mark.parametrize("case", QUARANTINED)
def test_row_is_quarantined(shop: Shop, case: str) -> None:
    spoil, reason = QUARANTINED[case]
    spoil(shop)
    rows = len(shop[LINES]["order_id"])
    tables = shop.load()
    report = tables.report.tables[LINES]
    assert report.quarantined == {reason: 1}
    assert (report.read, report.accepted) == (rows, rows - 1)
    assert report.checks[reason] >= 1
    assert adds_up(tables)
    row, found, original = quarantined(tables, LINES)[0]
    assert (row, found) == (6 if rows == 200 else 201, reason)
    assert json.loads(original)["order_id"] == shop[LINES]["order_id"][row - 1] or case == "empty-order-id"


def test_first_failing_check_names_the_row_and_raw_counts_overlap(shop: Shop) -> None:
    shop[LINES]["customer_id"][3] = None
    shop[LINES]["paid"][3] = float("inf")
    shop[LINES]["paid"][4] = float("inf")
    report = shop.load().report.tables[LINES]
    assert report.quarantined == {"null_customer_id": 1, "not_finite_paid_cents": 1}
    assert report.checks == {"null_customer_id": 1, "not_finite_paid_cents": 2}


def test_accepted_values_are_exact(shop: Shop) -> None:
    shop[LINES]["paid"] = [29.29 if n % 2 else 1.1 for n in range(200)]
    tables = shop.load()
    assert column_of(tables, LINES, "paid_cents") == [2929 if n % 2 else 110 for n in range(200)]
    assert column_of(tables, LINES, "ordered_at")[0] == FIRST_DAY
    assert column_of(tables, LINES, "ordered_at_epoch_s")[0] == 1_704_099_600
    assert column_of(tables, LINES, "discount_cents") == [0] * 200
    assert tables.report.tables[LINES].warnings == []


def test_same_row_twice_leaves_the_same_bytes(shop: Shop) -> None:
    clean = bytes_of(shop.with_campaigns().load())
    for row in (3, 3, 70):
        shop.append(LINES, row)
    shop.append("responses", 2)
    tables = shop.load()
    assert tables.report.tables[LINES].quarantined == {"duplicate": 3}
    assert tables.report.tables["responses"].quarantined == {"duplicate": 1}
    assert tables.report.tables[LINES].checks["exact_duplicate"] == 3
    assert bytes_of(tables) == clean
    assert adds_up(tables)


def test_conflicting_rows_leave_the_smallest_whatever_the_order(shop: Shop) -> None:
    shop.append(LINES, 5, paid=0.01)
    shop.append(LINES, 5, paid=77.0)
    shop.append("items", 4, department="a")
    first = shop.load()
    assert first.report.tables[LINES].quarantined == {"conflicting_key": 2}
    assert column_of(first, LINES, "paid_cents")[5] == 1
    assert column_of(first, "items", "department")[4] == "a"
    order = list(range(len(shop[LINES]["paid"])))
    random.Random(3).shuffle(order)
    for column, values in shop[LINES].items():
        shop[LINES][column] = [values[i] for i in order]
    assert bytes_of(shop.load()) == bytes_of(first)


def test_equal_lines_of_an_order_without_line_ids_are_one(shop: Shop) -> None:
    del shop[LINES]["line_id"]
    shop.append(LINES, 5)
    shop.append(LINES, 5, paid=9.5)
    report = shop.load().report.tables[LINES]
    assert report.quarantined == {"duplicate": 1}


def test_lines_with_a_null_line_id_do_not_conflict(shop: Shop) -> None:
    shop[LINES]["line_id"][4] = shop[LINES]["line_id"][5] = None
    report = shop.load().report.tables[LINES]
    assert report.quarantined == {}


def test_linked_refund_is_a_negative_line_of_its_order_at_its_own_time(shop: Shop) -> None:
    later = datetime(2024, 6, 1)
    shop.append(LINES, 10, order_id="r9", paid=-4.0, ordered_at=later, refund_of="o005")
    tables = shop.load()
    report = tables.report.tables[LINES]
    assert (report.quarantined, report.fixes) == ({}, {"refund_netted": 1})
    refunds = [row for row in rows_of(tables, LINES) if row[-1] == "o005"]
    assert [(r[1], r[2], r[4], r[7]) for r in refunds] == [("o005", "refund:r9:0", later, -400)]
    orders = tables.pandas("orders").query("order_id == 'o005'").sort_values("ordered_at_epoch_s")
    assert orders["paid_cents"].tolist() == [1125 + 1225, -400]


def test_zero_value_orders_are_kept(shop: Shop) -> None:
    shop[LINES]["paid"][0] = shop[LINES]["paid"][1] = 0.0
    tables = shop.load()
    assert column_of(tables, LINES, "paid_cents")[:2] == [0, 0]
    assert tables.report.tables[LINES].quarantined == {}


def test_huge_amount_is_kept_with_a_warning(shop: Shop) -> None:
    shop[LINES]["paid"][5] = 1e9
    tables = shop.load()
    assert max(column_of(tables, LINES, "paid_cents")) == 100_000_000_000
    assert tables.report.tables[LINES].warnings == ["1 rows: large_paid_cents (first: row 6)"]


@pytest.mark.parametrize(
    "name",
    [
        "0012",
        "9007199254740993",
        "123456789012345678901234567890",
        "😀",
        "\u202eabc",
        "a\u200bb",
        " c",
        "\uff21\uff11",
        "1.0",
    ],
    ids=[
        "leading-zeros",
        "above-2^53",
        "30-digits",
        "emoji",
        "rtl",
        "zero-width",
        "space",
        "full-width",
        "float-like",
    ],
)
def test_ids_are_kept_byte_exact(shop: Shop, name: str) -> None:
    shop["customers"]["customer_id"][0] = name
    ids = shop[LINES]["customer_id"]
    shop[LINES]["customer_id"] = [name if i == "c00" else i for i in ids]
    tables = shop.load()
    for table in ("customers", LINES):
        assert name in column_of(tables, table, "customer_id")
    assert all(t.quarantined == {} for t in tables.report.tables.values())


def test_integer_ids_above_2_to_53_are_exact_in_parquet(shop: Shop) -> None:
    big = 2**53 + 1
    shop["items"]["item_id"] = [big + n for n in range(20)]
    shop[LINES]["item_id"] = [big + (n * 7) % 20 for n in range(200)]
    tables = shop.load()
    assert column_of(tables, "items", "item_id") == [str(big + n) for n in range(20)]
    assert tables.report.tables[LINES].quarantined == {}


def test_ids_equal_only_after_nfc_are_kept_and_warned_about(shop: Shop) -> None:
    shop["customers"]["customer_id"][0:2] = ["caf\u00e9", "cafe\u0301"]
    ids = shop[LINES]["customer_id"]
    shop[LINES]["customer_id"] = ["caf\u00e9" if i in ("c00", "c01") else i for i in ids]
    tables = shop.load()
    assert {"caf\u00e9", "cafe\u0301"} <= set(column_of(tables, "customers", "customer_id"))
    assert any("NFC" in text for text in tables.report.tables["customers"].warnings)


def test_extra_columns_are_warned_about_and_moved_ones_change_no_byte(shop: Shop) -> None:
    clean = bytes_of(shop.load())
    shop[LINES]["shelf"] = ["x"] * 200
    shop.tables[LINES] = dict(reversed(shop[LINES].items()))
    tables = shop.load()
    assert bytes_of(tables) == clean
    assert tables.report.tables[LINES].warnings == [
        "columns not used: shelf; map them or list them under ignore"
    ]


def test_few_future_rows_are_quarantined_and_counted(shop: Shop) -> None:
    lines = shop[LINES]
    for n in range(3000):
        shop.append(LINES, n % 200, order_id=f"x{n}")
    lines["ordered_at"][5] = datetime(2030, 1, 1)
    shop.mapping["known_until"] = "2024-12-31"
    tables = shop.load()
    assert tables.report.tables[LINES].quarantined == {"future_ordered_at": 1}


def test_campaigns_may_end_in_the_future(shop: Shop) -> None:
    shop.with_campaigns()["campaigns"]["ends_at"][1] = datetime(2031, 1, 1)
    shop.mapping["known_until"] = "2024-12-31"
    assert shop.load().report.tables["campaigns"].quarantined == {}


def test_share_of_unknown_items_is_told(shop: Shop) -> None:
    shop[LINES]["item_id"][0:10] = ["i99"] * 10
    warnings = shop.load().report.tables[LINES].warnings
    assert warnings == ["item_id is unknown to items in 10 of 200 rows (5.00%)"]


def test_cells_without_a_value_are_filled_and_fractions_of_cents_rounded(shop: Shop) -> None:
    shop[LINES]["discount_cents"] = [None if n < 3 else 7 for n in range(200)]
    shop[LINES]["paid"][0:2] = [1.005, 2.0049]
    tables = shop.load()
    assert column_of(tables, LINES, "discount_cents")[:4] == [0, 0, 0, 7]
    assert column_of(tables, LINES, "paid_cents")[:2] == [101, 200]
    assert tables.report.tables[LINES].fixes == {"filled_discount_cents": 3, "rounded_paid_cents": 2}


def test_attributes_and_consents_are_read_by_their_kind(shop: Shop) -> None:
    customers = [f"c{i:02d}" for i in range(40)]
    shop["customers"].update(score=["inf", *["0.25"] * 39], age=["x", *["7"] * 39])
    shop.mapping["tables"]["customers"]["attributes"] = {
        "score": {"column": "score", "kind": "number"},
        "age": {"column": "age", "kind": "integer"},
    }
    shop.tables["consents"] = {
        "customer_id": customers,
        "purpose": ["mail"] * 40,
        "granted": ["maybe", "yes", "0", *["true"] * 37],
        "changed_at": [FIRST_DAY] * 40,
    }
    tables = shop.load()
    assert tables.report.tables["customers"].quarantined == {"unreadable_age": 1}
    assert tables.report.tables["customers"].checks == {"not_finite_score": 1, "unreadable_age": 1}
    assert rows_of(tables, "customers")[0] == ("c01", None, None, 7, 0.25)
    assert tables.report.tables["consents"].quarantined == {"unreadable_granted": 1}
    assert column_of(tables, "consents", "granted")[:2] == [True, False]

"""Rows that are quarantined, fixed or warned about: the row cases of the contract, on CSV and Parquet."""

import json
import random
from collections import Counter
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

LINES = "order_lines"
Spoil = Callable[[Shop, int], None]


def put(column: str, value: object) -> Spoil:
    """Spoil the cell of a row (from 0)."""

    def spoil(shop: Shop, row: int) -> None:
        shop[LINES][column][row] = value

    return spoil


def put_new(column: str, value: object) -> Spoil:
    """Spoil the cell of a row in a column that is 0 elsewhere."""

    def spoil(shop: Shop, row: int) -> None:
        shop[LINES].setdefault(column, [0] * len(shop[LINES]["order_id"]))[row] = value

    return spoil


def add(like: int, **changes: object) -> Spoil:
    """Add a row; it has to be the last one of its kind."""
    return lambda shop, _: shop.append(LINES, like, **changes)


CELLS = {
    "null-customer": (put("customer_id", None), "null_customer_id"),
    "empty-order-id": (put("order_id", ""), "null_order_id"),
    "blank-item": (put("item_id", "  \u3000"), "blank_item_id"),
    "blank-line-id": (put("line_id", " "), "blank_line_id"),
    "nul-in-id": (put("order_id", "o\x00x"), "nul_in_order_id"),
    "unknown-customer": (put("customer_id", "c99"), "unknown_customer_id"),
    "unknown-item": (put("item_id", "i99"), "unknown_item_id"),
    "1970": (put("ordered_at", datetime(1970, 1, 1)), "sentinel_ordered_at"),
    "1970-in-the-evening": (put("ordered_at", datetime(1970, 1, 1, 18)), "sentinel_ordered_at"),
    "9999": (put("ordered_at", datetime(9999, 12, 31)), "sentinel_ordered_at"),
    "null-time": (put("ordered_at", None), "null_ordered_at"),
    "negative-amount": (put("paid", -3.5), "unlinked_refund"),
    "negative-quantity": (put("quantity", -1), "unlinked_refund"),
    "negative-discount": (put_new("discount_cents", -1), "negative_discount_cents"),
    "negative-coupon": (put_new("coupon_cents", -1), "negative_coupon_cents"),
    "infinite-amount": (put("paid", float("inf")), "not_finite_paid_cents"),
    "nan-amount": (put("paid", float("nan")), "not_finite_paid_cents"),
    "null-amount": (put("paid", None), "null_paid_cents"),
    "refund-of-nothing": (add(4, order_id="r1", paid=-3.5, refund_of="o999"), "unlinked_refund"),
    "refund-before-order": (
        add(150, order_id="r2", paid=-3.5, ordered_at=FIRST_DAY, refund_of="o075"),
        "unlinked_refund",
    ),
    "positive-refund": (add(4, order_id="r3", paid=3.5, refund_of="o002"), "positive_refund"),
}
TEXTS = {
    "text-time": (put("ordered_at", "yesterday"), "unreadable_ordered_at"),
    "impossible-day": (put("ordered_at", "2024-02-30 10:00:00"), "unreadable_ordered_at"),
    "one-or-a-thousand": (put("paid", "\uff11,\uff12\uff13\uff14"), "thousands_paid_cents"),
    "sign-without-currency": (put("paid", "$12.50"), "currency_sign_paid_cents"),
    "word-for-amount": (put("paid", "free"), "unreadable_paid_cents"),
    "amount-out-of-range": (put("paid", "1e300"), "unreadable_paid_cents"),
    "fractional-quantity": (put("quantity", "1.5"), "unreadable_quantity"),
}


@pytest.mark.parametrize(("cases", "text"), [(CELLS, ()), (TEXTS, ("ordered_at", "paid", "quantity"))])
def test_rows_are_quarantined(shop: Shop, cases: dict[str, tuple[Spoil, str]], text: tuple[str, ...]) -> None:
    for column in text:
        shop.as_text(LINES, column)
    wanted, added = {}, len(shop[LINES]["order_id"])
    for number, (case, (spoil, reason)) in enumerate(cases.items()):
        row = 5 + 7 * number
        spoil(shop, row)
        if len(shop[LINES]["order_id"]) > added:
            row, added = added, added + 1
        wanted[row + 1] = (case, reason)
    for column in ("discount_cents", "coupon_cents"):
        if column in shop[LINES]:
            shop[LINES][column] += [0] * (added - len(shop[LINES][column]))
    tables = shop.load()
    report = tables.report.tables[LINES]
    found = {row: (wanted.get(row, ("",))[0], reason) for row, reason, _ in quarantined(tables, LINES)}
    assert found == wanted
    assert report.quarantined == Counter(reason for _, reason in wanted.values())
    assert (report.read, report.accepted) == (added, added - len(wanted))
    assert all(report.checks[reason] >= count for reason, count in report.quarantined.items())
    assert adds_up(tables)
    for row, _, original in quarantined(tables, LINES):
        given = shop[LINES]["order_id"][row - 1]
        assert json.loads(original)["order_id"] == given or wanted[row][0] == "empty-order-id"


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
    large, heavy = tables.report.tables[LINES].warnings
    assert large == "1 rows: large_paid_cents (first: row 6)"
    assert heavy.startswith("the customer_id of row 5 has 3 of 100 orders")


IDS = {
    "leading-zeros": "0012",
    "above-2^53": "9007199254740993",
    "30-digits": "123456789012345678901234567890",
    "emoji": "😀",
    "rtl": "\u202eabc",
    "zero-width": "a\u200bb",
    "space": " c",
    "full-width": "\uff21\uff11",
    "float-like": "1.0",
}


def test_ids_are_kept_byte_exact(shop: Shop) -> None:
    new = dict(zip(shop["customers"]["customer_id"], IDS.values(), strict=False))
    assert len(new) == len(IDS)
    for table in ("customers", LINES):
        shop[table]["customer_id"] = [new.get(one, one) for one in shop[table]["customer_id"]]
    tables = shop.load()
    for table in ("customers", LINES):
        assert set(IDS.values()) <= set(column_of(tables, table, "customer_id"))
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
    shop[LINES]["paid"][0:2] = [0.505, 2.0049]
    tables = shop.load()
    assert column_of(tables, LINES, "discount_cents")[:4] == [0, 0, 0, 7]
    assert column_of(tables, LINES, "paid_cents")[:2] == [51, 200]
    assert tables.report.tables[LINES].fixes == {"filled_discount_cents": 3, "rounded_paid_cents": 2}


def test_booleans_are_read_from_all_their_words(shop: Shop) -> None:
    words = ["true", "T", "Yes", " y ", "1", "false", "f", "No", "N", "0", ""]
    shop["customers"].update(member=[*words, *["1"] * (40 - len(words))])
    shop.mapping["tables"]["customers"]["attributes"] = {"member": {"column": "member", "kind": "boolean"}}
    members = column_of(shop.load(), "customers", "member")
    assert members[: len(words)] == [True] * 5 + [False] * 5 + [None]


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

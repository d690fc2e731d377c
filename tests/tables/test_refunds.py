"""Refunds: the sum of an order is right whatever ids they carry; what is not netted is told with money."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from shop import Shop, any_shop, bytes_of, only_csv_shop, own_data_folder, rows_of  # noqa: F401  (fixtures)

LINES = "order_lines"
LATER = datetime(2024, 6, 1, 12)
OTHER = LATER + timedelta(days=3)
IDS: dict[str, list[dict[str, Any]]] = {
    "of-the-line": [{"order_id": "o005", "line_id": "0"}],
    "of-the-order": [{"order_id": "o005", "line_id": None}],
    "of-a-new-line": [{"order_id": "o005", "line_id": "2"}],
    "of-its-own": [{"order_id": "r1", "line_id": "0"}],
    "of-the-line-twice": [
        {"order_id": "o005", "line_id": "0", "paid": -2.5},
        {"order_id": "o005", "line_id": "0", "paid": -1.5},
    ],
    "of-the-line-on-two-days": [
        {"order_id": "o005", "line_id": "0", "paid": -2.0},
        {"order_id": "o005", "line_id": "0", "paid": -2.0, "ordered_at": OTHER},
    ],
    "equal-but-for-their-lines": [
        {"order_id": "o005", "line_id": "0", "paid": -2.0},
        {"order_id": "o005", "line_id": "1", "paid": -2.0},
    ],
    "equal-but-for-a-cell-that-is-not-mapped": [
        {"order_id": "o005", "line_id": "0", "paid": -2.0, "refund_id": "x"},
        {"order_id": "o005", "line_id": "0", "paid": -2.0, "refund_id": "y"},
    ],
    "one-word-for-all": [{"order_id": "RETURN", "line_id": "0"}],
    "of-another-order": [{"order_id": "o006", "line_id": "0"}],
}


def refunded(shop: Shop, refunds: list[dict[str, Any]]) -> Shop:
    shop[LINES]["refund_id"] = [""] * len(shop[LINES]["paid"])
    shop.mapping["tables"][LINES]["ignore"] = ["refund_id"]
    for refund in refunds:
        shop.append(LINES, 10, **({"paid": -4.0, "ordered_at": LATER, "refund_of": "o005"} | refund))
    return shop


def sums(tables: Any) -> dict[str, int]:
    return tables.pandas(LINES).groupby("order_id")["paid_cents"].sum().to_dict()


@pytest.mark.parametrize(
    ("case", "lines"),
    [(case, "mapped") for case in IDS]
    + [(case, "absent") for case in IDS if case != "equal-but-for-their-lines"],
)
def test_the_order_is_right_after_its_refunds(shop: Shop, case: str, lines: str) -> None:
    before = sums(shop.load())
    refunded(
        shop, [{"order_id": "RETURN", "line_id": "0", "refund_of": "o006", "customer_id": "c06"}, *IDS[case]]
    )
    if lines == "absent":
        del shop[LINES]["line_id"]
    tables = shop.load()
    report = tables.report.tables[LINES]
    assert report.quarantined == {}
    assert report.fixes == {"refund_netted": 1 + len(IDS[case])}
    assert sums(tables) == before | {"o005": before["o005"] - 400, "o006": before["o006"] - 400}
    keys = [(row[1], row[2]) for row in rows_of(tables, LINES) if row[2] is not None]
    assert len(set(keys)) == len(keys)
    orders = tables.pandas("orders").query("order_id == 'o005' and purchase == 1")
    assert orders["paid_cents"].tolist() == [before["o005"]]


def test_the_order_of_refunds_and_their_replay_change_no_byte(shop: Shop) -> None:
    everything = [refund for refunds in IDS.values() for refund in refunds]
    first = bytes_of(refunded(shop, everything).load())
    for _ in range(2):
        place = list(range(len(shop[LINES]["paid"])))
        random.Random(len(place)).shuffle(place)
        for column, values in shop[LINES].items():
            shop[LINES][column] = [values[n] for n in place]
        shop.append(LINES, 3)
        assert bytes_of(shop.load()) == first


def test_equal_refunds_count_once_and_are_told_unless_all_rows_count(shop: Shop) -> None:
    before = sums(shop.load())
    refunded(shop, [{"order_id": "o005", "line_id": "0"}] * 3)
    report = shop.load().report.tables[LINES]
    assert report.quarantined == {"equal_refund": 2}
    assert report.quarantined_cents == {"equal_refund": -800}
    assert report.warnings == [
        "2 refunds equal another in every cell and are taken as repeated rows (-800 paid_cents); if each is "
        "a refund of its own, declare equal_rows: all"
    ]
    shop.mapping["tables"][LINES]["equal_rows"] = "all"
    tables = shop.load()
    assert tables.report.tables[LINES].quarantined == {}
    assert sums(tables)["o005"] == before["o005"] - 1200


def test_equal_lines_without_ids_all_count_where_declared(shop: Shop) -> None:
    del shop[LINES]["line_id"]
    shop.append(LINES, 5)
    shop.mapping["tables"][LINES]["equal_rows"] = "all"
    assert len(rows_of(shop.load(), LINES)) == 201


def test_a_key_that_stands_twice_is_a_duplicate_whatever_is_declared(shop: Shop) -> None:
    shop.append(LINES, 5)
    shop.mapping["tables"][LINES]["equal_rows"] = "all"
    assert shop.load().report.tables[LINES].quarantined == {"duplicate": 1}


def test_money_that_is_set_aside_is_told_by_reason(shop: Shop) -> None:
    refunded(
        shop, [{"order_id": "r1", "refund_of": "o999"}, {"order_id": "r2", "refund_of": None, "paid": -7.5}]
    )
    shop[LINES]["customer_id"][4] = None
    report = shop.load().report.tables[LINES]
    assert report.quarantined == {"null_customer_id": 1, "unlinked_refund": 2}
    assert report.quarantined_cents == {"null_customer_id": 525, "unlinked_refund": -1150}


def test_an_order_refunded_beyond_what_was_paid_is_told(shop: Shop) -> None:
    refunded(shop, [{"order_id": "o005", "paid": -30.0}])
    warnings = shop.load().report.tables[LINES].warnings
    assert warnings == ["1 orders are refunded by 650 paid_cents more than was paid"]

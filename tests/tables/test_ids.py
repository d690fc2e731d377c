"""Ids: words for a missing value, ids of guests, and ids that are one to a reader."""

import sqlite3
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from shop import Shop, any_shop, column_of, only_csv_shop, own_data_folder, quarantined, rows_of  # noqa: F401  (fixtures)

from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.nulls import ID_NULLS
from crm_ml.tables.sources import Frame
from crm_ml.tables.table_cache import load_tables

LINES = "order_lines"
WORDS = [*ID_NULLS, "NaN", "NULL", " None ", "N/A", "\\N", "#N/A"]


def guests(shop: Shop, word: Any, every: int = 4) -> Shop:
    """Give every so manieth order to one id, which the customers have as well."""
    ids = shop[LINES]["customer_id"]
    shop[LINES]["customer_id"] = [word if n // 2 % every == 0 else one for n, one in enumerate(ids)]
    shop["customers"]["customer_id"] = [*shop["customers"]["customer_id"], word]
    return shop


@pytest.mark.parametrize("word", WORDS)
def test_words_for_nothing_are_no_customer(csv_shop: Shop, word: str) -> None:
    tables = guests(csv_shop, word).load()
    assert tables.report.tables[LINES].quarantined == {"null_customer_id": 50}
    assert tables.report.tables["customers"].quarantined == {"null_customer_id": 1}


@pytest.mark.parametrize("source", ["parquet", "sqlite", "frame", "dictionary"])
def test_words_for_nothing_in_every_source(csv_shop: Shop, source: str) -> None:
    guests(csv_shop, "NULL").write()
    lines = pd.DataFrame(csv_shop[LINES])
    mapping = csv_shop.mapping["tables"][LINES]
    if source in ("frame", "dictionary"):
        frame: Any = pa.Table.from_pandas(lines)
        if source == "dictionary":
            place = frame.column_names.index("customer_id")
            frame = frame.set_column(place, "customer_id", frame["customer_id"].dictionary_encode())
        frames = {
            "customers": pd.DataFrame(csv_shop["customers"]),
            "items": pd.DataFrame(csv_shop["items"]),
            LINES: frame,
        }
        parsed = parse_mapping(csv_shop.mapping, "test")
        tables = load_tables(parsed, {name: Frame(one) for name, one in frames.items()}, csv_shop.folder)
    else:
        if source == "sqlite":
            with sqlite3.connect(csv_shop.folder / "a.db") as connection:
                lines.to_sql("sold", connection, index=False)
            connection.close()
            mapping |= {"url": "sqlite:///a.db", "query": "SELECT * FROM sold"}
            del mapping["path"]
        else:
            lines.to_parquet(csv_shop.folder / "a.parquet")
            mapping["path"] = "a.parquet"
        del csv_shop.tables[LINES]
        tables = csv_shop.load()
    assert tables.report.tables[LINES].quarantined == {"null_customer_id": 50}


@pytest.mark.parametrize("column", ["order_id", "item_id", "line_id", "refund_of"])
def test_other_ids_know_the_words_too(csv_shop: Shop, column: str) -> None:
    csv_shop[LINES][column][7] = "NaN"
    report = csv_shop.load().report.tables[LINES]
    required = column in ("order_id", "item_id")
    assert report.quarantined == ({f"null_{column}": 1} if required else {})
    assert report.fixes == {}


def test_declared_words_come_on_top_and_an_empty_list_means_none(shop: Shop) -> None:
    guests(guests(shop, "Guest"), "nan", 5)
    column = shop.mapping["tables"][LINES]["columns"]
    counts = []
    for nulls in (None, ["guest", "0"], []):
        column["customer_id"] = {"column": "customer_id"} | ({} if nulls is None else {"nulls": nulls})
        shop.mapping["tables"]["customers"]["columns"] = {"customer_id": column["customer_id"]}
        counts.append(sum(shop.load().report.tables[LINES].quarantined.values()))
    assert counts == [40, 80, 0]


def test_declared_words_in_integers_and_in_columns_of_other_kinds(shop: Shop) -> None:
    shop["customers"]["customer_id"] = list(range(40))
    shop[LINES]["customer_id"] = [0 if n < 20 else n // 2 % 40 for n in range(200)]
    shop["items"]["department"][3] = "unknown"
    shop[LINES]["discount_cents"] = ["free" if n == 25 else "7" for n in range(200)]
    tables = shop.mapping["tables"]
    for name in ("customers", LINES):
        tables[name].setdefault("columns", {})["customer_id"] = {"column": "customer_id", "nulls": ["0"]}
    tables["items"]["columns"] = {"department": {"column": "department", "nulls": ["UNKNOWN"]}}
    tables[LINES]["columns"]["discount_cents"] = {"column": "discount_cents", "nulls": ["free"]}
    loaded = shop.load()
    assert loaded.report.tables[LINES].quarantined == {"null_customer_id": 24}
    assert column_of(loaded, "items", "department")[3] is None
    assert loaded.report.tables[LINES].fixes == {"filled_discount_cents": 1}


def many(shop: Shop, word: Any, orders: int, paid: float) -> list[str]:
    """Load 300 customers of one order of 2.00 and one id of more; return the warnings."""
    first = datetime(2024, 1, 1)
    ids = [f"k{n}" for n in range(300)] + [word] * orders
    shop["customers"]["customer_id"] = [f"k{n}" for n in range(300)] + [word]
    shop.tables[LINES] = {
        "customer_id": ids,
        "order_id": [f"o{n}" for n in range(len(ids))],
        "line_id": ["1"] * len(ids),
        "item_id": ["i01"] * len(ids),
        "ordered_at": [first + timedelta(hours=n) for n in range(len(ids))],
        "paid": [2.0] * 300 + [paid] * orders,
    }
    return list(shop.load().report.tables[LINES].warnings)


def test_an_id_of_many_orders_is_told_with_orders_and_money(shop: Shop) -> None:
    assert many(shop, "guest", 60, 3.0) == [
        "the customer_id 'guest' has 60 of 360 orders (16.7%) and 18,000 of 78,000 paid_cents (23.1%); if it "
        "stands for guests or for the shop, list it under nulls of customer_id"
    ]


def test_an_id_of_much_money_is_told_by_its_row_as_it_may_be_a_person(shop: Shop) -> None:
    warnings = many(shop, "jane@example.com", 1, 200.0)
    assert len(warnings) == 1
    assert (
        "the customer_id of row 301 has 1 of 301 orders (0.3%) and 20,000 of 80,000 paid_cents" in warnings[0]
    )
    assert "jane" not in warnings[0]


@pytest.mark.parametrize(("orders", "paid"), [(49, 2.0), (1, 99.0)])
def test_large_customers_are_not_told(shop: Shop, orders: int, paid: float) -> None:
    assert many(shop, "guest", orders, paid) == []


TWINS = {
    "trimmed": ("a", "a ", "trimming"),
    "no-break-space": ("a b", "a\u00a0b", "trimming"),
    "thin-space": ("a", "\u2009a", "trimming"),
    "zero-width": ("ab", "a\u200bb", "trimming"),
    "mark": ("ab", "\ufeffab", "trimming"),
    "soft-hyphen": ("ab", "a\u00adb", "trimming"),
    "case": ("abc", "aBC", "lower case"),
    "case-of-umlauts": ("\u00fc1", "\u00dc1", "lower case"),
    "composed": ("caf\u00e9", "cafe\u0301", "NFC"),
    "composed-in-another-case": ("CAF\u00c9", "cafe\u0301", "lower case"),
}


@pytest.mark.parametrize("case", TWINS)
def test_ids_that_are_one_to_a_reader_are_kept_and_counted(shop: Shop, case: str) -> None:
    one, other, form = TWINS[case]
    shop["customers"]["customer_id"][0:2] = [one, other]
    shop[LINES]["customer_id"] = [{"c00": one, "c01": other}.get(i, i) for i in shop[LINES]["customer_id"]]
    tables = shop.load()
    assert {one, other} <= set(column_of(tables, "customers", "customer_id"))
    for name in ("customers", LINES):
        warnings = tables.report.tables[name].warnings
        assert len(warnings) == 1
        assert warnings[0].startswith("2 values of customer_id equal another only after")
        assert form in warnings[0]


def test_ids_of_one_case_are_not_twins(shop: Shop) -> None:
    shop["customers"]["customer_id"] = [one.upper() for one in shop["customers"]["customer_id"]]
    shop[LINES]["customer_id"] = [one.upper() for one in shop[LINES]["customer_id"]]
    tables = shop.load()
    assert [table.warnings for table in tables.report.tables.values()] == [[], [], []]
    assert quarantined(tables, LINES) == []
    assert len(rows_of(tables, LINES)) == 200

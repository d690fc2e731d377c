"""Rows that are of a table: cells filled down, ``where``, and orders that never came to be."""

from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pytest
from shop import (  # noqa: F401  (fixtures)
    Shop,
    adds_up,
    column_of,
    only_csv_shop,
    own_data_folder,
    quarantined,
)

from crm_ml.errors import ConfigError, InputError
from crm_ml.rules import compile_rule
from crm_ml.tables.raw_rule import RawRule

LINES, ROWS = "order_lines", 200


def declare(shop: Shop, **parts: Any) -> Shop:
    shop.mapping["tables"][LINES] |= parts
    return shop


def header(shop: Shop, name: str, values: dict[int, str | None]) -> Shop:
    """Add a column that stands once an order; an order is two lines."""
    shop[LINES][name] = [values.get(row // 2) if row % 2 == 0 else None for row in range(ROWS)]
    return declare(shop, ignore=[name])


def test_rows_of_another_kind_are_left_out_and_counted(csv_shop: Shop) -> None:
    shop = csv_shop
    shop[LINES]["Art der Zeile"] = ["Kauf" if row % 2 else "Versand" for row in range(ROWS)]
    tables = declare(shop, where="`Art der Zeile` = 'Kauf'").load()
    report = tables.report.tables[LINES]
    cents = sum(125 + 100 * row for row in range(0, ROWS, 2))
    assert (report.read, report.left_out, report.left_out_cents) == (100, {"where": 100}, {"where": cents})
    assert set(column_of(tables, LINES, "line_id")) == {"1"}
    assert report.warnings == []
    assert adds_up(tables)


def test_numbers_compare_as_numbers_also_where_they_are_texts(csv_shop: Shop) -> None:
    csv_shop[LINES]["Betrag \u20ac"] = [f" {row:,}.50 " for row in range(990, 990 + ROWS)]
    lines = csv_shop.mapping["tables"][LINES]
    lines["columns"]["paid_cents"] = {"column": "Betrag \u20ac", "unit": "major", "thousands": ","}
    csv_shop[LINES]["Betrag \u20ac"][-1] = "\u20ac\uff11,\uff18\uff10\uff10"
    csv_shop.mapping["currency"] = {"code": "EUR"}
    report = declare(csv_shop, where="`Betrag \u20ac` >= 1000").load().report.tables[LINES]
    assert (report.read, report.left_out) == (190, {"where": 10})


def test_a_text_that_is_no_number_leaves_nothing_out_unseen(csv_shop: Shop) -> None:
    csv_shop[LINES]["kind"] = ["sale" if row else "note" for row in range(ROWS)]
    csv_shop[LINES]["value"] = ["n/a", "a lot", "", *("7" for _ in range(ROWS - 3))]
    tables = declare(csv_shop, where="kind = 'sale' and not value <= 5").load()
    assert tables.report.tables[LINES].left_out == {"where": 2}  # the note, and the row without a value
    assert [(row, reason) for row, reason, _ in quarantined(tables, LINES)] == [(2, "unreadable_where")]
    assert tables.report.tables[LINES].examples == {"unreadable_where": ["aaaa | a aaa"]}


def test_one_file_is_two_tables(csv_shop: Shop) -> None:
    shop = csv_shop
    shop[LINES]["event"] = ["purchase" if row % 4 == 0 else "visit" for row in range(ROWS)]
    declare(shop, where="event = 'purchase'")
    shop.mapping["tables"]["events"] = {
        "path": f"{LINES}.{shop.form}",
        "where": "event != 'purchase'",
        "columns": {"kind": "event", "occurred_at": "ordered_at"},
        "ignore": ["*"],
    }
    report = shop.load().report.tables
    assert (report[LINES].accepted, report["events"].accepted) == (50, 150)
    assert report["events"].left_out_cents == {}


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("paid > 1e9", r"where leaves none of its 200 rows; .*present are customer_id, order_id"),
        ("Paid > 1", r"there is no column 'Paid'; did you mean 'paid'\?; present are customer_id, order_id"),
        pytest.param(
            "item_id > 'i05'", "column 'item_id' is text, which '>' can't order", marks=pytest.mark.slow
        ),
    ],
)
def test_a_where_that_fits_nothing_is_one_error(tmp_path: Path, where: str, fault: str) -> None:
    shop = declare(Shop(tmp_path, "parquet"), where=where)
    with pytest.raises(InputError, match=fault) as refused:
        shop.load()
    assert len(str(refused.value).splitlines()) == 1


def test_a_where_that_is_no_rule_is_a_mistake_of_the_mapping(csv_shop: Shop) -> None:
    with pytest.raises(ConfigError, match=r"where: at character 1: .* write a column of such a name"):
        declare(csv_shop, where="\u72b6\u6001 = 'a'").load()


@pytest.mark.slow
def test_times_may_be_asked_for_being_empty(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "parquet")
    shop[LINES]["closed"] = [None if row else shop[LINES]["ordered_at"][0] for row in range(ROWS)]
    assert declare(shop, where="closed is null").load().report.tables[LINES].left_out == {"where": 1}


def test_cells_of_the_first_row_fill_their_order_alone(csv_shop: Shop) -> None:
    shop = csv_shop
    names = {order: f"c{order % 40:02d}" for order in range(100) if order != 50}
    header(shop, "Kunde", names)
    del shop[LINES]["customer_id"]
    shop.mapping["tables"][LINES]["columns"]["customer_id"] = "Kunde"
    tables = declare(shop, fill_down={"columns": ["Kunde"], "within": "order_id"}).load()
    assert tables.report.tables[LINES].quarantined == {"null_customer_id": 2}  # nothing comes from order 49
    orders = zip(column_of(tables, LINES, "order_id"), column_of(tables, LINES, "customer_id"), strict=True)
    assert all(names[int(order[1:])] == customer for order, customer in orders)


@pytest.mark.slow
def test_an_order_may_stand_in_two_places_and_a_cell_may_change_below(csv_shop: Shop) -> None:
    header(csv_shop, "till", {0: "A", 1: "B"})
    for row, order in ((4, "o000"), (5, "o000"), (6, "")):
        csv_shop[LINES]["order_id"][row] = order
    csv_shop[LINES]["till"][5] = "C"
    csv_shop[LINES]["line_id"][4:6] = ["7", "8"]
    declare(csv_shop, fill_down={"columns": ["till"], "within": "order_id"}, where="till in ('A', 'C')")
    tables = csv_shop.load()
    assert list(zip(*(column_of(tables, LINES, name) for name in ("order_id", "line_id")), strict=True)) == [
        ("o000", "0"), ("o000", "1"), ("o000", "7"), ("o000", "8")]  # fmt: skip


def test_cancelled_orders_are_left_out_with_all_their_lines(csv_shop: Shop) -> None:
    shop = csv_shop
    header(shop, "Status", {order: " void" if order % 10 == 0 else "paid" for order in range(100)})
    declare(shop, cancelled={"column": "Status", "values": ["void", "expired"]}, ignore=[])
    fill_down = {"columns": ["Status"], "within": "order_id"}
    with pytest.raises(InputError, match=r"Status is empty in 10 other rows of cancelled orders; "):
        shop.load()
    report = declare(shop, fill_down=fill_down).load().report.tables[LINES]
    assert (report.accepted, report.left_out) == (180, {"cancelled": 20})
    assert report.warnings == ["cancelled: expired stands in no row of Status; compare the spelling"]


def test_unknown_columns_are_named_all_at_once(csv_shop: Shop) -> None:
    parts = {
        "fill_down": {"columns": ["Email"], "within": "Name"},
        "cancelled": {"column": "State", "values": ["x"]},
    }
    with pytest.raises(InputError) as refused:
        declare(csv_shop, **parts, where="kind = 'x'").load()
    for text in ("fill_down reads Email, Name, which", "cancelled reads State, which", "no column 'kind'"):
        assert text in str(refused.value)


CELLS: list[tuple[float | None, str | None, bool | None]] = [
    (x, s, b) for x in (None, float("nan"), -1.0, 3.0) for s in (None, "", "a", "b") for b in (None, True)
]


@pytest.mark.parametrize(
    "rule",
    [
        "x > 0 or s = 'a'",
        "not (x between -1 and 2 or s in ('a', 'c'))",
        "not not x not in (3, 4) and b != true",
        "not (b is null and s is not null) or x <= -1",
    ],
)
def test_a_rule_means_what_it_means_over_features(rule: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE cells (x DOUBLE, s VARCHAR, b BOOLEAN)")
    connection.executemany("INSERT INTO cells VALUES (?, ?, ?)", CELLS)
    raw = RawRule(rule, {"x": "DOUBLE", "s": "VARCHAR", "b": "BOOLEAN"}, lambda _, text: text)
    assert raw.true() == raw.possible()  # no text is compared with a number
    relation = connection.sql(f"SELECT x, nullif(s, '') AS s, b, {raw.true()} AS ours FROM cells")
    frame = nw.from_native(relation).lazy()
    compared = frame.with_columns(theirs=compile_rule(rule, frame.collect_schema())).collect().to_native()
    assert compared["ours"].to_pylist() == compared["theirs"].to_pylist()


@pytest.mark.parametrize("filled", [["a", "a"], ["a", "order"]])
def test_cells_are_filled_once_and_not_those_that_group(csv_shop: Shop, filled: list[str]) -> None:
    declare(csv_shop, fill_down={"columns": filled, "within": "order"})
    with pytest.raises(ConfigError, match="name each column once"):
        csv_shop.load()

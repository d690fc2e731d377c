"""Refusals show how a failing cell is written, what to declare, and no cell; losses are judged by money."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from shop import own_data_folder  # noqa: F401  (fixture)

from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import Frame
from crm_ml.tables.table_cache import load_tables

pytestmark = pytest.mark.usefixtures("own_data_folder")
ROWS = 40
DAYS = pd.date_range("2024-01-01", periods=ROWS, freq="D")
GOOD = {
    "customer_id": [f"c{n % 8}" for n in range(ROWS)],
    "order_id": [f"o{n}" for n in range(ROWS)],
    "item_id": ["i1"] * ROWS,
    "ordered_at": DAYS.strftime("%Y-%m-%d 10:00:00").tolist(),
    "paid_cents": ["9.50"] * ROWS,
}


def load(cells: dict[str, list[Any]], allow: dict[str, float] | None = None, **mapping: Any) -> Tables:
    table = {"columns": {"paid_cents": {"column": "paid_cents", "unit": "major"}}, "allow": allow or {}}
    tables = {"customers": {"ids_of": ["order_lines"]}, "items": {"ids_of": ["order_lines"]}}
    content = {"name": "cells", "tables": tables | {"order_lines": table}, **mapping}
    sources = {"order_lines": Frame(pd.DataFrame(GOOD | cells))}
    return load_tables(parse_mapping(content, "here"), sources, Path())


FORMS = {
    "days first": (
        {"ordered_at": DAYS.strftime("%d.%m.%Y").tolist()},
        'written as 99.99.9999; declare format: "%d.%m.%Y"',
    ),
    "months first": (
        {"ordered_at": DAYS.strftime("%m/%d/%Y %H:%M").tolist()},
        'written as 99/99/9999 99:99; declare format: "%m/%d/%Y %H:%M"',
    ),
    "milliseconds": (
        {"ordered_at": [str(int(day.timestamp()) * 1000) for day in DAYS]},
        "written as 9999999999999; declare epoch: ms",
    ),
    "digits of a day": (
        {"ordered_at": DAYS.strftime("%Y%m%d").tolist()},
        'written as 99999999; declare format: "%Y%m%d"',
    ),
    "numbers of a day": (
        {"ordered_at": DAYS.strftime("%Y%m%d").astype(int).tolist()},
        'the source has type BIGINT, written as 99999999; declare format: "%Y%m%d"',
    ),
    "words": ({"paid_cents": ["jane@example.com"] * ROWS}, "written as aaaa@aaaaaaa.aaa; map another column"),
}


@pytest.mark.parametrize(
    "case",
    [
        name if name in ("days first", "words") else pytest.param(name, marks=pytest.mark.slow)
        for name in FORMS
    ],
)
def test_a_refusal_shows_a_cell_by_its_shape_and_what_to_declare(case):
    cells, text = FORMS[case]
    with pytest.raises(InputError) as error:
        load(cells)
    assert text in str(error.value)
    assert "jane" not in str(error.value)
    assert not any(cell in str(error.value) for values in cells.values() for cell in map(str, values))


def test_few_unread_rows_with_most_of_the_money_are_refused_by_their_money():
    """Three of forty rows are below the limit of rows, and hold 97.9 % of the money."""
    paid = [*GOOD["paid_cents"][3:], "1,250", "1,999", "13,750"]
    with pytest.raises(InputError) as error:
        load({"paid_cents": paid})
    assert str(error.value) == (
        "order_lines: thousands_paid_cents sets aside 98.0% of the money (limit 10.0%), written as 9,999; "
        "declare thousands: ',', or allow: {thousands_paid_cents: 1}"
    )
    report = load({"paid_cents": paid}, {"thousands": 1}, currency={"code": "USD"}).report
    table = report.tables["order_lines"]
    assert (table.accepted_cents, table.unread_cents) == (37 * 950, {"thousands_paid_cents": 1_699_900})
    assert table.examples == {"thousands_paid_cents": ["9,999", "99,999"]}
    assert "about 16,999.00 (98.0%)" in report._repr_html_()


@pytest.mark.parametrize(
    "declared", [{}, pytest.param({"currency": {"code": "usd"}}, marks=pytest.mark.slow)]
)
def test_codes_of_currencies_in_small_letters_are_read_as_capitals(declared):
    tables = load({"currency": ["usd", "USD"] * (ROWS // 2)}, **declared)
    assert set(tables.pandas("order_lines")["currency"]) == {"USD"}
    assert tables.report.currency == "USD"


@pytest.mark.slow
def test_rates_of_codes_in_small_letters_are_those_of_their_capitals():
    rates = {"code": "eur", "rates": {"usd": "0.5"}}
    lines = load({"currency": ["usd", "EUR"] * (ROWS // 2)}, currency=rates).pandas("order_lines")
    assert sorted(set(lines["paid_cents"])) == [475, 950]


@pytest.mark.slow
def test_pence_are_no_pounds():
    with pytest.raises(InputError, match="currency is mixed"):
        load({"currency": ["GBp", "GBP"] * (ROWS // 2)}, currency={"code": "GBP"})

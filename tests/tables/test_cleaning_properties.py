"""Properties over generated mess: the sum holds, row order and replayed rows change nothing accepted."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from shop import Shop, adds_up, any_shop, bytes_of, only_csv_shop, own_data_folder, quarantined, rows_of  # noqa: F401  (fixtures)
from soak import examples

from crm_ml.tables.limits import JUDGED_BY_LOSS

LINES = "order_lines"
SETTINGS = examples(5, suppress_health_check=[HealthCheck.function_scoped_fixture])
MESS: dict[str, list[Any]] = {
    "customer_id": ["c01", "c02", "c99", None, " ", "c\x0001"],
    "order_id": ["o000", "o001", "new", None, "\u3000"],
    "line_id": ["0", "1", "2", None],
    "item_id": ["i00", "i01", "i77", None],
    "ordered_at": [datetime(2024, 2, 1), datetime(1970, 1, 1), datetime(9999, 12, 31), None],
    "quantity": [0, 1, 2, -1, None],
    "paid": [0.0, 1.5, -2.25, float("inf"), 1e9, None],
    "refund_of": [None, None, "o001", "o999"],
}
ROWS = st.lists(st.fixed_dictionaries({k: st.sampled_from(v) for k, v in MESS.items()}), max_size=25)


@contextmanager
def messy_shop(form: str, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("CRM_ML_DATA", f"{folder}/data")
        shop = Shop(Path(folder), form)
        shop.mapping["tables"][LINES]["allow"] = dict.fromkeys(JUDGED_BY_LOSS, 1)
        for n in range(600):  # more good rows, so that the shares that refuse a table stay small
            shop.append(LINES, n, order_id=f"more-{n}")
        for row in rows:
            shop.append(LINES, 0, **row)
        yield shop


@pytest.mark.parametrize("form", ["csv", "parquet"])
@SETTINGS
@given(rows=ROWS)
def test_accepted_and_quarantined_are_what_was_read(
    form: str, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]
) -> None:
    with messy_shop(form, rows, monkeypatch) as shop:
        tables = shop.load()
        report = tables.report.tables[LINES]
        assert adds_up(tables)
        assert report.read == 800 + len(rows)
        assert len(rows_of(tables, LINES)) == report.accepted
        rejected = quarantined(tables, LINES)
        assert len({row for row, _, _ in rejected}) == len(rejected) == report.read - report.accepted
        keys = [(row[1], row[2]) for row in rows_of(tables, LINES) if row[2] is not None]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@SETTINGS
@given(rows=ROWS, seed=st.integers(0, 100))
def test_row_order_and_replayed_rows_change_nothing(
    form: str, monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], seed: int
) -> None:
    with messy_shop(form, rows, monkeypatch) as shop:
        first = bytes_of(shop.load())
        generator = random.Random(seed)
        for n in generator.sample(range(len(shop[LINES]["paid"])), 9):
            shop.append(LINES, n)
        order = list(range(len(shop[LINES]["paid"])))
        generator.shuffle(order)
        for column, values in shop[LINES].items():
            shop[LINES][column] = [values[n] for n in order]
        assert bytes_of(shop.load()) == first

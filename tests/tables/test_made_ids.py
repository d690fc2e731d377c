"""Ids that an export does not have: orders of a customer's time or day, lines by their place."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from shop import FIRST_DAY, Shop, column_of, own_data_folder, rows_of  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError

LINES = "order_lines"


def without_ids(folder: Path, **made: str) -> Shop:
    shop = Shop(folder)
    del shop[LINES]["order_id"], shop[LINES]["line_id"], shop[LINES]["refund_of"]
    shop.mapping["tables"][LINES]["columns"] |= {name: {"made": form} for name, form in made.items()}
    return shop


def orders_of(shop: Shop) -> list[str]:
    return column_of(shop.load(), LINES, "order_id")


@pytest.mark.parametrize("threads", ["3", pytest.param("1", marks=pytest.mark.slow)])
def test_an_order_is_what_a_customer_buys_in_one_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("CRM_ML_THREADS", threads)
    shop = without_ids(tmp_path, order_id="customer_time", line_id="position")
    moment = FIRST_DAY + timedelta(microseconds=400_000)
    shop[LINES]["ordered_at"][:3] = [FIRST_DAY, moment, FIRST_DAY + timedelta(seconds=1)]
    shop[LINES]["customer_id"][:3] = ["c00", "c00", "c00"]
    tables = shop.load()
    ids = list(zip(*(column_of(tables, LINES, name) for name in ("order_id", "line_id")), strict=True))
    assert ids[:3] == [
        ("c00@2024-01-01T09:00:00Z", "1"),
        ("c00@2024-01-01T09:00:00Z", "2"),
        ("c00@2024-01-01T09:00:01Z", "1"),
    ]


def test_a_day_is_one_of_the_zone(tmp_path: Path) -> None:
    shop = without_ids(tmp_path, order_id="customer_day")
    shop.mapping["timezone"] = "Asia/Tokyo"
    late = FIRST_DAY.replace(hour=23, minute=59)
    shop[LINES]["ordered_at"][:3] = [FIRST_DAY, late, late + timedelta(minutes=1)]
    shop[LINES]["customer_id"][:3] = ["c00", "c00", "c00"]
    assert orders_of(shop)[:3] == ["c00@2024-01-01", "c00@2024-01-01", "c00@2024-01-02"]


def test_equal_lines_are_told_apart_and_rows_without_a_customer_have_no_order(tmp_path: Path) -> None:
    shop = without_ids(tmp_path, order_id="customer_time", line_id="position")
    shop.append(LINES, 7)
    shop[LINES]["customer_id"][5] = None
    shop[LINES]["ordered_at"][9] = None
    report = shop.load().report.tables[LINES]
    assert (report.accepted, report.quarantined) == (199, {"null_customer_id": 1, "null_ordered_at": 1})


def test_missing_order_ids_name_what_can_be_made(tmp_path: Path) -> None:
    shop = without_ids(tmp_path)
    with pytest.raises(InputError, match=r"order_id is missing; .*\{made: customer_time\}.*customer_day\}"):
        shop.load()


@pytest.mark.parametrize(
    ("table", "column", "how", "fault"),
    [
        (LINES, "order_id", {"made": "position"}, "it can be made: customer_time or customer_day"),
        (LINES, "item_id", {"made": "position"}, "it can't be made; name its column"),
        ("customers", "customer_id", {"made": "customer_day"}, "it can't be made; name its column"),
        (
            LINES,
            "order_id",
            {"made": "customer_day", "column": "x"},
            "give one of column, sum, constant and made",
        ),
    ],
)
def test_only_orders_and_lines_are_made(
    tmp_path: Path, table: str, column: str, how: dict[str, Any], fault: str
) -> None:
    shop = Shop(tmp_path)
    shop.mapping["tables"][table].setdefault("columns", {})[column] = how
    with pytest.raises(ConfigError, match=fault):
        shop.load()

"""Exports as shops have them: what --guess writes reads them as a mapping by hand does."""

import csv
import gzip
import itertools
import shutil
import unicodedata
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import yaml
from shop import column_of
from soak import sample

from crm_ml.tables.config_file import load_config
from crm_ml.tables.guess import file_guess
from crm_ml.tables.guess.write import write_guess

SHARED = Path(__file__).parents[3] / "shared"
CASES = SHARED / "cases" / "exports"
IDS = {"customers": {"ids_of": ["order_lines"]}, "items": {"ids_of": ["order_lines"]}}
SHOPIFY = {
    "fill_down": {"columns": ["Email"], "within": "Name"},
    "columns": {
        "customer_id": "Email",
        "order_id": "Name",
        "line_id": {"made": "position"},
        "item_id": "Lineitem sku",
        "ordered_at": "Created at",
        "quantity": "Lineitem quantity",
        "paid_cents": {
            "column": "Lineitem price", "times": "Lineitem quantity", "unit": "major",
            "less": ["Discount Amount", "Refunded Amount"],
        },
    },
}  # fmt: skip
TAOBAO = {
    "where": '`订单状态` != "交易关闭"',
    "columns": {
        "customer_id": "买家会员名",
        "order_id": "订单编号",
        "item_id": "商品名称",
        "ordered_at": {"column": "付款时间", "format": "%Y/%m/%d %H:%M"},
        "quantity": "购买数量",
        "paid_cents": {"column": "实付金额", "unit": "major", "thousands": ","},
    },
}
APP = {
    "where": "revenue is not null",
    "columns": {
        "customer_id": "user_id",
        "order_id": {"made": "customer_time"},
        "item_id": {"constant": "app"},
        "ordered_at": "timestamp",
        "paid_cents": {"column": "revenue", "unit": "major"},
    },
}
THOUSANDS = {"columns": {"paid_cents": {"column": "paid", "unit": "major", "thousands": ","}}}
RETAIL = {
    "columns": {
        "customer_id": {"column": "Customer ID", "cast": "integer"},
        "order_id": "Invoice",
        "item_id": "StockCode",
        "ordered_at": "InvoiceDate",
        "quantity": "Quantity",
        "paid_cents": {"column": "Price", "times": "Quantity", "unit": "major"},
    },
    "cancellations": {"column": "Invoice", "starts_with": "C"},
}
#: File, mapping by hand, its zone and currency, and the lines that --guess may write at most.
EXPORTS: dict[str, tuple[Path, dict[str, Any], dict[str, Any], int]] = {
    "shopify": (CASES / "shopify_orders.csv.gz", SHOPIFY, {}, 17),
    "taobao": (CASES / "taobao_orders_gb18030.csv.gz", TAOBAO, {"currency": {"code": "CNY"}}, 17),
    "app_events": (CASES / "app_events.csv.gz", APP, {}, 21),
    "thousands": (CASES / "thousands.csv", THOUSANDS, {}, 13),
    "fullwidth": (CASES / "fullwidth.csv", TAOBAO, {"currency": {"code": "CNY"}}, 15),
    "retail": (
        SHARED / "data" / "online_retail" / "online_retail_II_2009-2010_raw.parquet",
        RETAIL, {"timezone": "Europe/London"}, 15,
    ),
}  # fmt: skip


def cut(source: Path, folder: Path, lines: int | None) -> Path:
    """Copy the first lines, or the whole."""
    target = folder / source.name
    if lines is None:
        shutil.copyfile(source, target)
    elif source.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(pq.read_table(source).slice(0, lines), target)
    else:
        opened = gzip.open if source.suffix == ".gz" else open
        with opened(source, "rb") as file, opened(target, "wb") as out:  # type: ignore[operator]
            out.writelines(itertools.islice(file, lines))
    return target


def figures(config: Path) -> tuple[int, int, int]:
    """Orders, customers and money."""
    tables = load_config(config)
    orders = len(set(column_of(tables, "order_lines", "order_id")))
    customers = len(set(column_of(tables, "order_lines", "customer_id")))
    return orders, customers, sum(column_of(tables, "order_lines", "paid_cents"))


def written(folder: Path, file: Path) -> tuple[Path, int]:
    """Guess; the mapping, and how many of its lines are no comments."""
    out = folder / "guessed.yaml"
    write_guess([file], out)
    text = out.read_text(encoding="utf-8").splitlines()
    return out, sum(1 for line in text if line.strip() and not line.lstrip().startswith("#"))


CUT = {export: 8000 if export == "retail" else 1200 for export in EXPORTS}
WHOLE = sample("whole exports that are guessed", [(export, None) for export in EXPORTS], 1)


@pytest.mark.slow
@pytest.mark.parametrize("part", [*CUT.items(), *WHOLE], ids=lambda part: f"{part[0]}-{part[1] or 'whole'}")
def test_a_guess_reads_as_a_mapping_by_hand(
    part: tuple[str, int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, lines = part
    source, hand, declared, most = EXPORTS[export]
    if not source.exists():
        pytest.skip(f"{source.name} is not there")
    file = cut(source, tmp_path, lines)
    content = {"name": "hand", "tables": IDS | {"order_lines": {"path": file.name, **hand}}, **declared}
    (tmp_path / "hand.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    expected = figures(tmp_path / "hand.yaml")
    ready, count = written(tmp_path, file)
    assert figures(ready) == expected
    if yaml.safe_load(ready.read_text(encoding="utf-8")).get("like"):  # and without the ready mapping
        assert count <= 8
        ready.unlink()
        monkeypatch.setattr(file_guess, "ready_for", lambda _: None)
        alone, count = written(tmp_path, file)
        assert figures(alone) == expected
    assert count <= most


def test_money_of_a_shop_is_that_of_its_lines_less_discounts_and_refunds(tmp_path: Path) -> None:
    source = EXPORTS["shopify"][0]
    if not source.exists():
        pytest.skip(f"{source.name} is not there")
    file = cut(source, tmp_path, 1200)
    with gzip.open(file, "rb") as opened, TextIOWrapper(opened, encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    people = {row["Name"]: row["Email"] for row in rows if row["Email"]}
    cents = 0.0
    for row in (row for row in rows if row["Name"] in people):
        off = float(row["Discount Amount"] or 0) + float(row["Refunded Amount"] or 0)
        cents += float(row["Lineitem price"]) * int(row["Lineitem quantity"]) - off
    assert figures(written(tmp_path, file)[0]) == (len(people), len(set(people.values())), round(100 * cents))


def test_money_of_a_shop_in_chinese_is_that_of_its_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = EXPORTS["taobao"][0]
    if not source.exists():
        pytest.skip(f"{source.name} is not there")
    monkeypatch.setattr(file_guess, "ready_for", lambda _: None)
    file = cut(source, tmp_path, 1200)
    with gzip.open(file, "rb") as opened, TextIOWrapper(opened, encoding="gb18030") as text:
        rows = [row for row in csv.DictReader(text) if row["订单状态"] != "交易关闭"]
    plain = [unicodedata.normalize("NFKC", row["实付金额"]) for row in rows]
    cents = sum(round(100 * float(cell.lstrip("¥").replace(",", ""))) for cell in plain)
    orders = {row["订单编号"].strip('="') for row in rows}
    assert figures(written(tmp_path, file)[0]) == (
        len(orders),
        len({row["买家会员名"] for row in rows}),
        cents,
    )

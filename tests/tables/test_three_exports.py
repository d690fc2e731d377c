"""One simulated shop in the exports of three systems: the same customers, orders and money."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from shop import column_of, own_data_folder  # noqa: F401  (fixture)
from soak import sample

from crm_ml.tables.config_file import load_config

CASES = Path(__file__).parents[3] / "shared" / "cases" / "exports"
LINES, IDS = "order_lines", {"ids_of": ["order_lines"]}
RATE = 7  # yuan for a dollar, in the simulation
NUMBER = {"unit": "major"}
DISCOUNT, REFUND = "Discount Amount", "Refunded Amount"
SHOPIFY: dict[str, Any] = {
    "path": "shopify.csv",
    "fill_down": {"columns": ["Email", "Currency"], "within": "Name"},
    "columns": {
        "customer_id": "Email",
        "order_id": "Name",
        "line_id": {"made": "position"},
        "item_id": "Lineitem sku",
        "ordered_at": "Created at",
        "quantity": "Lineitem quantity",
        "paid_cents": {"column": "Lineitem price", "times": "Lineitem quantity", **NUMBER},
        "discount_cents": {"column": DISCOUNT, "per": "order", **NUMBER},
        "currency": "Currency",
    },
    "ignore": ["*"],
}
TAOBAO: dict[str, Any] = {
    "path": "taobao.csv",
    "encoding": "gb18030",
    "columns": {
        "customer_id": "买家会员名",
        "order_id": "订单编号",
        "line_id": {"made": "position"},
        "item_id": "商品名称",
        "ordered_at": {"column": "付款时间", "format": "%Y/%m/%d %H:%M"},
        "quantity": "购买数量",
        "paid_cents": {"column": "实付金额", "thousands": ",", **NUMBER},
    },
    "ignore": ["*"],
}
APP: dict[str, Any] = {
    "path": "app.csv",
    "where": "revenue > 0 and event = 'purchase'",
    "columns": {
        "customer_id": "user_id",
        "order_id": {"made": "customer_time"},
        "line_id": {"made": "position"},
        "item_id": {"constant": "app"},
        "ordered_at": "timestamp",
        "paid_cents": {"column": "revenue", **NUMBER},
    },
    "ignore": ["*"],
}
EVENTS: dict[str, Any] = {
    "path": "app.csv",
    "where": "event in ('session_start', 'level_up')",
    "columns": {"customer_id": "user_id", "kind": "event", "occurred_at": "timestamp"},
    "ignore": ["*"],
}


WHOLE = sample("three whole exports", [None], 0)


@pytest.fixture(name="exports", params=[600, *WHOLE], ids=lambda lines: str(lines or "whole"))
def _exports(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, pd.DataFrame]:
    """Write the first lines of the exports, the events up to the last of their orders; as frames of texts."""
    if not CASES.exists():
        pytest.skip("the exports are not there")
    names = {"shopify": ("shopify_orders", "utf-8"), "taobao": ("taobao_orders_gb18030", "gb18030")}
    frames = {}
    for name, (file, encoding) in (names | {"app": ("app_events", "utf-8")}).items():
        cells = pd.read_csv(CASES / f"{file}.csv.gz", dtype=str, keep_default_na=False, encoding=encoding)
        if request.param is not None and name == "app":
            last = pd.to_datetime(frames["shopify"]["Created at"], utc=True).max()
            cells = cells[pd.to_datetime(cells["timestamp"], utc=True) <= last]
        elif request.param is not None:
            orders = cells.iloc[: request.param, 0].drop_duplicates().iloc[:-1]  # the last may be cut
            cells = cells[cells.iloc[:, 0].isin(orders)]
        frames[name] = cells
        cells.to_csv(tmp_path / f"{name}.csv", index=False, encoding=encoding)
    return frames


def loaded(folder: Path, lines: dict[str, Any], currency: str, **tables: Any) -> tuple[Any, pd.DataFrame]:
    """Clean by a mapping; the tables, and their order lines."""
    content = {
        "name": "mine",
        "timezone": "Asia/Shanghai" if currency == "CNY" else "UTC",
        "currency": {"code": currency},
        "tables": {"customers": {"ids_of": [LINES, *tables]}, "items": IDS, LINES: lines, **tables},
    }
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    cleaned = load_config(path)
    names = ("customer_id", "order_id", "line_id", "paid_cents", "discount_cents", "ordered_at_epoch_s")
    return cleaned, pd.DataFrame({name: column_of(cleaned, LINES, name) for name in names})


def less(*columns: str) -> dict[str, Any]:
    paid = SHOPIFY["columns"]["paid_cents"] | {"less": list(columns)}
    return SHOPIFY | {"columns": SHOPIFY["columns"] | {"paid_cents": paid}}


def cents(cells: pd.Series) -> pd.Series:
    return (cells.replace("", "0").astype(float) * 100).round().astype(int)


def shares(amount: int, weights: list[int]) -> list[int]:
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(exact[n] % 1), n))
    left = amount - sum(map(int, exact))
    return [int(part) + (n in order[:left]) for n, part in enumerate(exact)]


def test_a_shopify_order_is_its_lines_less_discount_and_refund(
    exports: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    tables, lines = loaded(tmp_path, less(DISCOUNT, REFUND), "USD")
    expected, guests = [], 0
    for order, rows in exports["shopify"].groupby("Name", sort=False):
        weights = (cents(rows["Lineitem price"]) * rows["Lineitem quantity"].astype(int)).tolist()
        discount, refund = (int(cents(rows[name]).iloc[0]) for name in (DISCOUNT, REFUND))
        who, off = rows["Email"].iloc[0], shares(discount + refund, weights)
        guests += 0 if who else sum(weights) - discount - refund
        expected += [
            (who, order, str(n + 1), weight - part, of_discount)
            for n, (weight, part, of_discount) in enumerate(
                zip(weights, off, shares(discount, weights), strict=True)
            )
            if who
        ]
    names = ["customer_id", "order_id", "line_id", "paid_cents", "discount_cents"]
    columns = pd.DataFrame(expected, columns=names)
    pd.testing.assert_frame_equal(
        lines[names].sort_values(names).reset_index(drop=True),
        columns.sort_values(names).reset_index(drop=True),
        check_dtype=False,
    )
    report = tables.report.tables[LINES]
    assert report.quarantined_cents.get("null_customer_id", 0) == guests
    assert set(report.quarantined) <= {"null_customer_id"}


def test_three_exports_have_the_same_orders(exports: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    shopify = loaded(tmp_path, less(DISCOUNT), "USD")[1]
    app = loaded(tmp_path, APP, "USD", events=EVENTS)[1]
    taobao = loaded(tmp_path, TAOBAO, "CNY")[1]

    def orders(lines: pd.DataFrame, customer: str, by: list[str]) -> pd.DataFrame:
        lines = lines.assign(
            customer=lines["customer_id"].str.extract(customer)[0],
            number=lines["order_id"].str[-4:],
            second=lines["ordered_at_epoch_s"],
            minute=lines["ordered_at_epoch_s"] // 60,
        )
        return lines.groupby(["customer", *by])["paid_cents"].sum().sort_index()

    pd.testing.assert_series_equal(
        orders(shopify, r"^c(.*)@", ["number", "minute"]) * RATE,
        orders(taobao, r"^会员(.*)$", ["number", "minute"]).loc[
            lambda s: s.index.get_level_values("number").isin(shopify["order_id"].str[-4:])
        ],
    )
    named = orders(shopify, r"^c(.*)@", ["second"])
    everyone = orders(app, "(.*)", ["second"])
    pd.testing.assert_series_equal(everyone[everyone.index.isin(named.index)], named)
    guests = exports["shopify"].groupby("Name")["Email"].first().eq("").sum()
    assert len(everyone) - len(named) == guests


@pytest.mark.slow
def test_closed_orders_and_other_events_are_left_out(
    exports: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    closed = TAOBAO | {"cancelled": {"column": "订单状态", "values": ["交易关闭"]}}
    tables = loaded(tmp_path, closed, "CNY")[0]
    status = exports["taobao"]["订单状态"]
    report = tables.report.tables[LINES]
    assert (report.read, report.left_out.get("cancelled", 0)) == tuple(
        (status == word).sum() for word in ("交易成功", "交易关闭")
    )
    tables, lines = loaded(tmp_path, APP, "USD", events=EVENTS)
    kinds = exports["app"]["event"].value_counts()
    assert (len(lines), tables.report.tables["events"].accepted) == (
        kinds["purchase"],
        kinds.sum() - kinds["purchase"],
    )


@pytest.mark.slow
def test_purchases_of_a_day_are_one_order(exports: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    columns = APP["columns"] | {"order_id": {"made": "customer_day"}}
    lines = loaded(tmp_path, APP | {"columns": columns}, "USD")[1]
    bought = exports["app"][exports["app"]["event"] == "purchase"]
    expected = (bought["user_id"] + "@" + bought["timestamp"].str[:10]).value_counts()
    assert lines["order_id"].value_counts().to_dict() == expected.to_dict()

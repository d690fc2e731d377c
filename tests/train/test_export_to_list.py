"""From an export to a list with champions: the commands as they are printed, and no line of glue."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from soak import sample
from third_party import third_party

from crm_ml import datasets, tracking
from crm_ml.lists import read_list
from crm_ml.score.__main__ import main as score
from crm_ml.tables import Tables
from crm_ml.tables.__main__ import main as tables_command
from crm_ml.train.__main__ import main as train

CASES = Path(__file__).parents[3] / "shared" / "cases" / "exports"
MOST_LINES = 15
WHOLE = ("shopify_orders.csv.gz", "taobao_orders_gb18030.csv.gz", "app_events.csv.gz")
QUICK = {
    "churn": ["replicates=100", "split.training_snapshots=12", "model.name=logistic",
              "baselines=[{name: recency_rule}]"],
    "clv": ["replicates=100", "interval_replicates=20"],
}  # fmt: skip


SHOPIFY = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Currency", "Subtotal", "Shipping",
    "Taxes", "Total", "Discount Code", "Discount Amount", "Created at", "Lineitem quantity", "Lineitem name",
    "Lineitem price", "Lineitem sku", "Refunded Amount",
)  # fmt: skip
TAOBAO = ("订单编号", "买家会员名", "付款时间", "实付金额", "商品名称", "购买数量", "订单状态")


def _orders(lines: pd.DataFrame) -> Iterator[tuple[int, list[Any]]]:
    for number, (_, order) in enumerate(lines.groupby("order_id", sort=False)):
        yield number, list(order.itertuples())


def _shopify(lines: pd.DataFrame, path: Path) -> None:
    """Header cells once an order, the offset of a zone, a discount of the whole order in every fifth."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SHOPIFY, restval="")
        writer.writeheader()
        for number, order in _orders(lines):
            cents = sum(row.paid_cents for row in order)
            off = 150 if number % 5 == 0 and cents > 300 else 0
            local = f"{order[0].at - timedelta(hours=5):%Y-%m-%d %H:%M:%S} -0500"
            money = {"Subtotal": cents - off, "Shipping": 490, "Taxes": 0, "Total": cents - off + 490,
                     "Discount Amount": off, "Refunded Amount": 0}  # fmt: skip
            once = {"Email": f"{order[0].customer_id}@example.com", "Financial Status": "paid",
                    "Paid at": local, "Fulfillment Status": "fulfilled", "Currency": "USD"}  # fmt: skip
            once |= {name: f"{amount / 100:.2f}" for name, amount in money.items()}
            for place, row in enumerate(order):
                line = {"Name": f"#{1001 + number}", "Created at": local, "Lineitem quantity": row.quantity,
                        "Lineitem name": f"Product {row.item_id}", "Lineitem sku": row.item_id,
                        "Lineitem price": f"{row.paid_cents / row.quantity / 100:.2f}"}  # fmt: skip
                writer.writerow(line | (once if place == 0 else {}))


def _taobao(lines: pd.DataFrame, path: Path) -> None:
    """GB18030, Chinese headers, a currency sign, thousands, numbers wrapped for Excel, closed orders."""
    with path.open("w", newline="", encoding="gb18030") as file:
        writer = csv.writer(file)
        writer.writerow(TAOBAO)
        for number, order in _orders(lines):
            status = "交易关闭" if number % 50 == 49 else "交易成功"
            head = [f'="{10**17 + number}"', f"会员{order[0].customer_id}", f"{order[0].at:%Y/%m/%d %H:%M}"]
            for row in order:
                paid = f"\N{FULLWIDTH YEN SIGN}{row.paid_cents / 100:,.2f}"
                writer.writerow([*head, paid, f"商品{row.item_id}", row.quantity, status])


def _app(lines: pd.DataFrame, path: Path) -> None:
    """Events of users, packed; what was paid stands beside the purchases, and orders have no ids."""
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "event", "timestamp", "revenue"])
        for _, order in _orders(lines):
            user, at, cents = order[0].customer_id, order[0].at, sum(row.paid_cents for row in order)
            writer.writerow([user, "session_start", f"{at - timedelta(minutes=9):%Y-%m-%dT%H:%M:%SZ}", ""])
            writer.writerow([user, "purchase", f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{cents / 100:.2f}"])


def _thousands(lines: pd.DataFrame, path: Path) -> None:
    """Amounts of a US shop with commas in them, in the names of this package."""
    paid = [f"{cents / 10:,.2f}" for cents in lines["paid_cents"]]
    columns = {"paid": paid, "ordered_at": lines["at"].dt.strftime("%Y-%m-%d")}
    lines[["customer_id", "order_id", "item_id"]].assign(**columns).to_csv(path, index=False)


EXPORTS: dict[str, tuple[str, Callable[[pd.DataFrame, Path], None]]] = {
    "shopify": ("orders.csv", _shopify),
    "taobao": ("taobao.csv", _taobao),
    "app": ("app.csv.gz", _app),
    "thousands": ("thousands.csv", _thousands),
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    shop: Tables = datasets.load("simulated", tmp_path_factory.mktemp("shop"), customers=700, seed=5)
    rows = shop.pandas("order_lines").sort_values(["ordered_at_epoch_s", "order_id", "line_id"])
    return rows.assign(at=pd.to_datetime(rows["ordered_at_epoch_s"], unit="s"))


@pytest.fixture
def own(project: Path, new_runs: Path) -> Iterator[Path]:
    """An empty project folder as the working folder, with a store of its own."""
    assert new_runs.is_dir()
    (project / "configs" / "data").mkdir(parents=True)
    with third_party():
        yield project


def _to_list(own: Path, file: str, quick: bool) -> pd.DataFrame:
    """Run the commands of the way from a file to a list; return its rows."""
    mapping = "configs/data/mine.yaml"
    assert tables_command(["--guess", file, "--out", mapping]) == 0
    written = [line for line in (own / mapping).read_text("utf-8").splitlines() if line.strip()]
    assert sum(not line.lstrip().startswith("#") for line in written) <= MOST_LINES
    assert tables_command([mapping]) == 0
    for family in ("churn", "clv"):
        overrides = [part for text in (QUICK[family] if quick else []) for part in ("--set", text)]
        assert train(["--new", family, "--data", mapping]) == 0
        assert train([f"{family}/mine", *overrides]) == 0
        assert tracking.champion(f"{family}_mine").version == "1"
    assert score(["--new", "--data", mapping]) == 0
    assert score(["score/mine"]) == 0
    return read_list(own / "data" / "lists" / "mine")


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.parametrize("name", sample("exports of four systems", list(EXPORTS), 1))
def test_an_export_becomes_a_list_of_champions_by_the_commands_alone(name, lines, own, capsys):
    file, write = EXPORTS[name]
    write(lines, own / file)
    rows = _to_list(own, file, quick=True)
    assert len(rows) > 10
    assert rows["customer_id"].is_unique and rows["p_churn"].between(0, 1).all()
    assert rows["reason_codes"].map(len).gt(0).all()
    config = yaml.safe_load((own / "configs/score/mine.yaml").read_text("utf-8"))
    assert config["models"] == {"churn": "churn_mine@champion", "clv": "clv_mine@champion"}
    assert json.loads((own / "data/lists/mine/latest.json").read_text())["as_of"]
    assert "next: python -m crm_ml.score" in capsys.readouterr().out


@pytest.mark.rota("from files to a list", 2)
@pytest.mark.parametrize("file", sample("whole exports", WHOLE, 1))
def test_whole_exports_become_lists_of_champions_with_the_suggested_settings(file, own):
    if not (CASES / file).exists():
        pytest.skip(f"{file} is not there")
    (own / file).write_bytes((CASES / file).read_bytes())
    assert len(_to_list(own, file, quick=False)) > 10

"""A small project to fuzz: tables, mappings, a trained model, a list, contacts; built by the commands."""

import csv
import random
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

MAPPING = "configs/data/mine.yaml"
FILES = {
    MAPPING: """name: mine
timezone: Europe/Berlin
known_until: 2024-07-01
currency: {code: EUR, rates: {USD: "0.92"}}
tables:
  customers:
    path: data/customers.csv
    delimiter: ";"
    columns:
      customer_id: id
      registered_at: {column: joined, format: "%d.%m.%Y"}
    attributes:
      city: city
      age: {column: age, kind: integer}
  order_lines:
    path: data/order_lines.csv
    columns:
      order_id: receipt
      line_id: {made: position}
      item_id: sku
      ordered_at: sold_at
      paid_cents: {column: paid, unit: major}
    cancelled: {column: status, values: [void]}
    where: "`paid` > 0"
    ignore: [till]
  items:
    path: data/items.parquet
    columns: {item_id: sku}
    ignore: [weight]
  campaigns:
    url: sqlite:///data/crm.db
    query: select * from campaigns
  touches:
    database: data/touches.duckdb
    table: touches
""",
    "configs/churn/mine.yaml": """family: churn
data: {name: configs/data/mine.yaml}
target: {horizon_days: 28, active_within_days: 56}
split: {test: [2024-06-02], training_snapshots: 2, every_days: 28, earliest: 2024-02-01}
features: {rfm: {}}
leave_out: [rfm_*_365d, rfm_*_180d]
model:
  name: plain_lightgbm
  options: {n_seeds: 1, num_threads: 1, choose_settings: false, choose_thresholds: false}
baselines: [{name: recency_rule}]
calibration: {}
replicates: 100
seed: 17
register_as: {name: churn_mine, as_of: 2024-06-30}
""",
    "configs/score/mine.yaml": """name: mine
data: {name: configs/data/mine.yaml}
models: {churn: churn_mine@champion}
as_of: 2024-06-30
actions: configs/actions/mine.yaml
consent: assumed
daily_cap: 20
hold_out: {salt: list-mine, universal: 0.05}
""",
    "configs/actions/mine.yaml": """currency: EUR
contact_policy:
  groups: {offers: [win_back, points]}
  windows: [{at_most: 1, days: 7, name: one_a_week}]
  exclusive: [{actions: [win_back, points], days: 30, name: one_of_them}]
actions:
- action_id: win_back
  description: Coupon
  channel: email
  purpose: marketing
  cost_cents: 6
  margin_cents: 830
  assumed_effect: 0.05
  score: p_churn
  assumption: chosen to be tried
  eligible: rfm_days_since_order >= 6 and rfm_orders_84d > 0
  expires_after_days: 14
- action_id: points
  channels:
  - {channel: mail, cost_cents: 80, minimum: 3}
  - {channel: push, assumed_effect: 0.04, assumption: chosen to be tried}
  item_ids: [i1, i2]
  cost_cents: 5
  margin_cents: 300
  assumed_effect: 0.2
  assumption: chosen to be tried
  levers: {issue: 10}
  context: [{when: "rfm_orders_84d >= 3", weight: 50}]
  expires_after_days: 7
  stock: 20
""",
    "configs/default.yaml": "runs: [churn/mine]\n",
}
CUSTOMERS, DAYS = 90, 182


def build(project: Path, run: Callable[[Sequence[str]], int]) -> None:
    """Lay the project out, train, score and export.

    Parameters
    ----------
    project : Path
        A folder that is not there yet.
    run : callable
        Takes the words of a command, runs it in the project and returns its exit code; without words it
        calls `write_data`.
    """
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    for words in (
        [],
        ["train", "churn/mine"],
        ["train", "promote", "churn_mine", "--version", "1"],
        ["score", "score/mine"],
        ["score", "score/mine", "--set", "daily_cap=10"],
    ):
        code = run(words)
        if code:
            raise RuntimeError(f"the project to fuzz can't be built: {words} ended with {code}")


def write_data(folder: Path) -> None:
    """Write a shop of three months as CSV, Parquet and SQLite, the same each time."""
    draw = random.Random(11)
    folder.mkdir(mode=0o700, exist_ok=True)
    first = datetime(2024, 1, 2, 9, 0)
    names = [f"c{number:03d}" for number in range(CUSTOMERS)]
    customers = [
        (
            name,
            f"{first + timedelta(days=draw.randrange(40)):%d.%m.%Y}",
            draw.choice(["Köln", "Bern"]),
            20 + n % 50,
        )
        for n, name in enumerate(names)
    ]
    _write(folder / "customers.csv", ("id", "joined", "city", "age"), customers, ";")
    lines = []
    for number in range(CUSTOMERS * 12):
        day = first + timedelta(days=draw.randrange(DAYS - 2), minutes=draw.randrange(600))
        buyer = draw.choice(names[: 30 + day.timetuple().tm_yday // 3])
        paid = f"{draw.randrange(1, 9000) / 100:.2f}"
        item, till = f"i{draw.randrange(9)}", draw.randrange(3)
        lines.append((f"r{number:05d}", buyer, item, f"{day:%Y-%m-%d %H:%M:%S}", paid, "paid", till))
    header = ("receipt", "customer_id", "sku", "sold_at", "paid", "status", "till")
    _write(folder / "order_lines.csv", header, lines, ",")
    contacts = [(name, f"{name}@example.com", f"+4917012345{n:02d}", "DE") for n, name in enumerate(names)]
    _write(folder / "contacts.csv", ("customer_id", "email", "phone", "country"), contacts, ",")
    with sqlite3.connect(folder / "crm.db") as database:
        database.execute("create table campaigns (campaign_id text, starts_at text, ends_at text)")
        database.execute("insert into campaigns values ('k1', '2024-03-01', '2024-04-01')")
    database.close()
    _write_tables(folder)


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])


def _write_tables(folder: Path) -> None:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    items = {
        "sku": [f"i{n}" for n in range(9)],
        "department": ["food"] * 9,
        "weight": [n / 2 for n in range(9)],
    }
    pq.write_table(pa.table(items), folder / "items.parquet")
    with duckdb.connect(folder / "touches.duckdb") as database:
        row = "'k1' campaign_id, 'c001' customer_id, timestamp '2024-03-02 10:00:00' sent_at"
        database.execute(f"create table touches as select {row}")

"""A small shop whose tables are right, to be spoilt one way at a time and read back from CSV and Parquet."""

import copy
import csv
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from soak import SOAK, generator

from crm_ml.tables.config_file import load_config

Rows = dict[str, list[Any]]
FIRST_DAY = datetime(2024, 1, 1, 9, 0)
MAPPING: dict[str, Any] = {
    "name": "shop",
    "tables": {
        "customers": {},
        "items": {},
        "order_lines": {"columns": {"paid_cents": {"column": "paid", "unit": "major"}}},
    },
}


def right_tables() -> dict[str, Rows]:
    """40 customers, 20 items, 200 lines of 100 orders on 100 days."""
    customers = [f"c{i:02d}" for i in range(40)]
    items = [f"i{i:02d}" for i in range(20)]
    lines = range(200)
    day = timedelta(days=1)
    return {
        "customers": {"customer_id": customers},
        "items": {"item_id": items, "department": ["food" if i % 2 else "home" for i in range(20)]},
        "order_lines": {
            "customer_id": [customers[(n // 2) % 40] for n in lines],
            "order_id": [f"o{n // 2:03d}" for n in lines],
            "line_id": [str(n % 2) for n in lines],
            "item_id": [items[(n * 7) % 20] for n in lines],
            "ordered_at": [FIRST_DAY + day * (n // 2) for n in lines],
            "quantity": [1 + n % 3 for n in lines],
            "paid": [1.25 + n for n in lines],
            "refund_of": [None for _ in lines],
        },
    }


def right_campaigns() -> dict[str, Rows]:
    """2 campaigns, 40 touches and 10 responses."""
    customers, day = [f"c{i:02d}" for i in range(40)], timedelta(days=1)
    return {
        "campaigns": {
            "campaign_id": ["k1", "k2"],
            "starts_at": [FIRST_DAY, FIRST_DAY + 30 * day],
            "ends_at": [FIRST_DAY + 20 * day, FIRST_DAY + 50 * day],
        },
        "touches": {
            "campaign_id": ["k1"] * 40,
            "customer_id": customers,
            "sent_at": [FIRST_DAY] * 40,
        },
        "responses": {
            "campaign_id": ["k1"] * 10,
            "customer_id": customers[:10],
            "responded_at": [FIRST_DAY + 5 * day] * 10,
        },
    }


@dataclass
class Shop:
    """Tables and their mapping in a project folder."""

    folder: Path
    form: str = "csv"
    tables: dict[str, Rows] = field(default_factory=right_tables)
    mapping: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(MAPPING))

    def __getitem__(self, name: str) -> Rows:
        return self.tables[name]

    def with_campaigns(self) -> "Shop":
        self.tables |= right_campaigns()
        return self

    def append(self, name: str, like: int, **changes: Any) -> None:
        """Add a row equal to another but for `changes`."""
        for column, values in self.tables[name].items():
            values.append(changes.get(column, values[like]))

    def as_text(self, name: str, column: str) -> None:
        self.tables[name][column] = [None if v is None else cell(v) for v in self.tables[name][column]]

    @property
    def config(self) -> Path:
        return self.folder / "configs" / "data" / "shop.yaml"

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.{self.form}"

    def write(self) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        for name, rows in self.tables.items():
            self.mapping["tables"].setdefault(name, {}).setdefault("path", f"{name}.{self.form}")
            write_csv(self.path(name), rows) if self.form == "csv" else write_parquet(self.path(name), rows)
        self.config.write_text(yaml.safe_dump(self.mapping), encoding="utf-8")

    def load(self) -> Any:
        self.write()
        return load_config(self.config)


def cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)


def write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows([cell(v) for v in row] for row in zip(*rows.values(), strict=True))


def write_parquet(path: Path, rows: Rows) -> None:
    arrays = [pa.array(values, pa.string()) if all(v is None for v in values) else pa.array(values)
              for values in rows.values()]  # fmt: skip
    pq.write_table(pa.table(arrays, names=list(rows)), path)


@cache
def _reader() -> duckdb.DuckDBPyConnection:
    """Return one DuckDB for all tests, since opening one takes longer than what they ask."""
    connection = duckdb.connect()
    connection.execute("SET enable_external_file_cache = false")
    return connection


def _read(columns: str, path: Path) -> list[tuple[Any, ...]]:
    return _reader().execute(f"SELECT {columns} FROM read_parquet($1)", [str(path)]).fetchall()


def rows_of(tables: Any, name: str) -> list[tuple[Any, ...]]:
    """Accepted rows as tuples, in file order."""
    return _read("*", tables.report.folder / f"{name}.parquet")


def column_of(tables: Any, name: str, column: str) -> list[Any]:
    return [row[0] for row in _read(f'"{column}"', tables.report.folder / f"{name}.parquet")]


def bytes_of(tables: Any) -> dict[str, bytes]:
    return {name: (tables.report.folder / f"{name}.parquet").read_bytes() for name in tables.names}


def quarantined(tables: Any, name: str) -> list[tuple[int, str, str]]:
    """Row, reason and original text of quarantined rows."""
    path = tables.report.quarantine_files().get(name)
    return [] if path is None else _read("row, reason, original", path)


def adds_up(tables: Any) -> bool:
    return all(t.read == t.accepted + sum(t.quarantined.values()) for t in tables.report.tables.values())


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))


FORMS = ("csv", "parquet")
EACH_FORM = [pytest.param(form, marks=pytest.mark.soak("forms of a shop", 1)) for form in FORMS]


@pytest.fixture(name="shop", params=EACH_FORM if SOAK else ["drawn"])
def any_shop(tmp_path: Path, request: pytest.FixtureRequest) -> Shop:
    """A shop in a form that follows from the seed and the test; in a soak each test has all forms."""
    drawn = request.param == "drawn"
    return Shop(tmp_path, generator(request.node.nodeid).choice(FORMS) if drawn else request.param)


@pytest.fixture(name="csv_shop")
def only_csv_shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, "csv")

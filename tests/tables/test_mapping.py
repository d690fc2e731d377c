"""Mappings: every error at once, limits of YAML, and the committed template on generated files."""

import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from shop import Shop, any_shop, column_of, only_csv_shop, own_data_folder, rows_of, write_csv, write_parquet  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError
from crm_ml.tables.config_file import load_config
from crm_ml.tables.mapping import Mapping, parse_mapping, read_mapping
from crm_ml.tables.safe_yaml import parse_yaml, read_yaml

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs" / "data").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_committed_mappings_are_right(path: Path) -> None:
    assert isinstance(read_mapping(path), Mapping)


def test_all_errors_at_once(csv_shop: Shop) -> None:
    csv_shop.mapping |= {"timezone": "Mars/Olympus", "colour": 1, "root": "here"}
    lines = csv_shop.mapping["tables"]["order_lines"]
    lines["columns"] = {
        "paid_cents": {"column": "paid", "sum": ["a"]},
        "order_id": {"column": "o", "unit": "kg"},
    }
    lines["delimiter"] = ";;"
    with pytest.raises(ConfigError) as refused:
        csv_shop.load()
    text = str(refused.value)
    assert len(text.splitlines()) >= 5
    for told in (
        "timezone: 'Mars/Olympus' is no time zone",
        "colour: Extra inputs are not permitted",
        "root: 'here' is not absolute",
        "give one of column, sum, constant and made; given: column, sum",
        "tables.order_lines.columns.order_id.unit: Input should be 'minor' or 'major'",
    ):
        assert told in text
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"shops": {}}, "shops is no table; ours are assignments"),
        ({"items": {"columns": {"colour": "c"}}}, "items has no column colour; ours are brand"),
        ({"items": {"attributes": {"colour": "c"}}}, "items has no attributes"),
        (
            {"customers": {"attributes": {"customer_id": "c"}}},
            "the attribute customer_id is a column of the contract",
        ),
        ({"customers": {"ids_of": ["touches"]}}, "ids_of names touches, which is not mapped"),
        (
            {"items": {"path": "a.csv", "url": "x", "query": "y"}},
            "give one of path, glob, database, url, spark_table, ids_of; given: path, url",
        ),
        ({"items": {"database": "a.duckdb"}}, "database and table go together"),
        ({"items": {"url": "sqlite://"}}, "url and query go together"),
        ({"items": {"path": 3}}, "tables.items.path: Input should be a valid string"),
        ({"items": {"path": "items.xlsx"}}, "items.xlsx is neither CSV"),
        ({"items": {}}, "tables.items: has no source; give path"),
    ],
    ids=lambda value: value[:20].strip() if isinstance(value, str) else "",
)
def test_wrong_tables(csv_shop: Shop, change: dict[str, object], told: str) -> None:
    csv_shop.write()
    csv_shop.mapping["tables"] |= change
    csv_shop.tables = {}
    with pytest.raises(ConfigError, match=r".*") as refused:
        csv_shop.load()
    assert told in str(refused.value)


def test_customers_and_order_lines_are_required() -> None:
    with pytest.raises(ConfigError, match="customers is missing; order_lines is missing"):
        parse_mapping({"name": "a", "tables": {}}, "a.yaml")


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".a", "a" * 65])
def test_name_stays_in_its_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="name: String should match"):
        parse_mapping({"name": name, "tables": {}}, "a.yaml")


def test_rates_are_positive_decimals() -> None:
    content = {"name": "a", "currency": {"code": "EUR", "rates": {"USD": "much"}}, "tables": {}}
    with pytest.raises(ConfigError, match=r"the rate of USD is 'much'"):
        parse_mapping(content, "a.yaml")


def test_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    with pytest.raises(ConfigError, match="too many aliases or levels; a config has at most 100 and 50"):
        parse_yaml("\n".join(lines), "a.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: !!python/object/apply:os.system ['true']", "is no YAML: could not determine a constructor"),
        ("a: [1", "is no YAML"),
        ("a: 1\nb: 2\na: 3", "line 1: a stands twice in one block"),
        ("a: {b: 1, b: 2}", "b stands twice"),
        ("[" * 5000, "too many aliases or levels"),
    ],
    ids=["object", "open", "key-twice", "inner-key-twice", "deep"],
)
def test_hostile_yaml_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_yaml(text, "a.yaml")


def test_large_absent_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("a: 1\n" * 300_000)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"large\.yaml has more than 1,048,576 bytes"):
        read_yaml(tmp_path / "large.yaml")
    for name, told in {"binary.yaml": "is not utf-8 at byte 1", "absent.yaml": "can't be read"}.items():
        with pytest.raises(ConfigError, match=told):
            read_yaml(tmp_path / name)


def test_template_runs_on_files_as_it_describes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "configs" / "data" / "own_tables.yaml"
    config.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "configs" / "data" / "own_tables.yaml", config)
    own = tmp_path / "data" / "own"
    own.mkdir(parents=True)
    day = [datetime(2024, 7, 1, 12) + timedelta(days=n) for n in range(30)]
    (own / "customers.csv").write_text("id;joined;city;age\n001;31.01.2020;Ulm;44\n002;01.02.2020;Bonn;\n")
    write_csv(own / "items.csv", {"sku": ["7", "8"], "department": ["a", "b"]})
    write_parquet(
        own / "order_lines.parquet",
        {
            "customer_id": ["001", "002"] * 15,
            "receipt": [f"r{n}" for n in range(30)],
            "position": ["1"] * 30,
            "sku": ["7", "8"] * 15,
            "sold_at": day,
            "paid": [n + 0.05 for n in range(29)] + [-3.05],
            "shop_coupon": [0.1, None] * 15,
            "brand_coupon": [0.2] * 30,
            "refunded_receipt": [None] * 29 + ["r3"],
            "currency": ["USD"] + ["EUR"] * 29,
            "till": [1] * 30,
        },
    )
    write_csv(own / "responses.csv", {"campaign_id": ["k"], "customer_id": ["001"], "clicked_at": [day[3]]})
    with duckdb.connect(str(own / "crm.duckdb")) as connection:
        connection.execute("CREATE TABLE campaigns (campaign_id VARCHAR, begins DATE, ends DATE)")
        connection.execute("INSERT INTO campaigns VALUES ('k', '2024-07-01', '2024-08-01')")
    with sqlite3.connect(own / "messages.db") as messages:
        messages.execute("CREATE TABLE messages (campaign TEXT, person TEXT, sent INTEGER)")
        messages.execute("INSERT INTO messages VALUES ('k', '001', 1719828000)")
    messages.close()
    monkeypatch.setenv("CRM_DATABASE_URL", "sqlite:///data/own/messages.db")

    tables = load_config(config)

    assert rows_of(tables, "customers") == [
        ("001", datetime(2020, 1, 30, 23), 1_580_425_200, "Ulm", 44),
        ("002", datetime(2020, 1, 31, 23), 1_580_511_600, "Bonn", None),
    ]
    assert column_of(tables, "order_lines", "ordered_at")[0] == datetime(2024, 7, 1, 10)
    assert column_of(tables, "order_lines", "paid_cents")[:2] == [5, 105]
    assert set(column_of(tables, "order_lines", "coupon_cents")) == {30, 28, 20}
    assert column_of(tables, "touches", "sent_at") == [datetime(2024, 7, 1, 10)]
    assert column_of(tables, "responses", "kind") == ["click"]
    assert column_of(tables, "order_lines", "order_id").count("r3") == 2
    assert tables.report.tables["order_lines"].fixes == {"refund_netted": 1}
    assert all(table.warnings == [] for table in tables.report.tables.values())

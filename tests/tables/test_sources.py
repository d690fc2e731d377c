"""Sources: files that are whole or damaged, DuckDB files, SQL databases and frames."""

import gzip
import sqlite3
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from shop import Shop, any_shop, bytes_of, column_of, only_csv_shop, own_data_folder, rows_of  # noqa: F401  (fixtures)

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.csv_header import read_header
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import Frame
from crm_ml.tables.table_cache import load_tables

LINES = "order_lines"
HEADER = "customer_id,order_id,line_id,item_id,ordered_at,quantity,paid,refund_of"


def refusal(shop: Shop, content: bytes, name: str = LINES) -> str:
    shop.write()
    shop.path(name).write_bytes(content)
    from crm_ml.tables.config_file import load_config

    with pytest.raises(InputError) as refused:
        load_config(shop.config)
    return str(refused.value)


def line(number: int) -> str:
    return f"c{number:02d},o{number},1,i01,2024-01-{1 + number:02d} 10:00:00,1,2.50,"


def text_of(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


def test_byte_order_mark_is_stripped(csv_shop: Shop) -> None:
    clean = bytes_of(csv_shop.load())
    path = csv_shop.path(LINES)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    from crm_ml.tables.config_file import load_config

    assert bytes_of(load_config(csv_shop.config)) == clean


DAMAGED = {
    "too-few-cells": (
        text_of(line(0), "c01,o1,1", line(2)),
        "order_lines: order_lines.csv line 3 has 3 cells where the header has 8; correct",
    ),
    "too-many-cells": (
        text_of(line(0), line(1) + ",x"),
        "order_lines.csv line 3 has 9 cells where the header has 8",
    ),
    "last-line-ragged": (text_of(line(0), line(1), "c02,o2"), "order_lines.csv line 4 has 2 cells"),
    "open-quote": (text_of(line(0), 'c01,"o1,1,i01'), "order_lines.csv line 3 has a quote that does not end"),
    "latin-1": (
        text_of(line(0)) + "c01,café,1,i01,2024-01-02,1,1,\n".encode("latin-1"),
        "is not utf-8 at byte 120 (line 3), and its text does not tell what else: it may be cp1252; declare",
    ),
    "latin-1-header": (
        HEADER.replace("paid", "pagé").encode("latin-1"),
        "order_lines: order_lines.csv is not utf-8 at byte 60 (line 1), and its text",
    ),
    "semicolons": (
        text_of(line(0)).replace(b",", b";"),
        "line 1 has one column at delimiter ',', set delimiter: ';'",
    ),
    "header-only": (text_of(), "order_lines: has no rows; export it again or leave the table out"),
    "empty": (b"", "order_lines: order_lines.csv is empty (0 bytes)"),
    "column-twice": (
        text_of(line(0)).replace(b"line_id", b"order_id"),
        "line 1 names order_id more than once",
    ),
    "mixed-line-ends": (
        text_of(line(0) + "x", line(1) + "x").replace(b"refund_of\n", b"refund_of\r\n"),
        "order_lines: order_lines.csv is no regular CSV: line ends or quotes are mixed",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_csv_is_refused(csv_shop: Shop, case: str) -> None:
    content, message = DAMAGED[case]
    assert message in refusal(csv_shop, content)


@pytest.mark.parametrize("keep", [0, 3, 100, 0.5, 0.999], ids=str)
def test_truncated_parquet_is_refused(tmp_path: Path, keep: float) -> None:
    shop = Shop(tmp_path, "parquet")
    shop.write()
    content = shop.path(LINES).read_bytes()
    message = refusal(shop, content[: int(keep if keep >= 1 or keep == 0 else keep * len(content))])
    assert message.startswith("order_lines: order_lines.parquet is ")
    assert "\n" not in message


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "parquet")
    shop[LINES].update({name: [] for name in shop[LINES]})
    with pytest.raises(InputError, match="order_lines: has no rows"):
        shop.load()


def test_absent_file_is_named(shop: Shop) -> None:
    shop.write()
    shop.path(LINES).unlink()
    from crm_ml.tables.config_file import load_config

    with pytest.raises(InputError, match=r"order_lines: order_lines\.\w+ does not exist"):
        load_config(shop.config)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_declared_delimiter_encoding_and_compression(csv_shop: Shop, delimiter: str) -> None:
    csv_shop["items"]["department"][0] = "café"
    clean = bytes_of(csv_shop.load())
    text = csv_shop.path("items").read_text(encoding="utf-8").replace(",", delimiter)
    (csv_shop.folder / "items.csv.gz").write_bytes(gzip.compress(text.encode()))
    csv_shop.mapping["tables"]["items"] = {"path": "items.csv.gz", "delimiter": delimiter}
    assert bytes_of(csv_shop.load()) == clean
    (csv_shop.folder / "latin.csv").write_bytes(text.encode("latin-1"))
    csv_shop.mapping["tables"]["items"] = {"path": "latin.csv", "delimiter": delimiter, "encoding": "latin-1"}
    assert bytes_of(csv_shop.load()) == clean


def test_quoted_line_ends_and_delimiters_stay_in_their_cell(csv_shop: Shop) -> None:
    csv_shop["items"]["department"][0] = 'a "b",\nc'
    assert column_of(csv_shop.load(), "items", "department")[0] == 'a "b",\nc'


def test_duckdb_file(shop: Shop) -> None:
    clean = bytes_of(shop.load())
    with duckdb.connect(str(shop.folder / "crm.duckdb")) as connection:
        read = "read_csv" if shop.form == "csv" else "read_parquet"
        connection.execute(f"CREATE TABLE sold AS FROM {read}('{shop.path(LINES)}')")
    shop.mapping["tables"][LINES] |= {"database": "crm.duckdb", "table": "sold"}
    del shop.mapping["tables"][LINES]["path"]
    lines = shop.tables.pop(LINES)
    assert bytes_of(shop.load()) == clean
    assert lines


VIEWS = {
    "a file": "SELECT * FROM read_csv('{outside}', all_varchar = true)",
    "a text": "SELECT content AS item_id FROM read_text('{outside}')",
    "names of files": "SELECT file AS item_id FROM glob('/etc/*')",
    "a part": "SELECT item_id FROM mine UNION ALL SELECT content FROM read_text('{outside}')",
    "a condition": "SELECT item_id FROM mine WHERE item_id IN (SELECT content FROM read_text('{outside}'))",
    "another view": "FROM outer_view",
}


@pytest.mark.parametrize("reads", VIEWS)
def test_a_view_reads_nothing_out_of_the_root(
    csv_shop: Shop, tmp_path_factory: pytest.TempPathFactory, reads: str
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "items.csv"
    outside.write_text("item_id\nx\n")
    with duckdb.connect(str(csv_shop.folder / "crm.duckdb")) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 'x' AS item_id")
        connection.execute(f"CREATE VIEW outer_view AS {VIEWS['a file'].format(outside=outside)}")
        connection.execute(f"CREATE VIEW things AS {VIEWS[reads].format(outside=outside)}")
    del csv_shop.tables["items"]
    csv_shop.mapping["tables"]["items"] = {"database": "crm.duckdb", "table": "things"}
    with pytest.raises(InputError, match=r"items: .*things is a view that reads files out of the project"):
        csv_shop.load()


def test_a_view_of_a_file_below_the_root_is_read(shop: Shop) -> None:
    clean = bytes_of(shop.load())
    with duckdb.connect(str(shop.folder / "crm.duckdb")) as connection:
        read = "read_csv" if shop.form == "csv" else "read_parquet"
        connection.execute(f"CREATE VIEW sold AS FROM {read}('{shop.path(LINES)}')")
    shop.mapping["tables"][LINES] |= {"database": "crm.duckdb", "table": "sold"}
    del shop.mapping["tables"][LINES]["path"]
    del shop.tables[LINES]
    assert bytes_of(shop.load()) == clean


def test_duckdb_file_without_the_table(csv_shop: Shop) -> None:
    duckdb.connect(str(csv_shop.folder / "crm.duckdb")).close()
    csv_shop.tables.pop("items")
    csv_shop.mapping["tables"]["items"] = {"database": "crm.duckdb", "table": "things"}
    with pytest.raises(InputError, match=r"items: crm\.duckdb can't be read: .*things"):
        csv_shop.load()


@pytest.fixture
def sqlite_shop(csv_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The items table lives in SQLite."""
    items = csv_shop.tables.pop("items")
    with sqlite3.connect(csv_shop.folder / "crm.db") as connection:
        connection.execute("CREATE TABLE things (id TEXT, part TEXT)")
        connection.executemany("INSERT INTO things VALUES (?, ?)", zip(*items.values(), strict=True))
    connection.close()
    monkeypatch.setenv("SHOP_URL", "sqlite:///crm.db")
    csv_shop.mapping["tables"]["items"] = {
        "url": "${SHOP_URL}",
        "query": "SELECT id AS item_id, part AS department FROM things ORDER BY id DESC",
    }
    return csv_shop


def test_sql_query(sqlite_shop: Shop) -> None:
    tables = sqlite_shop.load()
    assert rows_of(tables, "items")[:2] == [
        ("i00", "home", None, None, None),
        ("i01", "food", None, None, None),
    ]
    assert sqlite_shop.load().fingerprint == tables.fingerprint
    with sqlite3.connect(sqlite_shop.folder / "crm.db") as connection:
        connection.execute("UPDATE things SET part = 'new' WHERE id = 'i00'")
    connection.close()
    changed = sqlite_shop.load()
    assert changed.fingerprint != tables.fingerprint
    assert rows_of(changed, "items")[0][1] == "new"


def test_sql_values_of_several_types_become_text(sqlite_shop: Shop) -> None:
    with sqlite3.connect(sqlite_shop.folder / "crm.db") as connection:
        connection.execute("CREATE TABLE loose (id)")
        connection.executemany("INSERT INTO loose VALUES (?)", [(2**53 + 1,), ("i03",), ("007",)])
    connection.close()
    sqlite_shop.mapping["tables"]["items"]["query"] = (
        "SELECT id AS item_id FROM loose UNION ALL SELECT id FROM things WHERE id <> 'i03'"
    )
    ids = column_of(sqlite_shop.load(), "items", "item_id")
    assert {"9007199254740993", "007", "i03"} <= set(ids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"query": "SELECT absent FROM things"}, "items: the query fails on sqlite:.*no such column: absent"),
        ({"url": "${NOT_SET}"}, "items: the environment variable NOT_SET is not set"),
        ({"url": "nonsense"}, "items: url is no SQLAlchemy URL"),
        ({"url": "sqlite:///../other.db"}, "items: ../other.db lies outside the project root"),
        ({"url": "sqlite:///absent.db"}, "items: absent.db does not exist"),
    ],
    ids=["bad-query", "no-variable", "no-url", "outside", "absent"],
)
def test_sql_failures(sqlite_shop: Shop, change: dict[str, str], told: str) -> None:
    sqlite_shop.mapping["tables"]["items"] |= change
    with pytest.raises(InputError, match=told):
        sqlite_shop.load()


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow", "duckdb"])
def test_frames_in_memory(csv_shop: Shop, engine: str) -> None:
    frames = {name: pd.DataFrame(rows) for name, rows in csv_shop.tables.items()}
    native = {
        "pandas": lambda frame: frame,
        "polars": lambda frame: pl.DataFrame(frame.to_dict("list")),
        "arrow": lambda frame: pl.DataFrame(frame.to_dict("list")).to_arrow(),
        "duckdb": lambda frame: duckdb.from_df(frame),
    }[engine]
    mapping = parse_mapping(csv_shop.mapping, "test")
    sources = {name: Frame(native(frame)) for name, frame in frames.items()}
    tables = load_tables(mapping, sources, csv_shop.folder)
    assert tables.report.tables[LINES].accepted == 200
    assert column_of(tables, LINES, "paid_cents")[:2] == [125, 225]
    assert load_tables(mapping, sources, csv_shop.folder).fingerprint == tables.fingerprint


@pytest.mark.parametrize("path", ["../items.csv", "/etc/passwd.csv", "link/items.csv"])
def test_paths_outside_the_root_are_refused(
    csv_shop: Shop, path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (csv_shop.folder / "link").symlink_to(outside)
    csv_shop.mapping["tables"]["items"] = {"path": path}
    with pytest.raises(ConfigError, match=f"tables.items: {path} lies outside the project root"):
        csv_shop.load()


def test_root_may_be_set(csv_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    clean = bytes_of(csv_shop.load())
    other = tmp_path_factory.mktemp("other")
    for name in csv_shop.tables:
        csv_shop.path(name).rename(other / f"{name}.csv")
    from crm_ml.tables.config_file import load_config

    assert bytes_of(load_config(csv_shop.config, root=other)) == clean


def test_carriage_returns_alone_are_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "mac.csv"
    file.write_bytes(b"who,paid\ra,1\rb,2\r")
    with pytest.raises(InputError, match="ends its lines by carriage returns alone"):
        read_header(file, ",")


def test_a_repeated_name_that_is_data_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_bytes(b"jane@example.com,Jane@example.com\n")
    with pytest.raises(InputError, match=r"names 2 names \(hidden") as error:
        read_header(file, ",")
    assert "jane" not in str(error.value).lower()

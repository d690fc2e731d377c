"""Careless and hostile mappings: one line, exit code 2, nothing lost, nothing personal or secret in it."""

import sqlite3
from typing import Any

import pytest
from shop import Shop, any_shop, only_csv_shop, own_data_folder  # noqa: F401  (fixtures)

from crm_ml.tables.__main__ import main

LINES = "order_lines"


def ends(shop: Shop, capsys: pytest.CaptureFixture[str]) -> str:
    """Check that the command ends with 2 and one line of message, and return it."""
    shop.write()
    assert main([str(shop.config)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    text = captured.err.strip().splitlines()
    assert "Traceback" not in captured.err
    return "\n".join(text)


WRITES = (
    "DROP TABLE things",
    "delete from things",
    "/* select */ UPDATE things SET id = '1'",
    "WITH a AS (SELECT 1) DELETE FROM things",
)


@pytest.mark.parametrize("query", WRITES)
def test_a_query_only_reads(csv_shop: Shop, capsys: pytest.CaptureFixture[str], query: str) -> None:
    with sqlite3.connect(csv_shop.folder / "a.db") as connection:
        connection.execute("CREATE TABLE things (item_id TEXT)")
        connection.execute("INSERT INTO things VALUES ('i01')")
    connection.close()
    del csv_shop.tables["items"]
    csv_shop.mapping["tables"]["items"] = {"url": "sqlite:///a.db", "query": query}
    assert "items: " in ends(csv_shop, capsys)
    connection = sqlite3.connect(csv_shop.folder / "a.db")
    assert connection.execute("SELECT * FROM things").fetchall() == [("i01",)]
    connection.close()


@pytest.mark.parametrize(
    "url", ["mysql://bob:SEC@RET:PW@127.0.0.1/db", "postgresql://bob:SECRET:x/y@host/db"]
)
def test_a_password_is_not_told(csv_shop: Shop, capsys: pytest.CaptureFixture[str], url: str) -> None:
    del csv_shop.tables["items"]
    csv_shop.mapping["tables"]["items"] = {"url": url, "query": "SELECT 1 AS item_id"}
    text = ends(csv_shop, capsys)
    assert "items: " in text
    assert "SEC" not in text


def test_names_that_are_data_are_not_told(csv_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    csv_shop.tables["customers"] = {"c01": ["c02"], "jane@example.com": ["x@y.de"], "+49 151 2345678": ["1"]}
    csv_shop.mapping["tables"]["customers"] = {"columns": {"customer_id": "id"}}
    text = ends(csv_shop, capsys)
    assert (
        "customers: customer_id reads id, which the source does not have; present are 3 names (hidden" in text
    )
    assert not any(part in text for part in ("jane", "151"))


def test_cells_that_are_no_currency_are_not_told(csv_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    csv_shop[LINES]["mail"] = [f"bob{n % 3}@example.com" for n in range(200)]
    csv_shop.mapping["tables"][LINES]["columns"]["currency"] = "mail"
    text = ends(csv_shop, capsys)
    assert "currency is mixed (no code in 67 rows" in text
    assert "bob" not in text


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (
            {"customers": {"ids_of": ["items"]}, "items": {"ids_of": ["customers"]}},
            "customers: ids_of names items, whose ids",
        ),
        ({"customers": {"ids_of": ["customers"]}}, "customers: ids_of names customers, whose ids come from"),
        (
            {"customers": {"ids_of": ["items"]}},
            "customers: ids_of names items, which has no ids of customers",
        ),
    ],
)
def test_ids_come_from_tables_that_have_them(
    csv_shop: Shop, capsys: pytest.CaptureFixture[str], tables: dict[str, Any], told: str
) -> None:
    csv_shop.write()
    csv_shop.mapping["tables"] |= tables
    csv_shop.tables = {}
    assert told in ends(csv_shop, capsys)


def test_a_profile_nested_too_deeply(csv_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (csv_shop.folder / "p.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    csv_shop.mapping["profile"] = "p.json"
    assert "p.json is no profile of medians" in ends(csv_shop, capsys)


HEADERS = {
    "markup": (b"customer_id,[/red]\nc00,1\n", 0, "[/red]"),
    "no-name": (b"customer_id,\nc00,1\n", 2, "line 1 leaves column 2 without a name"),
    "two-cases": (b"customer_id,Customer_ID\nc00,1\n", 2, "names Customer_ID, customer_id more than once"),
    "utf-32": ("customer_id\nc00\n".encode("utf-32"), 2, "line 1 is UTF-32; convert the file to utf-8"),
    "utf-16-without-mark": (
        "customer_id\nc00\n".encode("utf-16-le"),
        2,
        "line 1 is not utf-16 with its byte order mark; convert the file to utf-8",
    ),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers(csv_shop: Shop, capsys: pytest.CaptureFixture[str], case: str) -> None:
    content, code, told = HEADERS[case]
    customers = b"".join(f"c{n:02d},1\n".encode() for n in range(1, 40))
    csv_shop.write()
    csv_shop.path("customers").write_bytes(content + customers if case == "markup" else content)
    csv_shop.mapping["tables"]["customers"]["encoding"] = (
        "utf-16" if case == "utf-16-without-mark" else "utf-8"
    )
    del csv_shop.tables["customers"]
    csv_shop.write()
    assert main([str(csv_shop.config)]) == code
    captured = capsys.readouterr()
    assert told in captured.out + captured.err

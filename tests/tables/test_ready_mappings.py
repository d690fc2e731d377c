"""Ready mappings: what ``like`` stands for, what is one's own, and the words where a file is another."""

from pathlib import Path
from typing import Any

import pytest
from shop import column_of, write_csv

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.config_file import load_config
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.ready_mappings import ready_content, ready_names

INVOICES = [
    ["1", "a", "tea", "2", "2024-01-03 10:00:00", "1.5", "x", "x"],
    ["2", "a", "tea", "3", "2024-02-03 10:00:00", "1.5", "x", "x"],
    ["C2", "a", "tea", "-3", "2024-02-04 10:00:00", "1.5", "x", "x"],
]
HEADER = [
    "Invoice", "Customer ID", "StockCode", "Quantity", "InvoiceDate", "Price", "Description", "Country",
]  # fmt: skip


def invoices(folder: Path, header: list[str] = HEADER, **own: Any) -> Path:
    import yaml

    write_csv(folder / "i.csv", dict(zip(header, map(list, zip(*INVOICES, strict=True)), strict=True)))
    lines = {"path": "i.csv", "columns": {"customer_id": "Customer ID"}}
    content = {"name": "mine", "like": "uci_online_retail", "tables": {"order_lines": lines}} | own
    (folder / "m.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / "m.yaml"


@pytest.mark.parametrize("name", ready_names())
def test_every_ready_mapping_is_right_and_cites_what_it_follows(name: str) -> None:
    mapping = parse_mapping({"name": "mine", "like": name}, "m.yaml")
    assert mapping.tables["order_lines"].columns["paid_cents"].theirs
    text = (Path(__file__).parents[2] / "crm_ml" / "tables" / "ready" / f"{name}.yaml").read_text()
    assert not mapping.unverified or "https://" in text


def test_a_file_and_a_name_are_enough(tmp_path: Path) -> None:
    tables = load_config(invoices(tmp_path))
    assert tables.report.tables["order_lines"].quarantined == {"cancellation": 1}
    assert tables.zone == "Europe/London"
    assert column_of(tables, "order_lines", "paid_cents") == [300, 450]


def test_own_keys_win_and_nulls_remove() -> None:
    own = {"order_lines": {"cancellations": None, "columns": {"item_id": {"constant": "any"}}}}
    mapping = parse_mapping(
        {"name": "m", "like": "uci_online_retail", "timezone": "Asia/Tokyo", "tables": own}, "m.yaml"
    )
    lines = mapping.tables["order_lines"]
    assert (mapping.zone, lines.cancellations, lines.columns["item_id"].constant) == (
        "Asia/Tokyo",
        None,
        "any",
    )
    assert lines.columns["order_id"].column == "Invoice"


def test_a_source_takes_the_place_of_ids_of() -> None:
    own = {"items": {"path": "items.csv", "columns": {"item_id": "sku"}}}
    mapping = parse_mapping({"name": "m", "like": "uci_online_retail", "tables": own}, "m.yaml")
    assert (mapping.tables["items"].path, mapping.tables["items"].ids_of) == ("items.csv", None)


def test_an_unknown_name_lists_those_that_are() -> None:
    with pytest.raises(
        ConfigError, match=r"m.yaml: like: there is no ready mapping 'shopfy'; .*taobao"
    ) as no:
        parse_mapping({"name": "m", "like": "shopfy", "tables": {}}, "m.yaml")
    assert no.value.exit_code == 2


def test_an_absent_column_names_the_ready_mapping_and_the_nearest(tmp_path: Path) -> None:
    header = ["InvoiceNo" if name == "Invoice" else name for name in HEADER]
    with pytest.raises(InputError) as refused:
        load_config(invoices(tmp_path, header))
    assert (
        "order_id reads Invoice, which the source does not have; the ready mapping uci_online_retail expects "
        "it; nearest are InvoiceNo, InvoiceDate" in str(refused.value)
    )


def test_what_no_real_file_was_read_by_says_so(tmp_path: Path) -> None:
    tables = load_config(invoices(tmp_path, unverified=True))
    told = [text for text in tables.report.tables["order_lines"].warnings if "no real file" in text]
    assert told == ["the ready mapping uci_online_retail is written from the vendor's documentation, no real "
                    "file was read yet"]  # fmt: skip
    assert {name for name in ready_names() if ready_content(name).get("unverified")} == {
        "ga4_events", "stripe", "woocommerce",
    }  # fmt: skip

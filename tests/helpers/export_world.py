"""Lists and contacts to export: small files made by hand, in the form of a published list."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crm_ml.delivery.exporters.export_job import export_list
from crm_ml.delivery.exporters.export_plan import Options
from crm_ml.storage import manifest
from crm_ml.storage.identity import identity

AS_OF = datetime(2024, 6, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "delivery/exporters/golden"
MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {
        "list_id": pa.string(),
        "as_of": MOMENT,
        "customer_id": pa.string(),
        "action_id": pa.string(),
        "channel": pa.string(),
        "slot": pa.int32(),
        "item_ids": pa.list_(pa.string()),
        "item_p": pa.list_(pa.float64()),
        "arm": pa.string(),
        "propensity": pa.float64(),
        "expected_value_cents": pa.int64(),
        "cost_cents": pa.int64(),
        "p_response": pa.float64(),
        "consent_basis": pa.string(),
        "send_at": MOMENT,
        "expires_at": MOMENT,
        "newest_column": pa.string(),
    }
)


def row(customer_id, action_id="coupon", channel="direct", **fields):
    usual = {
        "as_of": AS_OF,
        "customer_id": customer_id,
        "action_id": action_id,
        "channel": channel,
        "slot": 1,
        "item_ids": [],
        "arm": "treat",
        "propensity": 1.0,
        "expected_value_cents": 100,
        "cost_cents": 10,
        "consent_basis": "consents table",
        "send_at": AS_OF + timedelta(hours=9),
        "expires_at": AS_OF + timedelta(days=7),
    }
    return usual | fields


def write_list(folder, rows, **fields):
    """Publish rows, ordered by customer and slot, as a list of the day."""
    ingredients = {"as_of": AS_OF.isoformat(), "rows": len(rows), **fields}
    list_id = identity(ingredients)
    path = Path(folder) / f"2024-06-01-{list_id[:16]}"
    path.mkdir(parents=True)
    ordered = sorted(rows, key=lambda one: (one["customer_id"], one["slot"]))
    table = pa.Table.from_pylist([one | {"list_id": list_id} for one in ordered], schema=SCHEMA)
    pq.write_table(table, path / "list.parquet")
    manifest.write_manifest(path, list_id=list_id, ingredients=ingredients, rows=len(rows))
    return path


def write_contacts(path, rows):
    """Write contacts as CSV; the columns are those of the first row."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return Path(path)


def export(found, to, out, contacts=None, **options):
    """Export by options as the command line gives them."""
    return export_list(found, Options(to=to, contacts=contacts, **options), Path(out))


def cells(path):
    """All rows of a CSV file as Python's reader sees them."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def assert_golden(folder, name):
    """Compare the files of an export to those that were checked by hand; tables by their rows as JSON."""
    wanted = {path.name: path.read_text("utf-8") for path in sorted((GOLDEN / name).iterdir())}
    assert {path.name for path in folder.iterdir()} - {manifest.MANIFEST} == {
        one.removesuffix(".jsonl") for one in wanted
    }
    for file, content in wanted.items():
        assert shown(folder / file.removesuffix(".jsonl")) == content, file


def shown(path):
    """The text of a file, or the rows of a table as JSON."""
    if path.suffix != ".parquet":
        return path.read_bytes().decode("utf-8")
    return "".join(json.dumps(one, default=str) + "\n" for one in pq.read_table(path).to_pylist())


USUAL = [
    row("c01", item_ids=["i1", 'i"2']),
    row("c01", "second", slot=2),
    row("c02", "push_item", "push", expected_value_cents=-5, send_at=None),
    row("c03", "news", "email"),
    row("c04", "text", "sms"),
    row("c05", item_ids=None),
    row("c06,x"),
    row('c07"y'),
    row("-c08"),
    row("\uff1dc09"),
    row("c10", "news", "email", consent_basis="assumed"),
    row("c11", "news", "email", consent_basis="assumed"),
    row("c12", expected_value_cents=900),
    row("c13"),
    row("c14"),
    row("c15", "group", "wecom"),
    row("c16"),
]
_NAMES = {"first_name": "Jane", "last_name": "O'Neill", "city": "St. Gallen", "state": "SG"}
_NONE = dict.fromkeys(
    [
        "customer_id",
        "email",
        "phone",
        "first_name",
        "last_name",
        "city",
        "state",
        "country",
        "zip",
        "madid",
        "email_consent_at",
        "external_userid",
        "sender",
        "chat_id",
    ],
    "",
)
CONTACTS = [
    _NONE | one
    for one in (
        {
            "customer_id": "c01",
            "email": " Jane@Example.com ",
            "phone": "0041 78 123 45 67",
            **_NAMES,
            "country": "ch",
            "zip": "9000",
            "external_userid": "wm01",
            "sender": "anna",
            "chat_id": "g1",
        },
        {
            "customer_id": "c02",
            "email": "push@example.com",
            "phone": "+41781234568",
            "external_userid": "wm02",
            "sender": "anna",
            "chat_id": "g1",
        },
        {
            "customer_id": "c03",
            "email": "three@example.com",
            "phone": "078 123 45 69",
            "country": "CH",
            "external_userid": "wm03",
            "sender": "bert",
        },
        {
            "customer_id": "c04",
            "email": "four@example.com",
            "phone": "+86 138 0000 0000",
            "first_name": "伟",
            "external_userid": "wm04",
            "sender": "anna",
        },
        {"customer_id": "c05", "email": "=five@example.com", "phone": "+41781234501", "first_name": "=cmd"},
        {"customer_id": "c06,x", "email": "not an address", "phone": "12"},
        {"customer_id": 'c07"y', "email": "seven@example.com", "phone": "0781234571"},
        {
            "customer_id": "-c08",
            "email": "eight@example.com",
            "phone": "+41781234572",
            "first_name": "Bo, jr",
        },
        {
            "customer_id": "\uff1dc09",
            "email": "nine@example.com",
            "madid": "AECE52E7-03EE-455A-B3C4-E57283966239",
        },
        {"customer_id": "c10", "email": "ten@example.com", "email_consent_at": "2024-01-02T03:04:05Z"},
        {"customer_id": "c11", "email": "eleven@example.com", "email_consent_at": "yesterday"},
        {
            "customer_id": "c12",
            "email": "JANE@example.com",
            "phone": "+41 78 123 45 67",
            **_NAMES,
            "country": "CH",
            "zip": "9000",
            "chat_id": "g1",
            "sender": "anna",
        },
        {"customer_id": "c13", "email": "one@example.com"},
        {"customer_id": "c13", "email": "other@example.com"},
        {"customer_id": "c14", "phone": "+41781234574", "first_name": "Li"},
        {"customer_id": "c14", "phone": "+41781234574", "first_name": "Li"},
        {
            "customer_id": "c15",
            "phone": "+41781234575",
            "country": "Schweiz",
            "external_userid": "wm15",
            "sender": "anna",
            "chat_id": "g2",
        },
        {"customer_id": "stranger", "email": "stranger@example.com", "phone": "+41781234599"},
    )
]

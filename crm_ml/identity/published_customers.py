"""Customers of a day as files: whole or absent, with the changes of all days before."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.identity.customers import Customers
from crm_ml.identity.lasting_ids import ENDED, MERGED
from crm_ml.storage import parquet
from crm_ml.storage.manifest import verify, write_manifest
from crm_ml.storage.publish import publish, read_pointer

if TYPE_CHECKING:
    import pyarrow as pa

CUSTOMERS, CHANGES, BAD = "customers.parquet", "changes.parquet", "bad_identifiers.parquet"


@dataclass(frozen=True, eq=False)
class PublishedCustomers:
    """Customers as they were published.

    Parameters
    ----------
    folder : Path
    as_of : date
    table : pyarrow.Table
        profile_id and customer_id.
    changes : pyarrow.Table
        Of this day and all before: as_of, change, customer_id, into_customer_id, profiles.
    """

    folder: Path
    as_of: date
    table: "pa.Table"
    changes: "pa.Table"

    @property
    def retired(self) -> frozenset[str]:
        """Ids that were used once and are no longer."""
        rows = self.changes.select(["change", "customer_id"]).to_pylist()
        return frozenset(row["customer_id"] for row in rows if row["change"] in (MERGED, ENDED))


def publish_customers(
    customers: Customers, folder: Path, as_of: date, details: dict[str, Any], before: "pa.Table | None" = None
) -> Path:
    """Write the customers of a day into ``folder/<as_of>``, and let ``folder/latest.json`` name it.

    Parameters
    ----------
    customers : Customers
    folder : Path
    as_of : date
    details : dict
        Further entries of the manifest, ready for JSON.
    before : pyarrow.Table, optional
        Changes of the days before.

    Raises
    ------
    AlreadyPublished
        If the day is there.
    InputError
        If the folder can't be written to.
    """
    tables = _tables(customers, as_of, before)

    def fill(content: Path, _scratch: Path) -> None:
        for name, table in tables.items():
            parquet.write([table], table.schema, content / name)
        write_manifest(content, as_of=as_of.isoformat(), **_counts(customers), **details)

    pointer = {"folder": as_of.isoformat(), "as_of": as_of.isoformat()}
    return publish(folder, as_of.isoformat(), fill, pointer)


def _tables(customers: Customers, as_of: date, before: "pa.Table | None") -> "dict[str, pa.Table]":
    import pyarrow as pa

    changes = customers.changes.assign(as_of=as_of.isoformat())
    names = ["as_of", "change", "customer_id", "into_customer_id"]
    schema = pa.schema([*((name, pa.string()) for name in names), ("profiles", pa.int64())])
    today = pa.Table.from_pandas(changes, schema=schema, preserve_index=False).replace_schema_metadata()
    bad = pa.schema([("identifier", pa.string()), ("value", pa.string()), ("profiles", pa.int64()),
                     ("reason", pa.string())])  # fmt: skip
    return {
        CUSTOMERS: customers.table.replace_schema_metadata(),
        CHANGES: pa.concat_tables([before, today]) if before is not None else today,
        BAD: pa.Table.from_pandas(
            customers.bad_identifiers, schema=bad, preserve_index=False
        ).replace_schema_metadata(),
    }


def _counts(customers: Customers) -> dict[str, Any]:
    kinds = customers.changes["change"].value_counts().sort_index()
    return {
        "profiles": len(customers.profiles),
        "customers": len(customers),
        "changes": {str(kind): int(rows) for kind, rows in kinds.items()},
    }


def read_published(folder: Path) -> PublishedCustomers:
    """Read the customers of a day, or of the latest day of a folder of days.

    Raises
    ------
    InputError
        If there are none.
    IntegrityError
        If a file has changed.
    """
    import pyarrow.parquet as pq

    place = _day_folder(folder)
    manifest = verify(place)
    tables = [pq.read_table(place / name) for name in (CUSTOMERS, CHANGES)]
    return PublishedCustomers(place, date.fromisoformat(manifest["as_of"]), *tables)


def latest_published(folder: Path) -> Path | None:
    """Return the folder of the latest day, None where none is published."""
    pointer = read_pointer(folder)
    return None if pointer is None else folder / pointer["folder"]


def _day_folder(folder: Path) -> Path:
    place = folder if (folder / CUSTOMERS).exists() else latest_published(folder)
    if place is None:
        raise InputError(f"{folder}: there are no customers; name a folder that crm_ml.identity published")
    return place

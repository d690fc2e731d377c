"""The folder of a store of tags: planes of bits, customers, rows and the catalogue under one manifest."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from crm_ml.errors import IntegrityError
from crm_ml.storage import manifest, parquet
from crm_ml.storage.day_folders import add_day, newest_day
from crm_ml.tables.part_file import read_part
from crm_ml.tables.strict import Strict
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.customer_numbers import CustomerNumbers, Ids, encoded
from crm_ml.tags.layout import Layout
from crm_ml.tags.moved_customers import RowDigests
from crm_ml.tags.tag_planes import BLOCK, TagPlanes

if TYPE_CHECKING:
    import pyarrow as pa

PLANES, CUSTOMERS, ROWS, TAGS = "planes.bin", "customers.parquet", "rows.parquet", "tags.json"
Day = Annotated[date, Field(strict=False)]


class _Content(Strict):
    """What ``tags.json`` holds."""

    as_of: Day
    catalogue: TagCatalogue
    customers: Annotated[int, Field(ge=1)]
    starts: Annotated[tuple[int, ...], Field(strict=False)]
    shared_rows: str | None


def save(store: TagPlanes, folder: Path) -> None:
    """Write a store, whole or not at all; the same store has the same bytes.

    Raises
    ------
    AlreadyPublished
        If the folder stands already.
    """
    with manifest.new_folder(Path(folder), as_of=str(store.as_of)) as part:
        write(store, part)


def add(store: TagPlanes, parent: Path) -> Path:
    """Write a store into the folder of all days, under the name of its content, and return where it lies."""
    return add_day(parent, store.as_of, partial(write, store))


def write(store: TagPlanes, folder: Path) -> None:
    """Write the files of a store into an existing folder."""
    with (folder / PLANES).open("wb") as file:
        for block in store.blocks:
            file.write(np.ascontiguousarray(block).data)
    _write_ids(folder / CUSTOMERS, store.customers.ids)
    if store.rows is not None:
        _write_ids(folder / ROWS, store.rows.ids, store.rows.sums)
    content = _Content(
        as_of=store.as_of,
        catalogue=store.catalogue,
        customers=len(store.customers),
        starts=tuple(store.customers.starts),
        shared_rows=None if store.rows is None else store.rows.shared,
    )
    (folder / TAGS).write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> TagPlanes:
    """Read a store after its files agree with the manifest; planes stay on the disk until they are used.

    Raises
    ------
    IntegrityError
        If a file is missing, changed or unlisted, or does not fit the others.
    """
    folder = Path(folder)
    manifest.verify(folder)
    content = read_part(folder / TAGS, _Content)
    layout, count = Layout.of(content.catalogue), content.customers
    sizes = [-(-min(BLOCK, count - start) // 8) * layout.planes for start in range(0, count, BLOCK)]
    planes = np.memmap(folder / PLANES, dtype=np.uint8, mode="r")
    ids, _ = _read_ids(folder / CUSTOMERS)
    if len(planes) != sum(sizes) or len(ids) != count:
        raise IntegrityError(
            f"{folder}: its planes are not those of {count:,} customers; build the tags again"
        )
    blocks = [part.reshape(layout.planes, -1) for part in np.split(planes, np.cumsum(sizes)[:-1])]
    rows = None
    if content.shared_rows is not None:
        of_rows, sums = _read_ids(folder / ROWS)
        assert sums is not None
        rows = RowDigests(of_rows, sums, content.shared_rows)
    customers = CustomerNumbers(ids, content.starts)
    return TagPlanes(content.catalogue, layout, content.as_of, customers, blocks, rows)


def newest(folder: Path, until: date) -> Path:
    """Return the newest tags of a folder of all days, as `crm_ml.storage.day_folders.newest_day`."""
    return newest_day(folder, until, "tags", "crm_ml.tags")


def _write_ids(
    path: Path, ids: Ids, sums: "np.ndarray[tuple[int], np.dtype[np.uint64]] | None" = None
) -> None:
    import pyarrow as pa

    arrays: dict[str, pa.Array] = {"customer_id": pa.array(np.char.decode(ids, "utf-8"), pa.string())}
    if sums is not None:
        arrays["rows"] = pa.array(sums, pa.uint64())
    table = pa.table(arrays)
    parquet.write([table], table.schema, path)


def _read_ids(path: Path) -> "tuple[Ids, np.ndarray[tuple[int], np.dtype[np.uint64]] | None]":
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    sums = table.column("rows").to_numpy() if "rows" in table.column_names else None
    return encoded(_texts(table)), sums


def _texts(table: "pa.Table") -> Sequence[str]:
    texts: list[str] = table.column("customer_id").to_pylist()
    return texts

"""A verified list for the loaders, and the checks that it is loaded exactly once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import AlreadyPublished, InputError, IntegrityError
from crm_ml.lists.read_list import LIST_FILE, locate, verify_list

if TYPE_CHECKING:
    import pyarrow as pa

LEDGER = "crm_ml_lists"
ROWS = "crm_ml_list_rows"
BATCH_ROWS = 50_000
KEY = ("list_id", "customer_id", "slot")


@dataclass(frozen=True)
class Verified:
    """A list whose sums agree.

    Parameters
    ----------
    folder : Path
    list_id : str
    rows : int
    sha256 : str
        Of its ``list.parquet``.
    """

    folder: Path
    list_id: str
    rows: int
    sha256: str

    @property
    def file(self) -> Path:
        """The Parquet file of the rows."""
        return self.folder / LIST_FILE

    def schema(self) -> "pa.Schema":
        """Return the columns of the rows."""
        import pyarrow.parquet as pq

        return pq.read_schema(self.file)

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Read the rows, some at a time."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.file) as file:
            yield from file.iter_batches(batch_size=BATCH_ROWS)


@dataclass(frozen=True)
class Loaded:
    """The result of a load.

    Parameters
    ----------
    list_id : str
    rows : int
        Rows that were loaded.
    where : str
        Where they are, in words and without an address.
    """

    list_id: str
    rows: int
    where: str


def verify(folder: Path) -> Verified:
    """Check the sums of a list, or of the newest one of a name, and return what loaders need.

    Raises
    ------
    InputError
        If there is no list, or it lacks a column of the key of its rows.
    IntegrityError
        If a file does not agree with the manifest, or the rows not with its number of them.
    """
    import pyarrow.parquet as pq

    source = locate(folder)
    manifest = verify_list(source)
    content = pq.read_metadata(source / LIST_FILE)
    missing = sorted(set(KEY) - set(content.schema.to_arrow_schema().names))
    if missing:
        raise InputError(f"{source / LIST_FILE}: there is no column {', '.join(missing)}")
    if content.num_rows != manifest.get("rows"):
        raise IntegrityError(
            f"{source}: {content.num_rows:,} rows, but the manifest says {manifest.get('rows')}"
        )
    return Verified(source, manifest["list_id"], content.num_rows, manifest["files"][LIST_FILE]["sha256"])


def refuse_loaded(verified: Verified, sha256: str, where: str) -> None:
    """Raise the error of a list that was loaded before.

    Raises
    ------
    AlreadyPublished
        If it was the same.
    IntegrityError
        If a list of the same id but other content was loaded.
    """
    if sha256 != verified.sha256:
        raise IntegrityError(
            f"list {verified.list_id} is in {where} with another content; nothing was changed"
        )
    raise AlreadyPublished(f"list {verified.list_id} is already in {where}; nothing was changed")


def check_loaded(verified: Verified, rows: int, strangers: int, where: str) -> None:
    """Refuse a load, before it is committed, that does not hold the rows of the list, each of its id.

    Raises
    ------
    IntegrityError
        With both numbers.
    """
    if rows != verified.rows or strangers:
        raise IntegrityError(
            f"{rows:,} rows of {verified.rows:,} came into {where}, {strangers:,} of another list_id;"
            " nothing was loaded"
        )

"""The CSV loader: a new folder with the list as one CSV file and a manifest.

Text that starts like a formula gets a leading ``'``; lists are JSON, times ISO 8601 in UTC.
Numbers stay numbers.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.delivery.exporters.csv_cells import header, line
from crm_ml.delivery.exporters.export_plan import Cell
from crm_ml.delivery.exporters.file_splitter import Splitter
from crm_ml.delivery.loaders.load_once import BATCH_ROWS, Loaded, Verified, verify
from crm_ml.errors import AlreadyPublished, InputError
from crm_ml.storage import manifest
from crm_ml.storage.publish import check_free, publish
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident, parquet_rows

if TYPE_CHECKING:
    import pyarrow as pa


NAMES = ("csv",)
TARGET = "PATH"


def load(folder: Path, target: str | Path) -> Loaded:
    """Write a list as CSV into a new folder of its name below `target`, whole or not at all.

    Parameters
    ----------
    folder : Path
        A list, or the folder of all lists of a name, whose newest is written.
    target : str or Path
        A folder, which is made where it is missing.

    Raises
    ------
    InputError
        If there is no list, or the target can't be written.
    AlreadyPublished
        If it is there already, whole (exit code 3).
    IntegrityError
        If the list, or what is there, is damaged (exit code 4).
    """
    verified, target = verify(folder), Path(target)
    name = verified.folder.resolve().name
    try:
        check_free(target, name)
    except AlreadyPublished:
        manifest.verify(target / name)
        raise
    publish(target, name, lambda content, _: _write(verified, content))
    return Loaded(verified.list_id, verified.rows, str(target / name))


def _write(verified: Verified, content: Path) -> None:
    cells = [_cell(field) for field in verified.schema()]
    connection = connect()
    try:
        query = f"SELECT {line(cells)} AS line FROM {parquet_rows(verified.file)}"
        with Splitter(content, ".csv", header(cells)) as splitter:
            splitter.start("list")
            for batch in connection.sql(query).to_arrow_reader(BATCH_ROWS):
                splitter.write(batch.column("line"), "list")
    finally:
        connection.close()
    manifest.write_manifest(
        content, list_id=verified.list_id, rows=verified.rows, list_sha256=verified.sha256
    )


def _cell(field: "pa.Field") -> Cell:
    """Return how a column is written.

    Raises
    ------
    InputError
        If its type has no form in CSV.
    """
    import pyarrow.types as kind

    name = ident(field.name)
    if kind.is_list(field.type) or kind.is_large_list(field.type):
        return Cell(field.name, f"to_json({name})::VARCHAR")
    if kind.is_timestamp(field.type) and field.type.tz is not None:
        time = f"strftime({name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
        return Cell(field.name, f"replace({time}, '.000000Z', 'Z')", text=False)
    if kind.is_string(field.type) or kind.is_large_string(field.type):
        return Cell(field.name, name)
    if kind.is_integer(field.type) or kind.is_floating(field.type) or kind.is_boolean(field.type):
        return Cell(field.name, name, text=False)
    raise InputError(f"column {field.name} is {field.type}, which has no form in CSV")

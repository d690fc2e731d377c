"""A sample of the rows of a Parquet file, as the texts that a CSV of it would have."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from crm_ml.errors import InputError
from crm_ml.tables.guess.sample import FIRST_ROWS, Sample
from crm_ml.tables.parquet_footer import check_footer, refuse_bomb

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH: Final = 10_000
_GROUPS: Final = 8
_LAST_BATCH: Final = 40
_OF_BATCH: Final = 500


def read_parquet_sample(path: Path) -> Sample:
    """Return the first rows and some of later batches and row groups.

    Raises
    ------
    InputError
        If it is no whole Parquet file or has no row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        check_footer(path)
        file = pq.ParquetFile(path)
        refuse_bomb(path, file.metadata)
        table = pa.Table.from_batches(list(_batches(file)), file.schema_arrow)
    except InputError as error:
        raise InputError(f"{path.name} {error}") from None
    except (pa.ArrowException, OSError):
        raise InputError(f"{path.name} is no whole Parquet file; export it again") from None
    if not table.num_rows:
        raise InputError(f"{path.name} has no rows")
    kinds = {field.name: _kind(field.type) for field in table.schema}
    if len(kinds) < table.num_columns:
        raise InputError(f"{path.name} has several columns of one name; rename all but one")
    try:
        columns = {name: _texts(table.column(name), kind) for name, kind in kinds.items()}
    except InputError as error:
        raise InputError(f"{path.name} {error}") from None
    return Sample(path, tuple(kinds), columns, kinds, table.num_rows == file.metadata.num_rows)


def _batches(file: Any) -> "list[pa.RecordBatch]":
    """Return the first batches whole, then the beginnings of some later ones."""
    taken, rows = [], 0
    for number, batch in enumerate(file.iter_batches(batch_size=_BATCH)):
        if number >= _LAST_BATCH:
            break
        part = batch if rows < FIRST_ROWS else batch.slice(0, _OF_BATCH)
        rows += batch.num_rows
        taken.append(part)
    if rows < file.metadata.num_rows:
        groups = file.num_row_groups
        for group in sorted({groups * place // _GROUPS for place in range(1, _GROUPS)}):
            taken.append(next(file.iter_batches(batch_size=_OF_BATCH, row_groups=[group])))
    return taken


def _kind(of_arrow: "pa.DataType") -> str:
    import pyarrow as pa

    kinds = pa.types
    if kinds.is_dictionary(of_arrow):
        return _kind(of_arrow.value_type)
    if kinds.is_timestamp(of_arrow):
        return "aware" if of_arrow.tz else "time"
    if kinds.is_date(of_arrow):
        return "time"
    if kinds.is_floating(of_arrow):
        return "float"
    if kinds.is_integer(of_arrow) or kinds.is_decimal(of_arrow):
        return "number"
    if kinds.is_string(of_arrow) or kinds.is_large_string(of_arrow) or kinds.is_string_view(of_arrow):
        return "text"
    return "other"


def _texts(column: "pa.ChunkedArray", kind: str) -> list[str | None]:
    if kind == "other":
        return [None] * len(column)
    try:
        cells = column.to_pylist()
    except (ValueError, OverflowError):  # such as times of a zone that is none, or of the year 300,000
        raise InputError(
            f"has values of type {column.type} that can't be read; write them anew, times in UTC"
        ) from None
    texts = (None if value is None else str(value).strip() for value in cells)
    return [None if text in ("", "nan") else text for text in texts]

"""Write Parquet files whose bytes depend on their rows alone."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_GROUP = 50_000


def write(tables: "Iterable[pa.Table]", schema: "pa.Schema", path: Path) -> int:
    """Write rows and return their number.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        Chunks of any size with exactly `schema`; the file does not depend on the chunks.
    schema : pyarrow.Schema
    path : Path

    References
    ----------
    All writer settings of Apache Parquet are explicit, so that new defaults of the library change no byte.
    """
    import pyarrow.parquet as pq

    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        data_page_version="1.0",
        data_page_size=1_048_576,
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        dictionary_pagesize_limit=1_048_576,
        write_statistics=True,
        write_batch_size=1_024,
        store_schema=True,
    ) as writer:
        for group in regroup(tables, ROWS_A_GROUP):
            writer.write_table(group, row_group_size=ROWS_A_GROUP)
            rows += group.num_rows
    return rows


def regroup(tables: "Iterable[pa.Table]", rows: int) -> "Iterator[pa.Table]":
    """Regroup chunks of any size into tables of `rows` rows; only the last may have fewer."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= rows:
            joined = pa.concat_tables(waiting).combine_chunks()
            yield joined.slice(0, rows)
            waiting, count = [joined.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()

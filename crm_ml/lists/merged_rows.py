"""Rows of several files, each ordered by customer, merged into one order without being in memory at once."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROWS_AT_ONCE = 65_536
_FEWEST_ROWS = 512
_READ_BYTES = 1 << 16


def merged_rows(files: Sequence[Path], schema: "pa.Schema") -> "Iterator[pa.Table]":
    """Merge Parquet files that are ordered by customer_id, and of which no two have a customer in common.

    A few rows of each file are in memory, about `ROWS_AT_ONCE` in all: nothing that is still to be read
    precedes the least of their last customers, so all up to that one are sorted and given. Rows of a customer
    keep their order; so the result does not depend on how the customers were dealt to the files.

    Parameters
    ----------
    files : sequence of Path
        With the columns of `schema`.
    schema : pyarrow.Schema
        With customer_id, a string.

    Yields
    ------
    pyarrow.Table
        With exactly `schema`, ordered by customer_id as UTF-8 bytes.
    """
    import pyarrow as pa

    at_once = max(_FEWEST_ROWS, ROWS_AT_ONCE // max(1, len(files)))
    with contextlib.ExitStack() as opened:
        heads = [_Head(opened.enter_context(_open(path)), schema, at_once) for path in files]
        while waiting := [head for head in heads if head.fill()]:
            bound = min(head.last for head in waiting)
            rows = pa.concat_tables(head.through(bound) for head in waiting)
            yield rows if len(waiting) == 1 else _ordered(rows)


class _Head:
    """The next rows of a file."""

    def __init__(self, file: "pq.ParquetFile", schema: "pa.Schema", rows: int) -> None:
        self._batches = file.iter_batches(rows, columns=schema.names)
        self._schema, self._fewest = schema, rows
        self._rows = schema.empty_table()

    def fill(self) -> bool:
        """Read until there are enough rows or the file ends; say whether there is one."""
        import pyarrow as pa

        while len(self._rows) < self._fewest and (batch := next(self._batches, None)) is not None:
            read = pa.Table.from_batches([batch]).cast(self._schema)
            self._rows = pa.concat_tables([self._rows, read])
        return len(self._rows) > 0

    @property
    def last(self) -> str:
        """The last customer among the rows; Python orders text as UTF-8 bytes are ordered."""
        return str(self._rows["customer_id"][-1].as_py())

    def through(self, customer_id: str) -> "pa.Table":
        """Take the rows up to a customer out."""
        import pyarrow.compute as pc

        n = int(pc.sum(pc.less_equal(self._rows["customer_id"], customer_id)).as_py())
        taken, self._rows = self._rows.slice(0, n), self._rows.slice(n)
        return taken


def _open(path: Path) -> "pq.ParquetFile":
    """Open a file whose columns are read in small pieces: many are open at the same time."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False)


def _ordered(rows: "pa.Table") -> "pa.Table":
    """Sort rows by customer; rows of a customer keep their order."""
    import pyarrow.compute as pc

    whole = rows.combine_chunks()
    return whole.take(pc.sort_indices(whole, sort_keys=[("customer_id", "ascending")]))

"""Rows of score tables: their columns, how they are read chunk by chunk, and how scores are checked."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


CHUNK_ROWS = 50_000


Progress = Callable[[int, int], None]


Reasons = Callable[["pd.DataFrame"], Sequence[Sequence[str]]]


Groups = Mapping[str, Mapping[str, Any]] | Sequence[str]


def score_schema(*columns: str) -> "pa.Schema":
    """Return the columns of a score table: customer_id, those given (float64), and model."""
    import pyarrow as pa

    reals = {name: pa.float64() for name in columns}
    return pa.schema({"customer_id": pa.string(), **reals, "model": pa.string()})


def score_rows(
    schema: "pa.Schema", customers: "pa.ChunkedArray", columns: Mapping[str, Any], model: str
) -> "pa.Table":
    """Put scores beside customers and the name of their model."""
    import pyarrow as pa

    ids, named = customers.cast(pa.string()), pa.repeat(model, len(customers))
    return pa.table([ids, *(pa.array(values) for values in columns.values()), named], schema=schema)


def chunks(
    features: Path,
    scored: "Callable[[pa.Table], pa.Table]",
    progress: Progress | None = None,
    columns: Collection[str] | None = None,
) -> "Iterator[pa.Table]":
    """Read a feature table piece by piece and give what `scored` makes of each; of `columns` what it has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(features) as file:
        done, rows = 0, file.metadata.num_rows
        names = [name for name in file.schema_arrow.names if columns is None or name in columns]
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names):
            yield scored(pa.Table.from_batches([batch]))
            done += batch.num_rows
            if progress:
                progress(done, rows)


def probabilities(name: str, predicted: Any, rows: int) -> "np.ndarray[Any, Any]":
    """Return predictions as float64 after a check.

    Raises
    ------
    InputError
        If one is missing, not finite or outside [0, 1], or there is not one for each row.
    """
    import numpy as np

    p = np.asarray(predicted, dtype=np.float64)
    if p.shape != (rows,):
        raise InputError(f"{name}: predictions have shape {p.shape} for {rows:,} customers")
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong:
        raise InputError(f"{name}: {wrong:,} of {rows:,} predictions are no probability in [0, 1]")
    return p

"""Frames from elsewhere, brought to the engine and the connection of the customer tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.storage.private_scratch import private_scratch
from crm_ml.tables.bundle import write_parquet
from crm_ml.tables.engine import connect
from crm_ml.tables.scratch_frames import materialize
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import pyarrow as pa

_VIEW = "crm_ml_carrier"  # name that `query` needs for a relation; no statement here reads it
_FILE = "moved.parquet"


def from_arrow(arrow: "pa.Table", like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return an Arrow table as a frame of the same engine as `like`."""
    if like.implementation.is_duckdb():  # which finds no Python object by its name
        from pyarrow import parquet

        with private_scratch() as folder:
            parquet.write_table(arrow, folder / _FILE)
            return _copied(folder / _FILE, like)
    if like.implementation.is_pandas():
        import pandas as pd

        return _lazy(arrow.to_pandas(types_mapper=pd.ArrowDtype))
    return _lazy(nw.from_arrow(arrow, backend=like.implementation).to_native())


def from_sql(query: str, like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return the rows of a query that reads files as a frame of the same engine as `like`."""
    if like.implementation.is_duckdb():
        return _lazy(like.to_native().query(_VIEW, query))
    with connect() as connection:
        return from_arrow(connection.sql(query).to_arrow_table(), like)


def moved(frame: "nw.LazyFrame[Any]", like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Copy a frame of any engine, or of another connection of DuckDB, to where `like` is."""
    if not like.implementation.is_duckdb():
        return from_arrow(frame.collect(backend="pyarrow").to_native(), like)
    with private_scratch() as folder:
        write_parquet(frame, folder / _FILE)
        return _copied(folder / _FILE, like)


def _copied(path: Path, like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Copy a Parquet file to the connection of `like`, so that it may be removed."""
    return _lazy(materialize(from_sql(f"SELECT * FROM {parquet_rows(path)}", like)))


def lazy(frame: Any) -> "nw.LazyFrame[Any]":
    """Return a frame of any kind as a narwhals lazy frame."""
    return frame if isinstance(frame, nw.LazyFrame) else _lazy(frame)


def _lazy(native: Any) -> "nw.LazyFrame[Any]":
    frame: nw.LazyFrame[Any] = nw.from_native(native).lazy()
    return frame

"""Convert rows of Python values, as database drivers return them, to an Arrow table."""

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa


def to_arrow(names: list[str], chunks: Iterable[list[Any]], count: Callable[[int], None]) -> pa.Table:
    """Return chunks of rows as one table.

    A column has the type of its values if all agree; otherwise (SQLite allows that) it becomes text, so that
    no id is rounded.

    Parameters
    ----------
    names : list of str
    chunks : iterable of lists of rows
    count : callable
        Told the bytes of each chunk; what it raises ends the reading.
    """
    parts: list[list[pa.Array]] = [[] for _ in names]
    for rows in chunks:
        for place in range(len(names)):
            parts[place].append(_array([row[place] for row in rows]))
        count(sum(arrays[-1].nbytes for arrays in parts))
    columns = [_one_type(arrays) for arrays in parts]
    return pa.table(columns, names=names)


def _array(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):
            pass
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _one_type(arrays: list[pa.Array]) -> pa.ChunkedArray:
    kinds = {array.type for array in arrays if not pa.types.is_null(array.type)}
    if not kinds:
        return pa.chunked_array([pa.nulls(len(a), pa.string()) for a in arrays], pa.string())
    if all(pa.types.is_decimal(kind) for kind in kinds) and len(kinds) > 1:
        kind = pa.decimal128(38, max(k.scale for k in kinds))
    else:
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
    return pa.chunked_array([array.cast(kind) for array in arrays], kind)

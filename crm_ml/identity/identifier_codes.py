"""Values of columns as whole numbers, equal where the values are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Codes: TypeAlias = npt.NDArray[np.int32]


def codes_of(column: "pa.ChunkedArray") -> Codes:
    """Return the code of each value from 0 in order of appearance, and -1 for null.

    Examples
    --------
    >>> import pyarrow as pa
    >>> codes_of(pa.chunked_array([["b", None, "a", "b"]])).tolist()
    [0, -1, 1, 0]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return np.full(len(column), -1, np.int32)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    indices = encoded.indices
    return np.asarray(pc.fill_null(indices, pa.scalar(-1, indices.type)).to_numpy(), dtype=np.int32)


def combined(columns: Sequence[Codes]) -> Codes:
    """Return one code for each combination of codes; -1 where one of them is.

    Parameters
    ----------
    columns : sequence of numpy.ndarray of int, shape (n,)

    Examples
    --------
    >>> combined([np.array([0, 0, 1, -1], np.int32), np.array([0, 1, 0, 0], np.int32)]).tolist()
    [0, 1, 2, -1]
    """
    import pandas as pd

    total = columns[0]
    for codes in columns[1:]:
        absent = (total < 0) | (codes < 0)
        pairs = total.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
        pairs[absent] = -1
        found = pd.factorize(pairs)[0].astype(np.int32)
        total = _without(found, absent)
    return total


def _without(codes: Codes, absent: npt.NDArray[np.bool_]) -> Codes:
    """Return codes without the one that stands for absent values, whose place the later ones take."""
    if absent.any():
        own = codes[np.argmax(absent)]
        codes = codes - (codes > own).astype(np.int32)
        codes[absent] = -1
    return codes


def counts(codes: Codes) -> npt.NDArray[np.int64]:
    """Return the number of rows of each code, those of -1 left out."""
    return np.bincount(codes[codes >= 0], minlength=int(codes.max(initial=-1)) + 1)

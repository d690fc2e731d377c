"""Files read with a number in place of each customer: figures over millions of rows need no ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.customer_hash import customer_folds

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def numbered_customers(
    path: Path, texts: Sequence[str], numbers: Sequence[str], arms: Sequence[str], folds: int = 1
) -> "pd.DataFrame":
    """Read rows of some arms from a Parquet file that is ordered by customer_id.

    Parameters
    ----------
    path : Path
    texts, numbers : sequence of str
        Columns; texts become categories, and the arm is one of them.
    arms : sequence of str
    folds : int
        Into which the customers are dealt, see `crm_ml.customer_hash.customer_folds`.

    Returns
    -------
    pandas.DataFrame
        customer (int32, from 0 on), fold (int8), then the columns.
    """
    import pyarrow as pa

    pieces = list(_pieces(path, [*texts], [*numbers], arms, folds))
    rows: pd.DataFrame = pa.concat_tables(pieces).unify_dictionaries().to_pandas(self_destruct=True)
    return rows


def _pieces(
    path: Path, texts: list[str], numbers: list[str], arms: Sequence[str], folds: int
) -> "Iterator[pa.Table]":
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    last, count = None, 0
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        none = file.schema_arrow.empty_table()
        numbered = {"customer": pa.array([], pa.int32()), "fold": pa.array([], pa.int8())}
        yield pa.table(numbered | {name: none[name] for name in (*texts, *numbers)})
        for batch in file.iter_batches(columns=["customer_id", *texts, *numbers]):
            ids = batch["customer_id"]
            customer = np.cumsum(_is_new(ids, last), dtype=np.int32) + np.int32(count - 1)
            last, count = ids[-1].as_py(), int(customer[-1]) + 1
            used = pc.is_in(batch["arm"].cast(pa.string()), pa.array(arms))
            rows = pa.table({"customer": customer, **{name: batch[name] for name in (*texts, *numbers)}})
            fold = _folds(ids.filter(used), folds)
            yield rows.filter(used).add_column(1, "fold", [pa.array(fold, pa.int8())])


def _folds(ids: Any, folds: int) -> Any:
    if folds == 1:
        return np.zeros(len(ids))
    return customer_folds(ids.to_numpy(zero_copy_only=False), folds)


def _is_new(ids: Any, last: str | None) -> Any:
    """Say of each row whether its customer is another than that of the row before."""
    import pyarrow.compute as pc

    new = np.empty(len(ids), dtype=np.bool_)
    new[0] = ids[0].as_py() != last
    new[1:] = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    return new

"""The customers of a list in parts: of each a weighed file, and beside it values, draws and more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_ml.allocation.value_parts import DRAWS, VALUES, FileParts, KeptFiles, Map
from crm_ml.decision.exploration import CANDIDATE, TURN, Explore, draw
from crm_ml.decision.open_actions import HELD_OUT

CHUNK_ROWS = 100_000
Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


def list_parts(weighed: Sequence[Path], workers: Map = map) -> FileParts:
    """Return the parts of weighed files.

    Parameters
    ----------
    weighed : sequence of Path
        Parquet files of `crm_ml.decision.open_actions.weigh`, all of one name, each ordered by customer_id in
        a folder of its own; no two have a customer in common.
    workers : callable
        The ``map`` of `crm_ml.parts.workers.Workers`.
    """
    folders = tuple(path.parent for path in weighed)
    return FileParts(folders, workers, partial(ids_of, weighed[0].name))


def ids_of(name: str, folder: Path, rows: Ints) -> list[str]:
    """Return the ids of some rows of a weighed file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = pq.read_table(folder / name, columns=["customer_id"])["customer_id"]
    return list(ids.take(pa.array(rows)).cast("string").to_pylist())


@dataclass(frozen=True)
class Opened:
    """Write values, draws, and candidates of the exploration beside a weighed file; return their counts.

    Parameters
    ----------
    weighed : tuple of Path
    m : int
        Number of action-channels.
    wanted : Explore, optional
    day : str
    """

    weighed: tuple[Path, ...]
    m: int
    wanted: Explore | None
    day: str

    def __call__(self, number: int) -> Ints:
        """Return the candidates of each action-channel in a part, shape (m,)."""
        path = self.weighed[number]
        kept = KeptFiles(path.parent)
        kept[DRAWS] = draws_of(path)
        open_values(path, self.m)
        counts = np.zeros(self.m, dtype=np.int64)
        if self.wanted is None:
            return counts
        pieces = _pieces(path, kept[VALUES])
        drawn = [draw(customers, is_open, self.wanted, self.day) for customers, is_open in pieces]
        kept[CANDIDATE] = np.concatenate([np.empty(0, np.int16), *(candidate for candidate, _ in drawn)])
        kept[TURN] = np.concatenate([np.empty(0, np.uint64), *(turn for _, turn in drawn)])
        candidate = kept[CANDIDATE]
        counts += np.bincount(candidate[candidate >= 0], minlength=self.m)
        return counts


def draws_of(weighed: Path) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of the MD5 of "draw:" and each customer_id, little-endian."""
    from crm_ml.tables.engine import connect
    from crm_ml.tables.sql import file_literal

    draw = "md5_number_lower('draw:' || customer_id) AS draw"
    sql = f"SELECT {draw} FROM read_parquet({file_literal(weighed)})"
    with connect() as connection:
        draws = connection.execute(sql).fetchnumpy()["draw"]
    return np.asarray(draws, dtype=np.uint64)


def open_values(weighed: Path, m: int) -> None:
    """Write the values of all open pairs beside `weighed`; NaN for all others."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(weighed) as file:
        shape, kept = (file.metadata.num_rows, m), KeptFiles(weighed.parent)
        if not shape[0]:
            kept[VALUES] = np.empty(shape)
            return
        path = weighed.with_name(f"{VALUES}.npy")
        values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
        start = 0
        names = [f"{what}_{number}" for what in ("value", "status") for number in range(m)]
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names):
            is_open = table_of(batch, "status", m) > HELD_OUT
            values[start : start + len(batch)] = np.where(is_open, table_of(batch, "value", m), np.nan)
            start += len(batch)


def table_of(batch: Any, what: str, m: int) -> Values:
    """Return the columns ``<what>_0``, ``<what>_1``... of a piece as numbers, NaN for null, (b, m)."""
    columns = [batch[f"{what}_{number}"].cast("float64") for number in range(m)]
    return np.column_stack([column.to_numpy(zero_copy_only=False) for column in columns])


def _pieces(weighed: Path, values: Values) -> Iterator[tuple[list[str], npt.NDArray[np.bool_]]]:
    import pyarrow.parquet as pq

    start = 0
    with pq.ParquetFile(weighed) as file:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=["customer_id"]):
            ids = batch["customer_id"].cast("string").to_pylist()
            yield ids, np.isfinite(values[start : start + len(ids)])
            start += len(ids)

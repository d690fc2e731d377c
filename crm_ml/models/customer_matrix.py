"""Features of some of the customers at a snapshot, from the rows of these customers alone."""

import contextlib
import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.customer_hash import customer_folds
from crm_ml.features import SnapshotConstants, matrices, matrix
from crm_ml.features.past import snapshots_in_a_pass
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.scratch_frames import Scratch, drop

if TYPE_CHECKING:
    import pandas as pd

Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]
MOST_CHECKED = 100_000
_MOST = 0.5  # of the customers, beyond which the matrix of all of them is computed
_numbers = itertools.count()


def customer_count(tables: Tables) -> int:
    """Return the number of customers of tables."""
    return int(to_pandas(tables.frame("customers").select(nw.len().alias("rows")))["rows"].iloc[0])


def matrices_of(
    tables: Tables,
    customers: "Mapping[Snapshot, pd.Index[str]]",
    groups: Groups | None = None,
    whole: Collection[datetime] = (),
) -> "Iterator[pd.DataFrame]":
    """Compute the features of some customers at each of several snapshots.

    Where tables are so large that a pass has one snapshot, and few customers are wanted at it, the pass reads
    their rows alone.

    Parameters
    ----------
    tables : Tables
        With all customers.
    customers : mapping of Snapshot to pandas.Index of str
        Different ones.
    groups : sequence of str or mapping, optional
        As `crm_ml.features.matrix` takes them.
    whole : collection of datetime
        Moments at which everybody is wanted.

    Yields
    ------
    pandas.DataFrame
        The wanted rows of `crm_ml.features.matrix` to the bit, and others perhaps.
    """
    if snapshots_in_a_pass(tables) > 1:
        yield from matrices(tables, customers, groups)
        return
    constants, most = SnapshotConstants.of(tables), _MOST * customer_count(tables)
    for snapshot, ids in customers.items():
        if snapshot.as_of in whole or len(ids) > most:
            yield matrix(tables, snapshot, groups, constants)
        else:
            with of_customers(tables, ids) as part:
                yield matrix(part, snapshot, groups, constants)


@contextlib.contextmanager
def of_some(tables: Tables, most: int = MOST_CHECKED) -> Iterator[Tables]:
    """Yield tables with the rows of at most about `most` customers, drawn by a hash; see `of_customers`."""
    parts = -(-customer_count(tables) // most)
    if parts < 2:
        yield tables
        return
    import pandas as pd

    ids = pd.Index(tables.pandas("customers")["customer_id"])
    with of_customers(tables, ids[customer_folds(np.asarray(ids), parts, key="checked") == 0]) as part:
        yield part


@contextlib.contextmanager
def of_customers(tables: Tables, customers: "pd.Index[str]") -> Iterator[Tables]:
    """Yield the rows of some customers; on DuckDB as temporary tables that are gone at the end of the block.

    Tables of other engines, and those whose connection is unknown, are yielded as they are.
    """
    tables = tables.here()
    connection = tables.cursors.connection
    if tables.engine != "duckdb" or connection is None:
        yield tables
        return
    name = f"crm_ml_customers_{next(_numbers)}"
    connection.register(name, customers.to_frame(index=False, name="customer_id"))
    try:
        ids = nw.from_native(connection.table(name)).lazy()
        with Scratch() as scratch:
            yield from _part(tables, ids, scratch)
    finally:
        connection.unregister(name)


def _part(tables: Tables, ids: "nw.LazyFrame[Any]", scratch: Scratch) -> Iterator[Tables]:
    frames = {}
    for name in tables.names:
        frame = tables.frame(name)
        if "customer_id" in frame.collect_schema().names():
            ours = frame.join(ids, on="customer_id", how="semi")
            frames[name] = scratch.once(name, lambda ours=ours: ours).to_native()  # type: ignore[misc]
    part = dataclasses.replace(tables, **frames)
    object.__setattr__(part, "_checked", True)  # rows of tables that were
    try:
        yield part
    finally:
        if "orders" in vars(part):
            drop(part.orders)

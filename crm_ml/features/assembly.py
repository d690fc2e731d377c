"""Compute feature groups at snapshots, and join them to one matrix each."""

import functools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.features import matrix_cache
from crm_ml.features.feature_groups import Groups, group_of, groups, groups_with_options, in_one_pass
from crm_ml.features.joined_groups import assembled
from crm_ml.features.past import ROW, numbers_of, snapshots_in_a_pass
from crm_ml.features.snapshot_constants import SnapshotConstants, constants_for
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, need_tables, to_arrow, write_parquet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)
Options = Mapping[str, Mapping[str, Any]]


def matrix(
    tables: Tables,
    snapshot: Snapshot,
    groups: Groups | None = None,
    constants: SnapshotConstants | None = None,
) -> "pd.DataFrame":
    """Compute the features of every known customer at a snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
        Only rows strictly before ``snapshot.as_of`` are read.
    groups : sequence of str or mapping of str to options, optional
        Group names, or names with their options, such as ``{"lifecycle": {"new_within_days": 14}}``.
        All groups by default.
    constants : SnapshotConstants, optional
        Of the tables with all customers, where `tables` have a part of them: each has to the bit the features
        that it has among all. By default those of `tables`.

    Returns
    -------
    pandas.DataFrame
        One row per customer, indexed and ordered by ``customer_id``. Numbers are float64 with NaN for
        "unknown", all others are text.

    Notes
    -----
    Matrices of tables with a fingerprint are cached below ``data/features/``, by the content of the tables,
    the snapshot, the code of the groups and their options; ``CRM_ML_CACHE=off`` disables the cache.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist.
    InputError
        If an order is older than the `constants` say.
    """
    return next(matrices(tables, [snapshot], groups, constants))


def matrices(
    tables: Tables,
    snapshots: Iterable[Snapshot],
    groups: Groups | None = None,
    constants: SnapshotConstants | None = None,
) -> "Iterator[pd.DataFrame]":
    """Compute the `matrix` of each snapshot, many in one pass over the tables.

    Parameters
    ----------
    tables : Tables
    snapshots : iterable of Snapshot
        In any order; equal ones are computed once.
    groups : sequence of str or mapping of str to options, optional
        As `matrix` takes them. With a group of one's own that knows one snapshot, each has a pass of its own.
    constants : SnapshotConstants, optional
        As `matrix` takes them.

    Yields
    ------
    pandas.DataFrame
        In the order of `snapshots`, to the bit what `matrix` returns; it is cached as one by one.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist.
    """
    need_tables(tables, "features.matrix")
    wanted = groups_with_options(groups)
    constants = constants_for(tables, constants)
    for part in _passes(tables, list(snapshots), wanted):
        parts = _tables(tables, list(dict.fromkeys(part)), wanted, constants)
        for snapshot in part:
            yield parts[snapshot].to_pandas(ignore_metadata=True).set_index("customer_id")


def write(
    tables: Tables,
    snapshot: Snapshot,
    path: Path,
    groups: Groups | None = None,
    constants: SnapshotConstants | None = None,
) -> None:
    """Compute the features of `matrix` into one Parquet file, ordered by customer, out of core on DuckDB."""
    with assembled(tables, [snapshot], groups, constants) as frame:
        write_parquet(frame.drop(ROW), path)


def lasting(tables: Tables, groups: Groups | None = None) -> bool:
    """Return whether a matrix may be cached: its tables have a fingerprint, and every group has a file."""
    written = all(getattr(group_of(name), "__file__", None) for name in groups_with_options(groups))
    return bool(tables.fingerprint) and written and matrix_cache.keeping()


def matrix_keys(
    tables: Tables,
    snapshots: Sequence[Snapshot],
    wanted: Groups | None = None,
    constants: SnapshotConstants | None = None,
) -> list[str]:
    """Return the key of each matrix in the cache, see `matrix_cache.keys_of`."""
    names = groups_with_options(wanted)
    modules = {**groups(), **{name: group_of(name) for name in names}}
    return matrix_cache.keys_of(tables, snapshots, names, modules, constants_for(tables, constants))


def _passes(tables: Tables, snapshots: Sequence[Snapshot], wanted: Options) -> list[Sequence[Snapshot]]:
    """Divide snapshots so that a pass stays small in memory; large tables have one snapshot a pass."""
    if len(snapshots) < 2:
        return [snapshots]
    size = snapshots_in_a_pass(tables) if all(in_one_pass(name) for name in wanted) else 1
    return [snapshots[start : start + size] for start in range(0, len(snapshots), size)]


def _tables(
    tables: Tables, snapshots: Sequence[Snapshot], wanted: Options, constants: SnapshotConstants
) -> "dict[Snapshot, pa.Table]":
    """Return the matrices of different snapshots, from the cache where possible."""
    if not lasting(tables, wanted):
        return _in_one_pass(tables, snapshots, wanted, constants)
    keys = dict(zip(snapshots, matrix_keys(tables, snapshots, wanted, constants), strict=True))
    cached = {snapshot: matrix_cache.read(key) for snapshot, key in keys.items()}
    absent = [snapshot for snapshot, table in cached.items() if table is None]
    computed = _in_one_pass(tables, absent, wanted, constants)
    try:
        for snapshot, table in computed.items():
            _store(keys[snapshot], table)
    except OSError as error:
        log.warning("%s: features are not kept: %s", matrix_cache.folder(), error.strerror)
    return cached | computed


def _store(key: str, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    matrix_cache.stored(key, functools.partial(pq.write_table, table))


def _in_one_pass(
    tables: Tables, snapshots: Sequence[Snapshot], wanted: Options, constants: SnapshotConstants
) -> "dict[Snapshot, pa.Table]":
    """Compute the matrices of different snapshots."""
    if not snapshots:
        return {}
    with assembled(tables, snapshots, wanted, constants) as frame:
        table = to_arrow(frame)
    rows = table.column(ROW).to_numpy()
    table = table.drop_columns(ROW)
    parts = {}
    for snapshot, numbers in numbers_of(snapshots).items():
        start, end = rows.searchsorted(numbers)
        parts[snapshot] = table.slice(start, end - start)
    return parts

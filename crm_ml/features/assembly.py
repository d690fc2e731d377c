"""Feature groups are found, computed and joined here."""

import contextlib
import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.features import matrix_cache
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_arrow, write_parquet
from crm_ml.tables.scratch_frames import Scratch, left_join

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)
Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]


@cache
def groups() -> dict[str, ModuleType]:
    """Return the feature groups: every module of this package that has ``COLUMNS`` and ``compute``."""
    package = importlib.import_module("crm_ml.features")
    found = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        module = importlib.import_module(f"crm_ml.features.{name}")
        if hasattr(module, "COLUMNS") and hasattr(module, "compute"):
            found[name] = module
    return found


def matrix(tables: Tables, snapshot: Snapshot, groups: Groups | None = None) -> "pd.DataFrame":
    """Compute the features of every known customer at a snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
        Only rows strictly before ``snapshot.as_of`` are read.
    groups : sequence of str or mapping of str to options, optional
        Group names, or names with their options, such as ``{"lifecycle": {"new_within_days": 14}}``.
        All groups without it.

    Returns
    -------
    pandas.DataFrame
        One row a customer, indexed and ordered by ``customer_id``. Numbers are float64 with NaN for
        "unknown", the others are text.

    Notes
    -----
    Tables with a fingerprint keep their matrices below ``data/features/``, by the content of the tables, the
    snapshot, the code of the groups and their options; ``CRM_ML_CACHE=off`` computes each time.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist.
    """
    table = _table(tables, snapshot, _wanted(groups))
    result: pd.DataFrame = table.to_pandas(ignore_metadata=True).set_index("customer_id")
    return result


def lasting(tables: Tables, groups: Groups | None = None) -> bool:
    """Say whether a matrix may be stored: its tables have a name, and no group was made up in a notebook."""
    written = all(getattr(_group(name), "__file__", None) for name in _wanted(groups))
    return bool(tables.fingerprint) and written and matrix_cache.keeping()


def matrix_key(tables: Tables, snapshot: Snapshot, wanted: Groups | None = None) -> str:
    """Return the key of a matrix in the store: all that it follows from, see `matrix_cache.key_of`."""
    return matrix_cache.key_of(tables, snapshot, _wanted(wanted), groups())


def _table(tables: Tables, snapshot: Snapshot, wanted: Mapping[str, Mapping[str, Any]]) -> "pa.Table":
    """Return a matrix, from the store where it may lie there."""
    import pyarrow.parquet as pq

    if lasting(tables, wanted):
        key = matrix_key(tables, snapshot, wanted)
        try:
            return pq.read_table(matrix_cache.stored(key, lambda path: write(tables, snapshot, path, wanted)))
        except OSError as error:
            log.warning("%s: features are not kept: %s", matrix_cache.folder(), error.strerror)
    with assembled(tables, snapshot, wanted) as frame:
        return to_arrow(frame)


def write(tables: Tables, snapshot: Snapshot, path: Path, groups: Groups | None = None) -> None:
    """Compute the features of `matrix` into one Parquet file, ordered by customer, out of core on DuckDB."""
    with assembled(tables, snapshot, groups) as frame:
        write_parquet(frame, path)


@contextlib.contextmanager
def assembled(
    tables: Tables, snapshot: Snapshot, groups: Groups | None = None
) -> Iterator["nw.LazyFrame[Any]"]:
    """Join the groups to one lazy frame: ``customer_id`` and the columns of each group, in their order.

    The frame can be read within the block; what was computed for it is dropped at the end.
    """
    if tables.engine == "mixed":
        tables = tables.to("duckdb")
    frames, columns = [], [nw.col("customer_id")]
    with Scratch() as results:
        with tables.scratch() as inside:
            known = results.once("", lambda: known_customers(inside, snapshot))
            for name, options in _wanted(groups).items():
                frame = _compute(_group(name), name, inside, snapshot, options)
                if frame is not None:
                    frames.append(results.once(name, _giving(frame)))
                    columns += _uniform(frames[-1], _group(name).COLUMNS)
        yield left_join(known, frames, on="customer_id").select(*columns).sort("customer_id")


def _giving(frame: "nw.LazyFrame[Any]") -> Callable[[], "nw.LazyFrame[Any]"]:
    return lambda: frame


def known_customers(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return the customers of whom a registration, order, touch or event before the snapshot tells."""
    sources = (("orders", "ordered_at"), ("touches", "sent_at"), ("events", "occurred_at"))
    frames = [
        snapshot.past(tables.frame(name), at=at).select("customer_id")
        for name, at in sources
        if name == "orders" or tables.has(name)
    ]
    customers = tables.frame("customers")
    if "registered_at_epoch_s" in customers.collect_schema().names():
        frames.append(snapshot.past(customers, at="registered_at").select("customer_id"))
    known: nw.LazyFrame[Any] = nw.concat(frames).unique("customer_id")
    return known


def _wanted(given: Groups | None) -> Mapping[str, Mapping[str, Any]]:
    if given is None:
        return {name: {} for name in groups()}
    wanted = given if isinstance(given, Mapping) else {name: {} for name in given}
    for name in wanted:
        _group(name)
    return wanted


def _group(name: str) -> ModuleType:
    if name not in groups():
        raise ConfigError(f"features: {name!r} is no group; there are {', '.join(groups())}")
    return groups()[name]


def _compute(
    module: ModuleType, name: str, tables: Tables, snapshot: Snapshot, options: Mapping[str, Any]
) -> "nw.LazyFrame[Any] | None":
    known = module.compute.__kwdefaults__ or {}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(
            f"features: {name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )
    frame: nw.LazyFrame[Any] | None = module.compute(tables, snapshot, **options)
    return frame


def _uniform(frame: "nw.LazyFrame[Any]", fills: Mapping[str, Any]) -> list[nw.Expr]:
    """Fill what a customer without rows gets, and cast numbers to float64 and the rest to text."""
    expressions = []
    for name, kind in sorted(frame.collect_schema().items()):
        if name == "customer_id":
            continue
        column = nw.col(name).cast(nw.Float64 if kind.is_numeric() or kind == nw.Boolean else nw.String)
        fill = fills.get(name)
        expressions.append(column if fill is None else column.fill_null(fill))
    return expressions

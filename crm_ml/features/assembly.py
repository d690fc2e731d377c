"""Find feature groups, compute them, and join them to one matrix."""

import contextlib
import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.features import matrix_cache
from crm_ml.plugins import imported, installed, is_own
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_arrow, write_parquet
from crm_ml.tables.scratch_frames import Scratch, left_join

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

log = logging.getLogger(__name__)
ENTRY_POINTS = "crm_ml.features"
Groups = Sequence[str] | Mapping[str, Mapping[str, Any]]


@cache
def groups() -> dict[str, ModuleType]:
    """Return the feature groups by name, in the order of their columns.

    Every module of this package that has ``COLUMNS`` and ``compute``, in ascending order, then the modules
    that entry points of the group ``crm_ml.features`` name. Wherever the name of a group stands, one's own
    may be named as ``acme.groups.loyalty`` or ``acme.groups:loyalty``: a module, or a class in a module with
    ``COLUMNS`` and a static ``compute``, whose matrices are not stored.

    Raises
    ------
    ConfigError
        If the module of an entry point can't be imported or is no group, or its name is taken.
    """
    package = importlib.import_module("crm_ml.features")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    modules = {name: importlib.import_module(f"crm_ml.features.{name}") for name in names}
    own = {name: module for name, module in modules.items() if not _lacking(module)}
    for name, point in installed(ENTRY_POINTS).items():
        if name in own:
            raise ConfigError(f"features: the entry point {name} has the name of a group of crm_ml")
        own[name] = _own_group(point.value, f"entry point {name} of {ENTRY_POINTS}")
    return own


def check_groups(wanted: Groups) -> None:
    """Refuse names and options of groups that do not exist; no data is needed to know it.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist, or a module of one's own is no group.
    """
    for name, options in _wanted(wanted).items():
        _check_options(name, options)


def matrix(tables: Tables, snapshot: Snapshot, groups: Groups | None = None) -> "pd.DataFrame":
    """Compute the features of every known customer at a snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
        Only rows strictly before ``snapshot.as_of`` are read.
    groups : sequence of str or mapping of str to options, optional
        Group names, or names with their options, such as ``{"lifecycle": {"new_within_days": 14}}``.
        All groups by default.

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
    """
    table = _table(tables, snapshot, _wanted(groups))
    result: pd.DataFrame = table.to_pandas(ignore_metadata=True).set_index("customer_id")
    return result


def lasting(tables: Tables, groups: Groups | None = None) -> bool:
    """Return whether a matrix may be cached: its tables have a fingerprint, and every group has a file."""
    written = all(getattr(_group(name), "__file__", None) for name in _wanted(groups))
    return bool(tables.fingerprint) and written and matrix_cache.keeping()


def code_of(groups: Groups) -> list[str]:
    """Return the modules that groups are written in, each once, as far as they lie in files."""
    written = [_group(name) for name in _wanted(groups)]
    homes = {getattr(group, "__module__", None) or group.__name__ for group in written}
    return sorted(home for home in homes if getattr(sys.modules.get(home), "__file__", None))


def matrix_key(tables: Tables, snapshot: Snapshot, wanted: Groups | None = None) -> str:
    """Return the key of a matrix in the cache, see `matrix_cache.key_of`."""
    names = _wanted(wanted)
    modules = {**groups(), **{name: _group(name) for name in names}}
    return matrix_cache.key_of(tables, snapshot, names, modules)


def _table(tables: Tables, snapshot: Snapshot, wanted: Mapping[str, Mapping[str, Any]]) -> "pa.Table":
    """Return a matrix, from the cache where possible."""
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

    The frame can be read within the block; intermediate results are freed at its end.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist, or two groups give one column.
    """
    if tables.engine == "mixed":
        tables = tables.to("duckdb")
    frames, columns, giver = [], [nw.col("customer_id")], dict[str, str]()
    with Scratch() as results:
        with tables.scratch() as inside:
            known = results.once("", lambda: known_customers(inside, snapshot))
            for name, options in _wanted(groups).items():
                frame = _compute(name, inside, snapshot, options)
                if frame is not None:
                    frames.append(results.once(name, _giving(frame)))
                    _check_once(frames[-1], name, giver)
                    columns += _uniform(frames[-1], _group(name).COLUMNS)
        yield left_join(known, frames, on="customer_id").select(*columns).sort("customer_id")


def _check_once(frame: "nw.LazyFrame[Any]", group: str, giver: dict[str, str]) -> None:
    """Note the group of each column, and refuse a column that another group gives."""
    for column in frame.collect_schema().names():
        if column != "customer_id" and giver.setdefault(column, group) != group:
            raise ConfigError(f"features: {giver[column]} and {group} both give {column}; leave one out")


def _giving(frame: "nw.LazyFrame[Any]") -> Callable[[], "nw.LazyFrame[Any]"]:
    return lambda: frame


def known_customers(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return the customers with a registration, order, touch or event before the snapshot."""
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


def _wanted(wanted: Groups | None) -> Mapping[str, Mapping[str, Any]]:
    if wanted is None:
        return {name: {} for name in groups()}
    options = wanted if isinstance(wanted, Mapping) else {name: {} for name in wanted}
    for name in options:
        _group(name)
    return options


def _group(name: str) -> ModuleType:
    if "." in name or is_own(name):
        return _own_group(name, f"features: {name}")
    if name not in groups():
        raise ConfigError(f"features: {name!r} is no group; there are {', '.join(groups())}")
    return groups()[name]


def _own_group(name: str, where: str) -> ModuleType:
    module, _, inner = name.partition(":")
    group = imported(module, where)
    if inner:
        group = getattr(group, inner, None) or imported(f"{module}.{inner}", where)
    if _lacking(group):
        raise ConfigError(f"{where}: it is no group: it lacks {', '.join(_lacking(group))}")
    return group


def _lacking(module: ModuleType) -> list[str]:
    return [name for name in ("COLUMNS", "compute") if not hasattr(module, name)]


def _check_options(name: str, options: Mapping[str, Any]) -> None:
    known = _group(name).compute.__kwdefaults__ or {}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(
            f"features: {name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}"
        )


def _compute(
    name: str, tables: Tables, snapshot: Snapshot, options: Mapping[str, Any]
) -> "nw.LazyFrame[Any] | None":
    _check_options(name, options)
    frame: nw.LazyFrame[Any] | None = _group(name).compute(tables, snapshot, **options)
    return frame


def _uniform(frame: "nw.LazyFrame[Any]", fills: Mapping[str, Any]) -> list[nw.Expr]:
    """Fill the values of customers without rows, and cast numbers to float64 and the rest to text."""
    expressions = []
    for name, kind in sorted(frame.collect_schema().items()):
        if name == "customer_id":
            continue
        column = nw.col(name).cast(nw.Float64 if kind.is_numeric() or kind == nw.Boolean else nw.String)
        fill = fills.get(name)
        expressions.append(column if fill is None else column.fill_null(fill))
    return expressions

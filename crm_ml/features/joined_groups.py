"""Compute feature groups at snapshots and join them to one frame."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.features.feature_groups import (
    Groups,
    check_groups,
    computed,
    group_of,
    groups_with_options,
    naming_group,
    shares_sums,
    sums_of,
)
from crm_ml.features.group_sums import SharedSums
from crm_ml.features.past import ROW, Past
from crm_ml.features.snapshot_constants import SnapshotConstants
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.scratch_frames import Scratch, left_join


@contextlib.contextmanager
def assembled(
    tables: Tables,
    snapshots: Sequence[Snapshot],
    groups: Groups | None = None,
    constants: SnapshotConstants | None = None,
) -> "Iterator[nw.LazyFrame[Any]]":
    """Join the groups to one lazy frame of all snapshots: ``row``, ``customer_id`` and the columns in order.

    The frame is ordered by ``row``, which `past.numbers_of` gives to the snapshots. It can be read within the
    block; intermediate results are freed at its end.

    Raises
    ------
    ConfigError
        If a group or an option of one does not exist, or two groups give one column.
    """
    wanted = groups_with_options(groups)
    check_groups(wanted)
    if tables.engine == "mixed":
        tables = tables.to("duckdb")
    frames: dict[str, nw.LazyFrame[Any]] = {}
    with Scratch() as results:
        with tables.scratch() as inside:
            past = Past(inside, snapshots, constants)
            known = results.once("", lambda: past.each(past.customers).select(ROW, "customer_id"))
            shared = SharedSums(past)
            for name, options in wanted.items():
                with naming_group(name, past):
                    if shares_sums(name):
                        if (sums := sums_of(name, past, options)) is not None:
                            shared.add(name, sums)
                    elif (frame := computed(name, past, options)) is not None:
                        frames[name] = results.hold(name, frame)
            shared.compute(results)
        columns = shared.columns | {name: _columns(frame) for name, frame in frames.items()}
        _check_once(columns)
        joined = left_join(shared.joined(known), list(frames.values()), on=ROW)
        kinds, uniform = joined.collect_schema(), [nw.col(ROW, "customer_id")]
        for name in wanted:
            uniform += _uniform({one: kinds[one] for one in columns.get(name, ())}, group_of(name).COLUMNS)
        yield joined.select(*uniform).sort(ROW)


def _columns(frame: "nw.LazyFrame[Any]") -> list[str]:
    return sorted(name for name in frame.collect_schema().names() if name != ROW)


def _check_once(columns: Mapping[str, Sequence[str]]) -> None:
    """Refuse a column that two groups give."""
    giver: dict[str, str] = {}
    for group, names in columns.items():
        for name in names:
            if giver.setdefault(name, group) != group:
                raise ConfigError(f"features: {giver[name]} and {group} both give {name}; leave one out")


def _uniform(kinds: "Mapping[str, nw.dtypes.DType]", fills: Mapping[str, Any]) -> list[nw.Expr]:
    """Fill the values of customers without rows, and cast numbers to float64 and the rest to text."""
    expressions = []
    for name, kind in kinds.items():
        column = nw.col(name).cast(nw.Float64 if kind.is_numeric() or kind == nw.Boolean else nw.String)
        fill = fills.get(name)
        expressions.append(column if fill is None else column.fill_null(fill))
    return expressions

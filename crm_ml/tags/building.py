"""Make the tags of a day, and those of the next one from them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.errors import InputError
from crm_ml.features import assembly
from crm_ml.features.feature_groups import groups_with_options
from crm_ml.features.snapshot_constants import SnapshotConstants
from crm_ml.snapshots import Snapshot, as_utc
from crm_ml.tables.bundle import Tables
from crm_ml.tags.blocks import block_of, changed_block
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.column_calendar import ages_that_move, groups_of
from crm_ml.tags.customer_numbers import CustomerNumbers, Ids, encoded
from crm_ml.tags.layout import Layout, check_columns
from crm_ml.tags.moved_customers import RowDigests, moved_since, of_customers, on_duckdb, row_digests
from crm_ml.tags.packed_facts import Plane
from crm_ml.tags.tag_planes import BLOCK, TagPlanes, tag_schema

if TYPE_CHECKING:
    import pandas as pd

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Refreshed:
    """Why customers were looked at again.

    Parameters
    ----------
    by_event, by_calendar, corrected : int
        Customers with a row since the last day; of whom a row left a window or passed an age; whose earlier
        rows differ now, new and departed ones among them. A customer may be counted in several.
    for_all : tuple of str
        Columns that have new values for everybody: scores, and features that may change on any day.
    """

    by_event: int
    by_calendar: int
    corrected: int
    for_all: tuple[str, ...]


def build(
    tables: Tables, as_of: date, catalogue: TagCatalogue, scores: "Sequence[pd.DataFrame]" = ()
) -> TagPlanes:
    """Return the tags of all customers known on a day; see `TagStore.build`."""
    duck = on_duckdb(tables)
    frame = _with_scores(_features(duck, as_of, catalogue), catalogue, scores)
    return of_frame(frame, as_of, catalogue, row_digests(duck, as_of))


def of_frame(
    frame: "pd.DataFrame", as_of: date, catalogue: TagCatalogue, rows: RowDigests | None = None
) -> TagPlanes:
    """Return the tags of customers whose features and scores are the rows of a frame."""
    ordered = frame.set_axis(frame.index.astype(str)).sort_index()
    if not ordered.index.is_unique:
        repeated = int(ordered.index.duplicated().sum())
        raise InputError(f"tags: {repeated:,} of {len(frame):,} rows are of a customer who has one already")
    parts = (ordered.iloc[start : start + BLOCK] for start in range(0, len(ordered), BLOCK))
    return of_blocks(parts, as_of, catalogue, rows)


def of_blocks(
    frames: "Iterable[pd.DataFrame]",
    as_of: date,
    catalogue: TagCatalogue,
    rows: RowDigests | None = None,
    spool: Path | None = None,
) -> TagPlanes:
    """Return the tags of frames of `BLOCK` customers, the last of fewer, in ascending order of the ids.

    With `spool`, a new file, the planes lie there and not in memory.
    """
    layout, ids = Layout.of(catalogue), []
    blocks: list[Plane] = []
    for frame in frames:
        check_columns(catalogue, tag_schema(frame))
        block = block_of(catalogue, layout, frame)
        blocks.append(block if spool is None else _spooled(spool, block))
        ids.append(encoded(frame.index))
    if not blocks:
        raise InputError(f"tags: no customer is known on {as_of}; take a later day")
    return TagPlanes(catalogue, layout, as_of, CustomerNumbers(np.concatenate(ids)), blocks, rows)


def _spooled(path: Path, block: Plane) -> Plane:
    """Append a block to a file and return it as it lies there."""
    with path.open("ab") as file:
        start = file.tell()
        file.write(block.data)
    return np.memmap(path, dtype=np.uint8, mode="r", offset=start, shape=block.shape)


def refreshed(
    store: TagPlanes, tables: Tables, as_of: date, scores: "Sequence[pd.DataFrame]" = ()
) -> tuple[TagPlanes, Refreshed]:
    """Return the tags of a later day, and why customers were looked at again; see `TagStore.refresh`."""
    if store.rows is None:
        raise InputError("these tags were made from a frame and don't know its rows; make them from tables")
    if as_of < store.as_of:
        raise InputError(
            f"the tags are of {store.as_of}, and {as_of} lies before it; build them for that day"
        )
    duck, catalogue = on_duckdb(tables), store.catalogue
    earlier, now = row_digests(duck, store.as_of), row_digests(duck, as_of)
    ages, daily = ages_that_move(store.layout.facts)
    by_event, by_calendar = moved_since(duck, store.as_of, as_of, ages)
    if store.rows.shared != earlier.shared:  # items, or the engine: anything may differ
        corrected = np.union1d(store.rows.ids, earlier.ids)
    else:
        corrected = store.rows.differing(earlier)
    constants = SnapshotConstants.of(duck)
    moved = np.unique(np.concatenate([by_event, by_calendar, corrected]))
    everybody = _for_all(duck, as_of, catalogue, scores, daily)
    changed = _with_scores(
        _features(of_customers(duck, moved), as_of, catalogue, constants), catalogue, scores
    )
    gone = np.setdiff1d(store.rows.ids, now.ids)
    counts = Refreshed(
        len(by_event), len(by_calendar), len(corrected), tuple(sorted(map(str, everybody.columns)))
    )
    return updated(store, as_of, changed, everybody, gone, now), counts


def updated(
    store: TagPlanes,
    as_of: date,
    changed: "pd.DataFrame",
    everybody: "pd.DataFrame | None" = None,
    gone: Ids | None = None,
    rows: RowDigests | None = None,
) -> TagPlanes:
    """Return a store in which some customers have new features.

    Parameters
    ----------
    store : TagPlanes
    as_of : date
    changed : pandas.DataFrame
        All columns of the catalogue for customers who changed or are new, indexed by customer_id.
    everybody : pandas.DataFrame, optional
        Columns that have new values for all customers, indexed by customer_id.
    gone : numpy.ndarray of bytes, optional
        Customers who are none any more.
    rows : RowDigests, optional
        Of the tables of the day.
    """
    catalogue, layout = store.catalogue, store.layout
    check_columns(catalogue, tag_schema(changed))
    customers = store.customers.extended(encoded(changed.index))
    numbers = customers.find(encoded(changed.index))
    order = np.argsort(numbers, kind="stable")
    numbers, changed = numbers[order], changed.iloc[order]
    left = np.sort(customers.find(np.empty(0, dtype="S1") if gone is None else gone))
    for_all = None if everybody is None or not len(everybody.columns) else everybody
    blocks = []
    for number, start in enumerate(range(0, len(customers), BLOCK)):
        end = min(start + BLOCK, len(customers))
        inside = slice(*np.searchsorted(numbers, [start, end]))
        before = (
            store.blocks[number] if number < len(store.blocks) else np.zeros((layout.planes, 0), np.uint8)
        )
        of_block = None if for_all is None else for_all.reindex(customers.texts(slice(start, end)))
        moved = numbers[inside] - start, changed.iloc[inside]
        departed = left[(left >= start) & (left < end)] - start
        blocks.append(changed_block(catalogue, layout, before, end - start, moved, of_block, departed))
    return replace(store, as_of=as_of, customers=customers, blocks=blocks, rows=rows)


def _features(
    tables: Tables,
    as_of: date,
    catalogue: TagCatalogue,
    constants: SnapshotConstants | None = None,
    columns: Collection[str] | None = None,
) -> "pd.DataFrame":
    """Return the features that rules read, or those columns of them; of groups that have any of them."""
    wanted = groups_with_options(catalogue.features)
    named = set(Layout.of(catalogue).columns if columns is None else columns)
    groups: Mapping[str, Mapping[str, object]] = {name: wanted[name] for name in groups_of(named, wanted)}
    frame = assembly.matrix(tables, Snapshot(as_utc(as_of), _DAY), groups or {"rfm": {}}, constants)
    return frame[[name for name in frame if name in named]]


def _for_all(
    tables: Tables,
    as_of: date,
    catalogue: TagCatalogue,
    scores: "Sequence[pd.DataFrame]",
    daily: Collection[str],
) -> "pd.DataFrame":
    """Return the columns that may have changed for everybody: scores, and features of any day."""
    of_scores = {name for frame in scores for name in frame.columns}
    frame = _features(tables, as_of, catalogue, columns=set(daily) - of_scores)
    return _with_scores(frame, catalogue, scores)


def _with_scores(
    frame: "pd.DataFrame", catalogue: TagCatalogue, scores: "Sequence[pd.DataFrame]"
) -> "pd.DataFrame":
    named = set(Layout.of(catalogue).columns)
    parts = [each[[name for name in each if name in named]] for each in scores]
    names = [str(name) for each in [frame, *parts] for name in each]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"tags: {', '.join(twice)} stand in several of the features and score tables")
    return frame.join([each.reindex(frame.index) for each in parts]) if parts else frame

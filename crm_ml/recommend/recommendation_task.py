"""Purchases before a day, and the relevant items of the window after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.consents import consenting, nobody_allows
from crm_ml.errors import InputError
from crm_ml.features.expressions import past_lines
from crm_ml.recommend.interactions import AT, CUSTOMER, ITEM, QUANTITY, Interactions, as_interactions, lookup
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Task:
    """Events before a snapshot, categories of items, and what was relevant after it.

    Parameters
    ----------
    data : Interactions
    categories : mapping of str to str
        Of items; empty where the tables have none.
    relevant : scipy.sparse.csr_array, shape (customers, items), or None
        1 where the customer bought the item within the horizon; None where it was not computed.
    """

    data: Interactions
    categories: Mapping[str, str]
    relevant: "csr_array | None" = None


def task_of(
    tables: Tables, snapshot: Snapshot, least_events: int = 1, level: str = ITEM, after: bool = True
) -> Task:
    """Return the task of a snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    least_events : int
        Items with fewer events before the snapshot are left out; lines of one customer, item and second are
        one event.
    level : {"item_id", "category", "department"}
    after : bool
        Whether to compute the relevant items of the window after the snapshot.

    Raises
    ------
    InputError
        If no item has that many events before the snapshot, or the tables lack items for the level.
    """
    past = _events(past_lines(tables, snapshot), tables, level)
    data = as_interactions(past, snapshot.clock_s).with_at_least(least_events) if len(past) else None
    if data is None:
        raise InputError(
            f"order_lines: no {level} has {least_events:,} purchases before {snapshot}; ask for fewer"
        )
    categories = _categories(tables) if level == ITEM else {}
    return Task(data, categories, _relevant(tables, snapshot, data, level) if after else None)


def allowing(task: Task, tables: Tables, today: Snapshot, purpose: str | None) -> Task:
    """Return the task of the customers who consent to a purpose; purchases of others are left out.

    Parameters
    ----------
    task : Task
    tables : Tables
    today : Snapshot
        Day whose consents count.
    purpose : str, optional
        All customers without it.

    Raises
    ------
    InputError
        If no customer is left.
    """
    if purpose is None:
        return task
    ids = set(consenting(tables, today, purpose))
    keep = np.array([str(customer) in ids for customer in task.data.customers])
    if not keep.any():
        raise nobody_allows(tables, today, purpose, f"{len(keep):,} customers who bought")
    relevant = None if task.relevant is None else task.relevant[keep]
    return Task(task.data.of_customers(keep), task.categories, relevant)


def _events(lines: "nw.LazyFrame[Any]", tables: Tables, level: str) -> "pd.DataFrame":
    rows = lines.select(CUSTOMER, "item_id", "ordered_at_epoch_s", QUANTITY)
    if level != ITEM:
        if not tables.has("items"):
            raise InputError(f"the tables have no items to take a {level} from")
        rows = rows.join(tables.frame("items").select("item_id", level), on="item_id", how="inner")
        rows = rows.filter(~nw.col(level).is_null()).drop("item_id").rename({level: ITEM})
    frame = to_pandas(rows).rename(columns={"ordered_at_epoch_s": AT})
    frame[QUANTITY] = frame[QUANTITY].clip(lower=1)
    return frame


def _relevant(tables: Tables, snapshot: Snapshot, data: Interactions, level: str) -> "csr_array":
    from scipy.sparse import coo_array

    later = snapshot.future(tables.frame("order_lines"), at="ordered_at")
    if "refund_of" in later.collect_schema().names():
        later = later.filter(nw.col("refund_of").is_null())
    bought = _events(later, tables, level)
    customer, item = lookup(data.customers, bought[CUSTOMER]), lookup(data.items, bought[ITEM])
    known = (customer >= 0) & (item >= 0)
    shape = (len(data.customers), len(data.items))
    relevant = coo_array((np.ones(int(known.sum())), (customer[known], item[known])), shape=shape).tocsr()
    relevant.data[:] = 1.0
    return relevant


def _categories(tables: Tables) -> dict[str, str]:
    if not tables.has("items"):
        return {}
    items = to_pandas(tables.frame("items").select("item_id", "category"))
    return dict(zip(items["item_id"].astype(str), items["category"].fillna("").astype(str), strict=True))

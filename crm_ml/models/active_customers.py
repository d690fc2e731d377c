"""Customers who are active at a snapshot, for whom the next weeks are predicted."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd


def eligible(
    tables: Tables,
    snapshot: Snapshot,
    active_within: timedelta,
    rows: "nw.LazyFrame[Any] | None" = None,
    at: str = "ordered_at",
) -> "pd.Index[str]":
    """Return the customers with an order, or another row, within `active_within` before the snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    active_within : timedelta
        Whole days.
    rows : narwhals.LazyFrame, optional
        Of what makes a customer active; the orders by default.
    at : str
        Time column of the rows.

    Returns
    -------
    pandas.Index
        Ids in ascending order, named customer_id.

    Raises
    ------
    InputError
        If `active_within` is not a positive number of whole days.
    """
    if active_within <= timedelta(0) or active_within % timedelta(days=1):
        raise InputError(f"active_within is {active_within}; it must be a positive number of whole days")
    active = purchases(tables) if rows is None else rows
    return customer_ids(snapshot.window(active, at=at, days=active_within.days))


def purchases(tables: Tables) -> "nw.LazyFrame[Any]":
    """Return the orders without refunds: sending goods back does not make a customer active."""
    return tables.frame("orders").filter(nw.col("purchase") == 1)


def customer_ids(frame: "nw.LazyFrame[Any]") -> "pd.Index[str]":
    """Return the distinct customers of some rows, in ascending order."""
    import pandas as pd

    ids = to_pandas(frame.select("customer_id").unique("customer_id"))["customer_id"]
    ordered: pd.Index[str] = pd.Index(ids, name="customer_id").sort_values()
    return ordered

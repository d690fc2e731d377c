"""Labels: which active customers buy in a category within the horizon."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import narwhals as nw

from crm_ml.models.active_customers import customer_ids, eligible
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd


def category_occasions(snapshot: Snapshot, categories: Sequence[str]) -> list[Occasion]:
    """Return an occasion for each category at a snapshot."""
    return [
        Occasion(f"{snapshot} {name}", name, snapshot, Covers("category", (name,))) for name in categories
    ]


def purchases_in(
    tables: Tables, occasion: Occasion, active_within: timedelta, data_ends_at: "date | None" = None
) -> "pd.Series[int]":
    """Return 1 for each active customer who buys something that is covered within the horizon, else 0.

    Parameters
    ----------
    tables : Tables
        With items.
    occasion : Occasion
        Of `category_occasions`.
    active_within : timedelta
        See `crm_ml.models.active_customers.eligible`.
    data_ends_at : date, optional
        See `crm_ml.snapshots.check_data_reach`.

    Returns
    -------
    pandas.Series of int8
        Indexed by customer_id in ascending order.

    Raises
    ------
    InputError
        If the window ends after the data, or there is no such category.
    """
    import pandas as pd

    check_data_reach(tables, occasion.snapshot, data_ends_at)
    occasion.covers.check(tables)
    ids = eligible(tables, occasion.snapshot, active_within)
    later = occasion.snapshot.future(tables.frame("order_lines"), at="ordered_at")
    if "refund_of" in later.collect_schema().names():
        later = later.filter(nw.col("refund_of").is_null())
    covered = occasion.covers.frame(tables)
    assert covered is not None
    bought = customer_ids(later.join(covered.select("item_id").unique(), on="item_id", how="inner"))
    return pd.Series(ids.isin(bought).astype("int8"), index=ids, name="bought")

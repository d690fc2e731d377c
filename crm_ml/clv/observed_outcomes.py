"""Purchases and spend of customers after a snapshot, counted as in the summary."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.clv.order_days import checked_lines, purchase_days
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Purchases and money of the label window.

    Parameters
    ----------
    known : pandas.DataFrame
        A row for each customer of the summary, indexed like it: ``purchases`` (days with one) and ``value``
        (amount paid, major unit); 0 for customers without a purchase.
    new_customers, new_purchases : int
        Customers who are not in the summary, and their days with a purchase: they can't be predicted and
        count in no metric.
    new_value : float
        Amount that new customers paid.
    """

    known: "pd.DataFrame"
    new_customers: int
    new_purchases: int
    new_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return the totals, ready for JSON."""
        return {
            "customers": len(self.known),
            "purchases": int(self.known["purchases"].sum()),
            "value": float(self.known["value"].sum()),
            "new_customers": self.new_customers,
            "new_purchases": self.new_purchases,
            "new_value": self.new_value,
        }


def outcomes(
    tables: Tables,
    snapshot: Snapshot,
    summary: "pd.DataFrame",
    *,
    data_ends_at: "str | date | datetime | None" = None,
    customers: Collection[str] | None = None,
) -> Outcomes:
    """Return the purchases of the customers of a summary in the label window of a snapshot.

    Orders of one day are one purchase and refunds are netted, as in `crm_ml.clv.summarize`. Refunds of
    orders before the window are ignored.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    summary : pandas.DataFrame
        Indexed by customer_id, of the same snapshot.
    data_ends_at : str, date or datetime, optional
        First moment that the data do not cover; by default the end of the day of the last order.
    customers : collection of str, optional
        Restrict both known and new customers to these; all by default.

    Raises
    ------
    InputError
        If the label window ends after the data, or orders are refused.
    """
    check_data_reach(tables, snapshot, data_ends_at)
    lines = checked_lines(tables)
    window = snapshot.future(lines.frame, at="ordered_at")
    days = purchase_days(window, snapshot)
    totals = to_pandas(days.group_by("customer_id").agg(purchases=nw.len(), cents=nw.col("cents").sum()))
    totals = totals.set_index("customer_id").astype("int64")
    if customers is not None:
        totals = totals[totals.index.isin(customers)]
    inside = totals.index.isin(summary.index)
    known = totals[inside].reindex(summary.index, fill_value=0)
    new = totals[~inside]
    return Outcomes(
        known.assign(value=known["cents"] / lines.minor_per_major).drop(columns="cents"),
        len(new),
        int(new["purchases"].sum()),
        float(new["cents"].sum() / lines.minor_per_major),
    )

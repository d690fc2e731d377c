"""What customers did after a snapshot, by the money rule of the summary."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.clv.order_days import checked_lines, purchase_days
from crm_ml.clv.summary import CENTS
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
        (what was paid, major unit); 0 for those who bought nothing.
    new_customers, new_purchases : int
        Customers who are not in the summary, and their days with a purchase: nobody could predict them, and
        they count in no metric.
    new_value : float
        What they paid.
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
    """Return what the customers of a summary bought in the label window of a snapshot.

    Orders of one day are one purchase and refunds are netted, as in `crm_ml.clv.summarize`. A refund of an
    order before the window takes nothing off it.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    summary : pandas.DataFrame
        Indexed by customer_id, of the same moment.
    data_ends_at : str, date or datetime, optional
        First moment of which the data know nothing; the end of the last order's day without it.
    customers : collection of str, optional
        Only these count, of the new ones too; all without it.

    Raises
    ------
    InputError
        If the label window ends after the data, or orders are refused.
    """
    check_data_reach(tables, snapshot, data_ends_at)
    window = snapshot.future(checked_lines(tables).frame, at="ordered_at")
    days = purchase_days(window, snapshot)
    found = to_pandas(days.group_by("customer_id").agg(purchases=nw.len(), cents=nw.col("cents").sum()))
    found = found.set_index("customer_id").astype("int64")
    if customers is not None:
        found = found[found.index.isin(customers)]
    inside = found.index.isin(summary.index)
    known = found[inside].reindex(summary.index, fill_value=0)
    new = found[~inside]
    return Outcomes(
        known.assign(value=known["cents"] / CENTS).drop(columns="cents"),
        len(new),
        int(new["purchases"].sum()),
        float(new["cents"].sum() / CENTS),
    )

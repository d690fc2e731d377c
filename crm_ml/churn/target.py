"""Who can churn at a snapshot, and who did."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.models.labelled_rows import MINIMUM, check_classes
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables, to_pandas

if TYPE_CHECKING:
    import pandas as pd

MEND = "change the horizon, active_within or the number of snapshots"


def eligible(tables: Tables, snapshot: Snapshot, active_within: timedelta) -> "pd.Index[str]":
    """Return the customers with an order in the time before the snapshot.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    active_within : timedelta
        Whole days.

    Returns
    -------
    pandas.Index
        Ids in ascending order, named customer_id.

    Raises
    ------
    InputError
        If `active_within` is not a positive number of whole days.
    """
    import pandas as pd

    if active_within <= timedelta(0) or active_within % timedelta(days=1):
        raise InputError(f"active_within is {active_within}; it must be a positive number of whole days")
    recent = snapshot.window(_purchases(tables), at="ordered_at", days=active_within.days)
    ids = to_pandas(recent.select("customer_id").unique("customer_id"))["customer_id"]
    ordered: pd.Index[str] = pd.Index(ids, name="customer_id").sort_values()
    return ordered


def labels(
    tables: Tables,
    snapshot: Snapshot,
    active_within: timedelta,
    *,
    data_ends_at: "str | date | datetime | None" = None,
    minimum: int = MINIMUM,
) -> "pd.Series[int]":
    """Return 1 for each eligible customer without an order in the label window, 0 for the others.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    active_within : timedelta
        See `eligible`.
    data_ends_at : str, date or datetime, optional
        First moment of which the data know nothing. Without it, the end of the day of the last order.
    minimum : int
        Fewest customers of either class; 0 leaves the check to the caller.

    Returns
    -------
    pandas.Series of int8
        Indexed by customer_id in ascending order.

    Raises
    ------
    InputError
        If the label window ends after the data (an order not yet recorded is no churn), or fewer than
        `minimum` customers are of either class.
    """
    import pandas as pd

    check_data_reach(tables, snapshot, data_ends_at)
    ids = eligible(tables, snapshot, active_within)
    later = snapshot.future(_purchases(tables), at="ordered_at")
    ordered = to_pandas(later.select("customer_id").unique("customer_id"))["customer_id"]
    result = pd.Series((~ids.isin(ordered)).astype("int8"), index=ids, name="churned")
    check_classes(result, minimum, f"churn at {snapshot.as_of:%Y-%m-%d}", MEND)
    return result


def _purchases(tables: Tables) -> "nw.LazyFrame[Any]":
    """Return the orders without refunds: giving goods back is no sign of staying."""
    return tables.frame("orders").filter(nw.col("purchase") == 1)

"""Churn labels of the active customers at a snapshot."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from crm_ml.models.labelled_rows import MINIMUM, check_classes
from crm_ml.models.relationship_ends import NoOrder
from crm_ml.models.relationship_protocol import End
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

MEND = "change the horizon, active_within or the number of snapshots"


def labels(
    tables: Tables,
    snapshot: Snapshot,
    active_within: timedelta,
    *,
    end: End | None = None,
    data_ends_at: "str | date | datetime | None" = None,
    minimum: int = MINIMUM,
) -> "pd.Series[int]":
    """Return 1 for each eligible customer who leaves in the label window, 0 for the others.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    active_within : timedelta
        See `crm_ml.models.active_customers.eligible`.
    end : End, optional
        What it is to leave, see `crm_ml.models.relationship_ends`; by default to place no order.
    data_ends_at : str, date or datetime, optional
        First moment of which the data know nothing. Without it, the end of the day of the last order,
        or of the last event where the end is one of events.
    minimum : int
        Fewest customers of either class; 0 leaves the check to the caller.

    Returns
    -------
    pandas.Series of int8
        Indexed by customer_id in ascending order.

    Raises
    ------
    InputError
        If the label window ends after the data (an order not yet recorded is no churn), fewer than
        `minimum` customers are of either class, or the tables lack the events of the end.
    """
    import pandas as pd

    end = end or NoOrder()
    check_data_reach(tables, snapshot, data_ends_at, end.table)
    ids = end.eligible(tables, snapshot, active_within)
    result = pd.Series((~ids.isin(end.stayed(tables, snapshot))).astype("int8"), index=ids, name="churned")
    check_classes(result, minimum, f"churn at {snapshot.as_of:%Y-%m-%d}", MEND)
    return result

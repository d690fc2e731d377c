"""Labels: which active customers make an event of a kind within the horizon."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from crm_ml.features.event_rows import AT, events_of
from crm_ml.models.active_customers import customer_ids, eligible
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd


def event_occasions(snapshot: Snapshot, kinds: Sequence[str]) -> list[Occasion]:
    """Return an occasion for each kind of event at a snapshot."""
    return [Occasion(f"{snapshot} {kind}", kind, snapshot, Covers("event", (kind,))) for kind in kinds]


def events_in(
    tables: Tables, occasion: Occasion, active_within: timedelta, data_ends_at: "date | None" = None
) -> "pd.Series[int]":
    """Return 1 for each active customer who makes an event of the kinds within the horizon, else 0.

    Parameters
    ----------
    tables : Tables
        With events.
    occasion : Occasion
        Of `event_occasions`.
    active_within : timedelta
        Active is who made an event of any kind in this time before the snapshot.
    data_ends_at : date, optional
        See `crm_ml.snapshots.check_data_reach`; without it, the day after the newest event.

    Returns
    -------
    pandas.Series of int8
        Indexed by customer_id in ascending order.

    Raises
    ------
    InputError
        If the window ends after the data, or there are no events of a kind.
    """
    import pandas as pd

    check_data_reach(tables, occasion.snapshot, data_ends_at, "events")
    occasion.covers.check(tables)
    ids = eligible(tables, occasion.snapshot, active_within, events_of(tables), AT)
    later = occasion.snapshot.future(events_of(tables, occasion.covers.names), at=AT)
    return pd.Series(ids.isin(customer_ids(later)).astype("int8"), index=ids, name="happened")

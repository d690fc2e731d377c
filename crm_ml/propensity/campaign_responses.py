"""Campaigns that were sent, and the responses to them."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.features.expressions import day
from crm_ml.models.active_customers import customer_ids
from crm_ml.propensity.covered_items import Covers
from crm_ml.propensity.occasion import Occasion
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables, need_tables, to_pandas
from crm_ml.tables.zones import on_clock

if TYPE_CHECKING:
    import pandas as pd


def sent_campaigns(tables: Tables, kinds: Collection[str] | None = None) -> list[Occasion]:
    """Return an occasion for each campaign and day on which it was sent, in the order of time.

    The features of a touch know what lies before the day it was sent; its window ends with the last day of
    the campaign.

    Parameters
    ----------
    tables : Tables
        With campaigns and touches.
    kinds : collection of str, optional
        Only campaigns of these kinds.

    Raises
    ------
    InputError
        If there is no touch of such a campaign, or campaigns were sent after their end.
    """
    need_tables(tables, "propensity.sent_campaigns")
    touches = on_clock(tables.frame("touches"), "sent_at")
    known = on_clock(tables.frame("campaigns"), "ends_at")
    sent = touches.select("campaign_id", sent_day=day(nw.col("sent_at_epoch_s"))).unique()
    ends = known.select("campaign_id", "kind", end_day=day(nw.col("ends_at_epoch_s")))
    campaigns = to_pandas(sent.join(ends, on="campaign_id", how="inner"))
    campaigns["kind"] = campaigns["kind"].fillna("")
    if kinds is not None:
        campaigns = campaigns[campaigns["kind"].isin(list(kinds))]
    if not len(campaigns):
        raise InputError(f"touches: none of a campaign of kind {', '.join(kinds or ())}; take other kinds")
    late = campaigns[campaigns["end_day"] < campaigns["sent_day"]]
    if len(late):
        raise InputError(
            f"touches: {late['campaign_id'].nunique():,} of {campaigns['campaign_id'].nunique():,} "
            "campaigns were sent after their end; mend campaigns.ends_at"
        )
    ordered = campaigns.sort_values(["sent_day", "campaign_id"])
    return [
        _occasion(*row)
        for row in ordered[["campaign_id", "kind", "sent_day", "end_day"]].itertuples(index=False)
    ]


def answers(tables: Tables, occasion: Occasion, responses: Collection[str] | None = None) -> "pd.Series[int]":
    """Return 1 for each customer who was sent the campaign on this day and responded in its window.

    Parameters
    ----------
    tables : Tables
        With touches and responses.
    occasion : Occasion
        Of `sent_campaigns`.
    responses : collection of str, optional
        Kinds of response that count; all without it.

    Returns
    -------
    pandas.Series of int8
        Indexed by customer_id in ascending order; 0 for those who did not respond.
    """
    import pandas as pd

    ours = nw.col("campaign_id") == occasion.campaign_id
    on_the_day = Snapshot(occasion.as_of, timedelta(days=1))
    ids = customer_ids(on_the_day.future(tables.frame("touches").filter(ours), at="sent_at"))
    responded = occasion.snapshot.future(tables.frame("responses").filter(ours), at="responded_at")
    if responses is not None:
        responded = responded.filter(nw.col("kind").is_in(list(responses)))
    return pd.Series(ids.isin(customer_ids(responded)).astype("int8"), index=ids, name="answered")


def _occasion(campaign_id: str, kind: str, sent_day: Any, end_day: Any) -> Occasion:
    moment = datetime.fromtimestamp(int(sent_day) * DAY_S, tz=UTC)
    snapshot = Snapshot(moment, timedelta(days=int(end_day) - int(sent_day) + 1))
    name = f"{snapshot} campaign {campaign_id}"
    return Occasion(name, kind, snapshot, Covers("campaign", (campaign_id,)), campaign_id)

"""Campaign: what a customer was sent, what was answered, and how long ago."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, ratio, total
from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables

COLUMNS: dict[str, int | None] = {
    "campaign_sent": 0,
    "campaign_sent_84d": 0,
    "campaign_days_since_sent": None,
    "campaign_answered": 0,
    "campaign_answer_rate": None,
    "campaign_days_since_answer": None,
}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any] | None":
    """Compute touches received, campaigns answered, the share answered and the days since either.

    Returns
    -------
    narwhals.LazyFrame or None
        None where the tables have no touches.
    """
    if not tables.has("touches"):
        return None
    touches = snapshot.past(tables.frame("touches"), at="sent_at").with_columns(
        ago=snapshot.days_since(nw.col("sent_at_epoch_s")).cast(nw.Int64)
    )
    sent = (
        touches.with_columns(campaign_sent_84d=count_if(nw.col("ago") < 84))
        .group_by("customer_id")
        .agg(
            nw.len().alias("campaign_sent"),
            nw.col("ago").min().alias("campaign_days_since_sent"),
            *total("campaign_sent_84d"),
        )
    )
    answered = _answered(tables, snapshot)
    return integers(sent.join(answered, on="customer_id", how="left")).with_columns(
        campaign_answer_rate=ratio(nw.col("campaign_answered").fill_null(0), nw.col("campaign_sent"))
    )


def _answered(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    responses: nw.LazyFrame[Any] = snapshot.past(tables.frame("responses"), at="responded_at")
    return (
        responses.with_columns(ago=snapshot.days_since(nw.col("responded_at_epoch_s")).cast(nw.Int64))
        .group_by("customer_id", "campaign_id")
        .agg(nw.col("ago").min())
        .group_by("customer_id")
        .agg(
            nw.len().alias("campaign_answered"),
            nw.col("ago").min().alias("campaign_days_since_answer"),
        )
    )

"""Campaign: touches received and campaigns answered by a customer, and the days since."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, ratio, total
from crm_ml.features.past import ROW, Past, days_ago

COLUMNS: dict[str, int | None] = {
    "campaign_sent": 0,
    "campaign_sent_84d": 0,
    "campaign_days_since_sent": None,
    "campaign_answered": 0,
    "campaign_answer_rate": None,
    "campaign_days_since_answer": None,
}


def compute_each(past: Past) -> "nw.LazyFrame[Any] | None":
    """Compute touches received, campaigns answered (sent or not), and the whole days since either.

    ``campaign_answer_rate`` is the campaigns answered over the touches received.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the tables have no touches.
    """
    if not past.tables.has("touches"):
        return None
    frames = [_messages(past, "touches", "sent_at", "sent")]
    if past.tables.has("responses"):
        frames.append(_messages(past, "responses", "responded_at", "answered"))
    sent = ("campaign_sent", "campaign_sent_84d")
    campaigns = (
        nw.concat(frames)
        .group_by(ROW, "campaign_id")
        .agg(*total(*sent), nw.col("sent_ago").min(), nw.col("answered_ago").min())
    )
    sums = campaigns.group_by(ROW).agg(
        *total(*sent),
        nw.col("answered_ago").count().alias("campaign_answered"),
        nw.col("sent_ago").min().alias("campaign_days_since_sent"),
        nw.col("answered_ago").min().alias("campaign_days_since_answer"),
    )
    return integers(sums).with_columns(
        campaign_answer_rate=ratio(nw.col("campaign_answered"), nw.col("campaign_sent"))
    )


def _messages(past: Past, name: str, at: str, kind: str) -> "nw.LazyFrame[Any]":
    """Return one row per message: whether it was sent (0 or 1) and the days since it was sent or answered."""
    ago, is_sent = days_ago(at), nw.lit(kind == "sent")
    return past.each(past.known(past.tables.frame(name), at)).select(
        ROW,
        "campaign_id",
        campaign_sent=count_if(is_sent),
        campaign_sent_84d=count_if(is_sent & (ago < 84)),
        sent_ago=nw.when(is_sent).then(ago),
        answered_ago=nw.when(~is_sent).then(ago),
    )

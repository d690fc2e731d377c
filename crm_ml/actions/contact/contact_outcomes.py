"""What followed touches: orders, responses and complaints."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from crm_ml.actions.contact.contact_frames import from_arrow
from crm_ml.actions.contact.contact_history import with_action
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables

COLUMNS = ("customer_id", "outcome", "at_epoch_s", "answers")


def orders(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any]":
    """Return the purchases before a snapshot, a row an order and time; refunds are left out."""
    made = snapshot.past(tables.frame("orders"), at="ordered_at").filter(nw.col("purchase") == 1)
    purchases: nw.LazyFrame[Any] = made.select(
        "customer_id",
        outcome=nw.col("order_id"),
        at_epoch_s=nw.col("ordered_at_epoch_s").cast(nw.Int64),
        answers=nw.lit(""),
    )
    return purchases


def responses(tables: Tables, snapshot: Snapshot, actions: Mapping[str, str]) -> "nw.LazyFrame[Any]":
    """Return the responses before a snapshot; what was redeemed in the same second counts once.

    ``answers`` is the action of the response's campaign, empty for a campaign of no action.
    """
    responded = snapshot.past(tables.frame("responses"), at="responded_at").select(
        "campaign_id", "customer_id", at_epoch_s=nw.col("responded_at_epoch_s").cast(nw.Int64)
    )
    once = with_action(responded.unique(["campaign_id", "customer_id", "at_epoch_s"]), actions)
    named = nw.concat_str(nw.col("campaign_id"), nw.col("at_epoch_s").cast(nw.String), separator="@")
    return once.select(
        "customer_id",
        outcome=named,
        at_epoch_s="at_epoch_s",
        answers=nw.col("action_id").fill_null(nw.lit("")),
    )


def complaints(tables: Tables, snapshot: Snapshot, kind: str) -> "nw.LazyFrame[Any]":
    """Return the events of a kind before a snapshot; those of the same second count once."""
    events = snapshot.past(tables.frame("events"), at="occurred_at").filter(nw.col("kind") == kind)
    at = nw.col("occurred_at_epoch_s").cast(nw.Int64)
    occurred: nw.LazyFrame[Any] = (
        events.select("customer_id", at_epoch_s=at)
        .unique(["customer_id", "at_epoch_s"])
        .with_columns(outcome=nw.col("at_epoch_s").cast(nw.String), answers=nw.lit(""))
        .select(*COLUMNS)
    )
    return occurred


def paired(
    touches: "nw.LazyFrame[Any]", outcomes: "nw.LazyFrame[Any]", within_days: int
) -> "nw.LazyFrame[Any]":
    """Put beside each touch what may have followed it.

    Time is cut into blocks of `within_days` days, so that what follows lies in the touch's block or in the
    next, and touches and outcomes are joined on equal keys.

    Parameters
    ----------
    touches : narwhals.LazyFrame
        customer_id, action_id, sent_at_epoch_s and any columns that the pairs shall have.
    outcomes : narwhals.LazyFrame
        The columns `COLUMNS`.
    within_days : int

    Returns
    -------
    narwhals.LazyFrame
        Each touch at least twice, with the columns of outcomes (null without an outcome) and ``follows``: 1
        where the outcome came at or after the touch, less than `within_days` days later, and answers no other
        action.
    """
    import pyarrow as pa

    length = within_days * DAY_S
    sent, at = nw.col("sent_at_epoch_s"), nw.col("at_epoch_s")
    steps = from_arrow(pa.table({"step": pa.array([0, 1], pa.int64())}), touches)
    blocks = touches.join(steps, how="cross").with_columns(block=sent // length + nw.col("step"))
    pairs = blocks.join(
        outcomes.with_columns(block=at // length), on=["customer_id", "block"], how="left"
    ).drop("block", "step")
    fits = (nw.col("answers") == "") | (nw.col("answers") == nw.col("action_id")).fill_null(True)
    follows = ((at >= sent) & (at - sent < length) & fits).fill_null(False)
    return pairs.with_columns(follows=nw.when(follows).then(1).otherwise(0))


def followed(
    touches: "nw.LazyFrame[Any]", outcomes: "nw.LazyFrame[Any]", within_days: int
) -> "nw.LazyFrame[Any]":
    """Return the pairs of a touch and an outcome that followed it; see `paired`."""
    return paired(touches, outcomes, within_days).filter(nw.col("follows") == 1)

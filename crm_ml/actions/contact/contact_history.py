"""Who was contacted when: touches on record, and rows of earlier lists that no touch has replaced yet."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.contact_frames import from_arrow, from_sql
from crm_ml.errors import ConfigError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.sql import parquet_rows

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("customer_id", "action_id", "channel", "sent_at_epoch_s")
_ROW = ("customer_id", "action_id", "sent_at_epoch_s")


def contacts(
    tables: Tables, snapshot: Snapshot, actions: Iterable[ActionIdentity], past_lists: Sequence[Path] = ()
) -> "nw.LazyFrame[Any]":
    """Find all contacts that are known at a snapshot.

    A touch before ``as_of`` belongs to the action whose id, or one of whose campaigns, its campaign is; its
    channel is its own where it has one, else that of its campaign. A row of an earlier list counts as a
    contact at its ``send_at`` (at the list's ``as_of`` without one), even if that lies ahead, until a touch
    says what became of it: a touch of the action to the customer from the list's ``as_of`` until before the
    row's ``expires_at``. Each touch replaces one row, that whose planned time is nearest (of two as near, the
    earlier); so rows whose touches are not reported still count beside those of later lists. Rows of several
    lists that plan an action for the same second are a single contact.

    Parameters
    ----------
    tables : Tables
        Touches and campaigns may be absent.
    snapshot : Snapshot
    actions : iterable of ActionIdentity
        The whole catalogue, also what is not offered now.
    past_lists : sequence of Path
        ``list.parquet`` of earlier lists; those of ``as_of`` or later are left out.

    Returns
    -------
    narwhals.LazyFrame
        customer_id, action_id (null for touches of no action), channel (null where unknown) and
        sent_at_epoch_s; one row a contact.

    Raises
    ------
    ConfigError
        If a campaign belongs to more than one action.
    """
    touches = _touches(tables, snapshot, campaigns_of(actions))
    if not past_lists:
        return touches
    planned = _planned(tables, snapshot, past_lists)
    pairs = touches.filter(~nw.col("action_id").is_null()).join(
        planned.rename({"sent_at_epoch_s": "planned"}).drop("channel"), on=["customer_id", "action_id"]
    )
    sent, planned_at = nw.col("sent_at_epoch_s"), nw.col("planned")
    pairs = pairs.filter((sent >= nw.col("listed")) & (sent < nw.col("expires")))
    # twice the distance, plus 1 for a row planned after the touch: no two rows of an action are as near
    distance = nw.when(planned_at > sent).then(2 * (planned_at - sent) + 1).otherwise(2 * (sent - planned_at))
    pairs = pairs.with_columns(distance=distance)
    nearest = pairs.filter(nw.col("distance") == nw.col("distance").min().over(*_ROW))
    reported = nearest.select("customer_id", "action_id", sent_at_epoch_s="planned").unique(list(_ROW))
    open_rows = planned.join(reported, on=list(_ROW), how="anti")
    return nw.concat([touches, open_rows.select(*COLUMNS)])


def campaigns_of(actions: Iterable[ActionIdentity]) -> dict[str, str]:
    """Return the action of each campaign: that of its own name, or the one that lists it.

    Raises
    ------
    ConfigError
        With every campaign that belongs to more than one action.
    """
    owners: dict[str, set[str]] = {}
    for action in actions:
        for campaign in (action.action_id, *action.campaigns):
            owners.setdefault(campaign, set()).add(action.action_id)
    shared = [f"{name} ({', '.join(sorted(own))})" for name, own in sorted(owners.items()) if len(own) > 1]
    if shared:
        raise ConfigError(
            f"campaigns that belong to more than one action: {'; '.join(shared)}; give each to one"
        )
    return {campaign: own.pop() for campaign, own in sorted(owners.items())}


def with_action(frame: "nw.LazyFrame[Any]", actions: Mapping[str, str]) -> "nw.LazyFrame[Any]":
    """Add the action that each row's campaign belongs to as action_id; null for a campaign of no action."""
    import pyarrow as pa

    owned = pa.table(
        {
            "campaign_id": pa.array(list(actions), pa.string()),
            "action_id": pa.array(list(actions.values()), pa.string()),
        }
    )
    return frame.join(from_arrow(owned, frame), on="campaign_id", how="left")


def _touches(tables: Tables, snapshot: Snapshot, actions: Mapping[str, str]) -> "nw.LazyFrame[Any]":
    if not tables.has("touches"):
        return from_arrow(_nobody(), tables.frame("customers"))
    touches = _with_channel(snapshot.past(tables.frame("touches"), at="sent_at"), "channel")
    if tables.has("campaigns"):
        campaigns = _with_channel(tables.frame("campaigns"), "of_campaign")
        touches = touches.join(campaigns.select("campaign_id", "of_campaign"), on="campaign_id", how="left")
        touches = touches.with_columns(channel=nw.coalesce("channel", "of_campaign"))
    time = nw.col("sent_at_epoch_s").cast(nw.Int64)
    return with_action(touches, actions).with_columns(sent_at_epoch_s=time).select(*COLUMNS)


def _with_channel(frame: "nw.LazyFrame[Any]", name: str) -> "nw.LazyFrame[Any]":
    """Add the channel as text under a name; null where the source has none."""
    known = "channel" in frame.collect_schema().names()
    channel = nw.col("channel").cast(nw.String) if known else nw.when(nw.lit(False)).then(nw.lit(""))
    return frame.with_columns(channel.alias(name))


def _planned(tables: Tables, snapshot: Snapshot, paths: Sequence[Path]) -> "nw.LazyFrame[Any]":
    """Read the rows of earlier lists: when each was planned, listed and void."""
    import pyarrow.parquet as pq

    planned = any("send_at" in pq.read_schema(path).names for path in paths)
    sent = "epoch_us(coalesce(send_at, as_of))" if planned else "epoch_us(as_of)"
    query = (
        "SELECT CAST(customer_id AS VARCHAR) AS customer_id, CAST(action_id AS VARCHAR) AS action_id, "
        "CAST(channel AS VARCHAR) AS channel, "
        f"{sent} // 1000000 AS sent_at_epoch_s, epoch_us(as_of) // 1000000 AS as_of_epoch_s, "
        "epoch_us(expires_at) // 1000000 AS expires "
        f"FROM {parquet_rows(*paths, options='union_by_name = true')}"
    )
    rows = snapshot.past(from_sql(query, tables.frame("customers")), at="as_of")
    listed, expires = nw.col("as_of_epoch_s").min().alias("listed"), nw.col("expires").max()
    merged: nw.LazyFrame[Any] = rows.group_by(*_ROW).agg(listed, expires, nw.col("channel").min())
    return merged


def _nobody() -> "pa.Table":
    import pyarrow as pa

    kinds = [pa.string(), pa.string(), pa.string(), pa.int64()]
    return pa.schema(list(zip(COLUMNS, kinds, strict=True))).empty_table()

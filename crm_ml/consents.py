"""Who allowed what: the latest word of a customer on a purpose and a channel."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas

_NEVER = -(2**62)  # before every change
Pair = tuple[str, str | None]


def granted(tables: Tables, snapshot: Snapshot, pairs: Sequence[Pair]) -> "nw.LazyFrame[Any]":
    """Find out who consents to each purpose and channel.

    The latest change at or before ``snapshot.as_of`` decides, among those of the purpose for the channel or
    for all channels (null). Of two changes in the same second the refusal wins. A refusal that stands in the
    table at a later time counts as well, so that a past day obeys an opt-out as soon as it is known; a yes
    after ``as_of`` grants nothing, not even after such a refusal.

    Parameters
    ----------
    tables : Tables
        With consents.
    snapshot : Snapshot
    pairs : sequence of (purpose, channel)
        A channel of None asks for changes that name no channel.

    Returns
    -------
    narwhals.LazyFrame
        One row a customer who ever said anything: customer_id and the boolean columns ``consent_0``,
        ``consent_1``, ... in the order of `pairs`.
    """
    # each change is 2 * second + refusal: the greatest one decides, and even is a yes
    through_as_of = replace(snapshot, as_of=snapshot.as_of + timedelta(seconds=1))
    refusal = nw.when(nw.col("granted")).then(nw.lit(0)).otherwise(nw.lit(1))
    said = tables.frame("consents").with_columns(refusal=refusal)
    yes_until_then = through_as_of.past(said.filter(nw.col("refusal") == 0), at="changed_at")
    changes = nw.concat([yes_until_then, said.filter(nw.col("refusal") == 1)])  # refusals of any time
    order = nw.col("changed_at_epoch_s").cast(nw.Int64) * 2 + nw.col("refusal")
    by_channel = "channel" in changes.collect_schema().names()
    columns = {}
    for number, (purpose, channel) in enumerate(pairs):
        about = nw.col("purpose") == purpose
        if by_channel:
            about = about & _of_channel(channel)
        columns[f"consent_{number}"] = nw.when(about).then(order).otherwise(nw.lit(_NEVER))
    latest = (
        changes.with_columns(**columns).group_by("customer_id").agg(*(nw.col(name).max() for name in columns))
    )
    even = {name: (nw.col(name) != _NEVER) & (nw.col(name) // 2 * 2 == nw.col(name)) for name in columns}
    found: nw.LazyFrame[Any] = latest.select("customer_id", **even)
    return found


def check_purpose(tables: Tables, purpose: str | None) -> None:
    """Refuse to train on customers without saying for which purpose, where the tables know consents.

    Raises
    ------
    ConfigError
        If the tables have consents and no purpose is given, or the other way round.
    """
    if tables.has("consents") and purpose is None:
        raise ConfigError(
            "target.purpose: the tables have consents; name the purpose that customers must have allowed for "
            "their rows to train a model"
        )
    if purpose is not None and not tables.has("consents"):
        raise ConfigError(
            f"target.purpose: {purpose!r} is asked of tables that have no consents; leave it out"
        )


def consenting(tables: Tables, snapshot: Snapshot, purpose: str) -> set[str]:
    """Return the customers who allow a purpose, by changes that name no channel; see `granted`."""
    said = to_pandas(granted(tables, snapshot, [(purpose, None)]))
    return set(said.loc[said["consent_0"], "customer_id"])


def _of_channel(channel: str | None) -> nw.Expr:
    if channel is None:
        return nw.col("channel").is_null()
    return nw.col("channel").fill_null(channel) == channel

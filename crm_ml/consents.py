"""Consents of customers at a snapshot: the latest grant or refusal for a purpose and a channel."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError, InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.cell_shape import label

_NEVER = -(2**62)  # before every change
_MOST_NAMED = 10
Pair = tuple[str, str | None]


def granted(tables: Tables, snapshot: Snapshot, pairs: Sequence[Pair]) -> "nw.LazyFrame[Any]":
    """Return which customers consent to each purpose and channel.

    The latest change at or before ``snapshot.as_of`` decides, among changes of the purpose for the channel or
    for all channels (null). Of two changes in the same second the refusal wins. A refusal after ``as_of`` in
    the table counts as well, so that scoring a past day respects known opt-outs; a grant after ``as_of``
    never counts, not even after such a refusal.

    Parameters
    ----------
    tables : Tables
        With consents.
    snapshot : Snapshot
    pairs : sequence of (purpose, channel)
        A channel of None selects changes without a channel.

    Returns
    -------
    narwhals.LazyFrame
        One row per customer with any change: customer_id and the boolean columns ``consent_0``,
        ``consent_1``,
        ... in the order of `pairs`.
    """
    # each change is 2 * second + refusal: the greatest one decides, and even is a yes
    through_as_of = replace(snapshot, as_of=snapshot.as_of + timedelta(seconds=1))
    refusal = nw.when(nw.col("granted")).then(nw.lit(0)).otherwise(nw.lit(1))
    consents = tables.frame("consents").with_columns(refusal=refusal)
    yes_until_then = through_as_of.past(consents.filter(nw.col("refusal") == 0), at="changed_at")
    changes = nw.concat([yes_until_then, consents.filter(nw.col("refusal") == 1)])  # refusals of any time
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
    consenting: nw.LazyFrame[Any] = latest.select("customer_id", **even)
    return consenting


def check_purpose(tables: Tables, purpose: str | None) -> None:
    """Refuse to train without a purpose if the tables have consents, or with one if they have none.

    Raises
    ------
    ConfigError
        If the tables have consents and no purpose is given, or vice versa.
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
    """Return the customers who consent to a purpose, by changes without a channel; see `granted`."""
    consents = to_pandas(granted(tables, snapshot, [(purpose, None)]))
    return set(consents.loc[consents["consent_0"], "customer_id"])


def nobody_allows(tables: Tables, snapshot: Snapshot, purpose: str, what: str) -> InputError:
    """Return the error of a purpose that leaves nothing to train on; it counts who allows which one.

    Parameters
    ----------
    tables : Tables
        With consents.
    snapshot : Snapshot
        Day whose consents count.
    purpose : str
    what : str
        Of whom nobody does, with their number.
    """
    known = sorted(to_pandas(tables.frame("consents").select("purpose").unique())["purpose"].dropna())
    counts = [f"{label(name)} by {len(consenting(tables, snapshot, name)):,}" for name in known[:_MOST_NAMED]]
    return InputError(
        f"target.purpose: of {what} nobody allows {purpose!r} on {snapshot}; name a purpose that customers "
        f"allow: {', '.join(counts)}"
    )


def _of_channel(channel: str | None) -> nw.Expr:
    if channel is None:
        return nw.col("channel").is_null()
    return nw.col("channel").fill_null(channel) == channel

"""Consent: whom an action may reach, by purpose and channel, as the `consents` table tells."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal

import narwhals as nw

from crm_ml.errors import ConfigError, InputError
from crm_ml.score.catalog import Action
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

TABLE: Final = "consents table"
ASSUMED: Final = "assumed"
_NEVER = -(2**62)  # before every change


@dataclass(frozen=True)
class Consent:
    """Who consented to what.

    Parameters
    ----------
    basis : {"consents table", "assumed"}
        What each row of the list says about its consent.
    pairs : tuple of (purpose, channel)
        In the order of the columns ``consent_0``, ``consent_1``, ... of `granted`.
    granted : narwhals.LazyFrame, optional
        One row a customer who ever said anything: customer_id and one boolean column a pair. None where
        consent is assumed.
    """

    basis: Literal["consents table", "assumed"]
    pairs: tuple[tuple[str, str], ...]
    granted: "nw.LazyFrame[Any] | None"

    def column(self, action: Action) -> str:
        """Return the column of `granted` that decides about an action."""
        return f"consent_{self.pairs.index((action.purpose, action.channel))}"


def consent_for(
    tables: Tables, snapshot: Snapshot, actions: Iterable[Action], setting: Literal["table", "assumed"]
) -> Consent:
    """Find out who may be contacted for each purpose and channel of the actions.

    The latest change at or before ``snapshot.as_of`` decides, among those of the purpose for the channel or
    for all channels (null). Of two changes in the same second the refusal wins. Who never said anything, or
    is gone from the table, is not contacted.

    A refusal that stands in the table at a later time counts as well, so that a list for a past day obeys an
    opt-out as soon as it is known; a yes after ``as_of`` grants nothing, not even after such a refusal.

    Raises
    ------
    ConfigError
        If the setting and the tables do not fit: consents that are assumed though the tables know them, or
        asked of tables that have none.
    """
    pairs = tuple(sorted({(action.purpose, action.channel) for action in actions}))
    if setting == "assumed":
        if tables.has("consents"):
            raise ConfigError("consent: assumed, but the tables have consents; write consent: table")
        return Consent(ASSUMED, pairs, None)
    if not tables.has("consents"):
        raise ConfigError(
            "consent: the tables have no consents; add them, or write consent: assumed where it is certain"
        )
    return Consent(TABLE, pairs, _granted(tables, snapshot, pairs))


def check_consent(rows: "nw.LazyFrame[Any]", actions: Iterable[Action], consent: Consent) -> None:
    """Refuse list rows whose customer did not consent to their action.

    Parameters
    ----------
    rows : narwhals.LazyFrame
        Columns customer_id and action_id, on the engine of ``consent.granted``.
    actions : iterable of Action
    consent : Consent

    Raises
    ------
    InputError
        With the number of such rows for each action.
    """
    if consent.granted is None:
        return
    breaches = []
    for action in actions:
        allowed = consent.granted.filter(nw.col(consent.column(action))).select("customer_id")
        mine = rows.filter(nw.col("action_id") == action.action_id)
        count = _count(mine.join(allowed, on="customer_id", how="anti"))
        if count:
            breaches.append(f"{action.action_id} ({action.purpose} by {action.channel}): {count:,}")
    if breaches:
        raise InputError(f"list rows without consent, nothing is published: {'; '.join(breaches)}")


def _granted(tables: Tables, snapshot: Snapshot, pairs: tuple[tuple[str, str], ...]) -> "nw.LazyFrame[Any]":
    """Encode each change as ``2 * second + refusal``: the greatest one decides, and even is a yes."""
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
            about = about & (nw.col("channel").fill_null(channel) == channel)
        columns[f"consent_{number}"] = nw.when(about).then(order).otherwise(nw.lit(_NEVER))
    latest = (
        changes.with_columns(**columns).group_by("customer_id").agg(*(nw.col(name).max() for name in columns))
    )
    even = {name: (nw.col(name) != _NEVER) & (nw.col(name) // 2 * 2 == nw.col(name)) for name in columns}
    granted: nw.LazyFrame[Any] = latest.select("customer_id", **even)
    return granted


def _count(frame: "nw.LazyFrame[Any]") -> int:
    return int(frame.select(nw.len()).collect(backend="pyarrow").item())

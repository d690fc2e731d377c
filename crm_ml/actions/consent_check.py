"""Consent: which customers an action may reach, by purpose and channel, from the `consents` table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.consents import granted
from crm_ml.errors import ConfigError, InputError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

TABLE: Final = "consents table"
ASSUMED: Final = "assumed"


@dataclass(frozen=True)
class Consent:
    """Who consented to which purpose and channel.

    Parameters
    ----------
    basis : {"consents table", "assumed"}
        What the consent of each row of the list rests on.
    pairs : tuple of (purpose, channel)
        In the order of the columns ``consent_0``, ``consent_1``, ... of `granted`.
    granted : narwhals.LazyFrame, optional
        A row for each customer with a consent or a refusal: customer_id and a boolean column a pair. None
        where consent is assumed.
    """

    basis: Literal["consents table", "assumed"]
    pairs: tuple[tuple[str, str], ...]
    granted: "nw.LazyFrame[Any] | None"

    def column(self, action: ActionIdentity) -> str:
        """Return the column of `granted` that decides about an action."""
        return f"consent_{self.pairs.index((action.purpose, action.channel))}"


def consent_for(
    tables: Tables,
    snapshot: Snapshot,
    actions: Iterable[ActionIdentity],
    setting: Literal["table", "assumed"],
) -> Consent:
    """Find out who may be contacted for each purpose and channel of the actions.

    See `crm_ml.consents.granted`. A customer without a row in the table is not contacted.

    Raises
    ------
    ConfigError
        If the setting and the tables do not fit: consents are assumed though the tables have them, or
        are asked of tables that have none.
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
    return Consent(TABLE, pairs, granted(tables, snapshot, pairs))


def check_consent(rows: "nw.LazyFrame[Any]", actions: Iterable[ActionIdentity], consent: Consent) -> None:
    """Refuse list rows whose customer did not consent to their action.

    Parameters
    ----------
    rows : narwhals.LazyFrame
        Columns customer_id and action_id, on the engine of ``consent.granted``.
    actions : iterable of ActionIdentity
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


def _count(frame: "nw.LazyFrame[Any]") -> int:
    return int(frame.select(nw.len()).collect(backend="pyarrow").item())

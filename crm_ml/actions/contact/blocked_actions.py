"""Which rule of the contact policy forbids which action to whom."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.cool_downs import check_tables, cooling
from crm_ml.actions.contact.frequency_caps import counted
from crm_ml.actions.contact.scopes import NO_RULE, any_of
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables


def blocked(
    tables: Tables,
    snapshot: Snapshot,
    actions: Sequence[ActionIdentity],
    policy: ContactPolicy,
    contacts: "nw.LazyFrame[Any]",
) -> "nw.LazyFrame[Any] | None":
    """Find out what a customer may not be sent in a list of a snapshot.

    The rules hold for lists that give a customer at most one row, sent at or after ``as_of``; see
    `crm_ml.actions.contact.touch_rules` for what each of them promises. The queries join on equal keys only,
    and compute with integers, on the engine of the tables.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    actions : sequence of ActionIdentity
        Each on one channel, in the order of their numbers.
    policy : ContactPolicy
    contacts : narwhals.LazyFrame
        See `crm_ml.actions.contact.contact_history.contacts`; read once for all counting rules and a few
        times for each cool-down, so a computed frame (`Tables.once`) is quicker.

    Returns
    -------
    narwhals.LazyFrame or None
        customer_id and, for action number i, the text blocked_i: the name of the first rule that forbids it,
        null where none does. Customers without any block are left out. None where no rule can block.

    Raises
    ------
    ConfigError
        If a cool-down needs a table that is absent.
    """
    check_tables(tables, policy)
    parts = cooling(tables, snapshot, contacts, policy, actions)
    counts = counted(contacts, snapshot, policy, actions)
    parts += [] if counts is None else [counts]
    if not parts or not actions:
        return None
    firsts = [f"first_{number}" for number in range(len(actions))]
    hit = any_of([nw.col(name) < NO_RULE for name in firsts])
    rules = nw.concat(parts).filter(hit).group_by("customer_id").agg(*(nw.col(name).min() for name in firsts))
    names = {f"blocked_{number}": _named(nw.col(name), policy) for number, name in enumerate(firsts)}
    return rules.select("customer_id", **names)


def _named(number: nw.Expr, policy: ContactPolicy) -> nw.Expr:
    """Turn the number of a rule into its name."""
    rule_name: nw.Expr = nw.when(nw.lit(False)).then(nw.lit(""))
    for rule, name in enumerate(policy.rule_names):
        rule_name = nw.when(number == rule).then(nw.lit(name)).otherwise(rule_name)
    return rule_name

"""Scopes: which contacts belong together, and which actions belong to the same scope."""

import functools
import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.touch_rules import Scope, Scoped

OF_CUSTOMER = ""
NO_RULE = 1_000_000


def keys_of(policy: ContactPolicy, per: Scope, action: ActionIdentity) -> tuple[str, ...]:
    """Return the scopes of a kind that an action belongs to: its channel, its groups, its action.

    Parameters
    ----------
    policy : ContactPolicy
    per : {"customer", "channel", "group", "action"}
    action : ActionIdentity
        On one channel.
    """
    if per == "group":
        return policy.groups_of(action.action_id)
    return ({"customer": OF_CUSTOMER, "channel": action.channel, "action": action.action_id}[per],)


def about(rule: Scoped, keys: Collection[str]) -> tuple[str, ...]:
    """Return which of an action's scopes a rule is about."""
    return tuple(key for key in keys if rule.of in (None, key))


def belongs(policy: ContactPolicy, per: Scope, key: str) -> nw.Expr:
    """Say which contacts belong to a scope; a contact of unknown channel or action to the customer only."""
    if per == "customer":
        return nw.lit(True)
    if per == "channel":
        return (nw.col("channel") == key).fill_null(False)
    actions = policy.groups[key] if per == "group" else (key,)
    return nw.col("action_id").is_in(list(actions)).fill_null(False)


def keyed(contacts: "nw.LazyFrame[Any]", policy: ContactPolicy, rule: Scoped) -> "nw.LazyFrame[Any]":
    """Return the contacts that a rule is about with their scope as ``key``, once for each of their scopes."""
    if rule.per == "customer":
        return contacts.with_columns(key=nw.lit(OF_CUSTOMER))
    if rule.per == "group":
        groups = [rule.of] if rule.of is not None else sorted(policy.groups)
        parts = [
            contacts.filter(belongs(policy, "group", group)).with_columns(key=nw.lit(group))
            for group in groups
        ]
        return nw.concat(parts) if parts else contacts.filter(nw.lit(False)).with_columns(key=nw.lit(""))
    own = contacts.with_columns(key=nw.col("channel" if rule.per == "channel" else "action_id"))
    return own.filter(~nw.col("key").is_null() if rule.of is None else nw.col("key") == rule.of)


def any_of(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Say whether any of some conditions holds, none of which is null."""
    return functools.reduce(operator.or_, conditions)


def first_rule(hits: Sequence[Mapping[int, nw.Expr]]) -> dict[str, nw.Expr]:
    """Return the number of the first rule that hits each action as ``first_i``; `NO_RULE` where none does.

    Parameters
    ----------
    hits : sequence of mapping of int to narwhals.Expr
        For each action the conditions under which rules hit it, by number of the rule.
    """
    columns = {}
    for number, rules in enumerate(hits):
        first = nw.lit(NO_RULE)
        for rule, hit in sorted(rules.items(), reverse=True):
            first = nw.when(hit).then(rule).otherwise(first)
        columns[f"first_{number}"] = first
    return columns

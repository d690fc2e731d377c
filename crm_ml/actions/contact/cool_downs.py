"""Cool-downs: customers who get nothing, or nothing alike, for some days after an outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact import contact_outcomes
from crm_ml.actions.contact.contact_history import campaigns_of
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.scopes import OF_CUSTOMER, first_rule, keyed, keys_of
from crm_ml.actions.contact.touch_rules import ContactCoolDown
from crm_ml.errors import ConfigError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

_NEEDS = {"complained": "events", "responded": "responses"}
_SCOPE = ("customer_id", "key")


def check_tables(tables: Tables, policy: ContactPolicy) -> None:
    """Refuse cool-downs after outcomes that the tables do not hold: they would never begin.

    Raises
    ------
    ConfigError
        With every such rule.
    """
    breaches = [
        f"  {rule.rule}: after: {rule.after} needs the table {_NEEDS[rule.after]}, which is absent"
        for rule in policy.cool_downs
        if rule.after in _NEEDS and not tables.has(_NEEDS[rule.after])
    ]
    if breaches:
        raise ConfigError("contact_policy: cool-downs that can't hold\n" + "\n".join(breaches))


def cooling(
    tables: Tables,
    snapshot: Snapshot,
    contacts: "nw.LazyFrame[Any]",
    policy: ContactPolicy,
    actions: Sequence[ActionIdentity],
) -> "list[nw.LazyFrame[Any]]":
    """Find out which cool-down forbids which action to whom.

    Returns
    -------
    list of narwhals.LazyFrame
        For each cool-down: customer_id (which may repeat) and first_i, its number in ``policy.rules`` where
        it forbids action number i, else NO_RULE.
    """
    now = nw.lit(snapshot.epoch_s, dtype=nw.Int64)
    aged = contacts.with_columns(age=now - nw.col("sent_at_epoch_s"))
    frames = []
    for number, rule in enumerate(policy.rules):
        if isinstance(rule, ContactCoolDown):
            happened = _happened(tables, snapshot, rule, campaigns_of(actions))
            touches = keyed(aged, policy, rule)
            if rule.after == "ignored":
                marks = _ignored(touches, happened, rule, snapshot)
            else:
                lasting = happened.filter(now - nw.col("at_epoch_s") < snapshot.seconds_back(rule.days))
                marks = _outcomes(touches, lasting, rule, snapshot)
            hits = [_hit(policy, rule, action, number) for action in actions]
            frames.append(marks.select("customer_id", **first_rule(hits)))
    return frames


def _happened(
    tables: Tables, snapshot: Snapshot, rule: ContactCoolDown, actions: Mapping[str, str]
) -> "nw.LazyFrame[Any]":
    if rule.after == "complained":
        return contact_outcomes.complaints(tables, snapshot, rule.kind)
    parts = []
    if rule.after != "responded":
        parts.append(contact_outcomes.orders(tables, snapshot))
    if rule.after != "bought" and tables.has("responses"):
        parts.append(contact_outcomes.responses(tables, snapshot, actions))
    return nw.concat(parts)


def _outcomes(
    touches: "nw.LazyFrame[Any]", lasting: "nw.LazyFrame[Any]", rule: ContactCoolDown, snapshot: Snapshot
) -> "nw.LazyFrame[Any]":
    """Return the marks of those with enough outcomes, by the last touch before each."""
    # an order whose lines have several times is a single outcome
    once = lasting.group_by("customer_id", "outcome").agg(nw.col("at_epoch_s").min(), nw.col("answers").max())
    recent = touches.filter(nw.col("age") < snapshot.seconds_back(rule.days + rule.within_days))
    pairs = contact_outcomes.followed(recent, once, rule.within_days)
    last = pairs.group_by(*_SCOPE, "outcome").agg(nw.col("sent_at_epoch_s").max())
    counted = last
    if rule.after == "complained" and rule.per == "customer":
        counted = once.with_columns(key=nw.lit(OF_CUSTOMER))
    enough = counted.group_by(*_SCOPE).agg(nw.len().alias("n")).filter(nw.col("n") >= rule.times)
    return _marks(enough, pairs.join(last, on=[*_SCOPE, "outcome", "sent_at_epoch_s"], how="semi"), rule)


def _ignored(
    touches: "nw.LazyFrame[Any]", happened: "nw.LazyFrame[Any]", rule: ContactCoolDown, snapshot: Snapshot
) -> "nw.LazyFrame[Any]":
    """Return the marks of those who ignored the last touches that are old enough, and answered none since."""
    over, sent = nw.col("age") >= snapshot.seconds_back(rule.within_days), nw.col("sent_at_epoch_s")
    # from the newest on; touches of the same second share a number, those that may still be answered have 0
    number = sent.rank("dense", descending=True).over(*_SCOPE).cast(nw.Int64)
    ended = touches.filter(over).with_columns(number=number).filter(nw.col("number") <= rule.times)
    younger = touches.filter(~over).with_columns(number=nw.lit(0, dtype=nw.Int64))
    asked = contact_outcomes.paired(nw.concat([ended, younger]), happened, rule.within_days)
    age = nw.when(nw.col("number") > 0).then(nw.col("age"))
    scopes = (
        asked.with_columns(age=age)
        .group_by(*_SCOPE)
        .agg(nw.col("number").max(), nw.col("age").min(), nw.col("follows").max())
    )
    whole = (nw.col("number") == rule.times) & (nw.col("follows") == 0)
    lasts = nw.col("age") < snapshot.seconds_back(rule.days + rule.within_days)
    return _marks(scopes.filter(whole & lasts), ended, rule)


def _marks(
    enough: "nw.LazyFrame[Any]", touches: "nw.LazyFrame[Any]", rule: ContactCoolDown
) -> "nw.LazyFrame[Any]":
    """Return customer_id and ``mark``: what is blocked, by its scope or by the touches it rests on."""
    if rule.blocked in ("customer", rule.per):
        return enough.select("customer_id", mark=nw.col("key"))
    mark = nw.col("channel" if rule.blocked == "channel" else "action_id")
    return touches.join(enough, on=list(_SCOPE), how="semi").select("customer_id", mark=mark)


def _hit(
    policy: ContactPolicy, rule: ContactCoolDown, action: ActionIdentity, number: int
) -> dict[int, nw.Expr]:
    """Say which marks block an action."""
    if rule.blocked == "customer":
        return {number: nw.lit(True)}
    keys = set(keys_of(policy, rule.blocked, action))
    if rule.blocked == "group" and rule.per != "group":  # the mark is an action: does it share a group?
        keys = {member for group in keys for member in policy.groups[group]}
    return {number: nw.col("mark").is_in(sorted(keys)).fill_null(False)} if keys else {}

"""Rules that count past contacts: windows, actions that exclude each other, and those never after others."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.scopes import about, any_of, belongs, first_rule, keys_of
from crm_ml.actions.contact.touch_rules import ContactWindow, Exclusive, NeverAfter
from crm_ml.snapshots import Snapshot

Counting = ContactWindow | Exclusive | NeverAfter
Limit = tuple[nw.Expr, int]


def counted(
    contacts: "nw.LazyFrame[Any]",
    snapshot: Snapshot,
    policy: ContactPolicy,
    actions: Sequence[ActionIdentity],
) -> "nw.LazyFrame[Any] | None":
    """Find out which counting rule forbids which action to whom; None where the rules are about no action.

    Parameters
    ----------
    contacts : narwhals.LazyFrame
        See `crm_ml.actions.contact.contact_history.contacts`.
    snapshot : Snapshot
    policy : ContactPolicy
    actions : sequence of ActionIdentity

    Returns
    -------
    narwhals.LazyFrame
        One row for each customer ever contacted: customer_id and first_i, the number in ``policy.rules`` of
        the first such rule that forbids action number i; NO_RULE where none does.
    """
    counts = _Counts(policy, snapshot)
    rules = {n: rule for n, rule in enumerate(policy.rules) if isinstance(rule, Counting)}
    hits = [{n: hit for n, rule in rules.items() for hit in counts.hits(rule, action)} for action in actions]
    if not counts.columns:
        return None
    aged = contacts.with_columns(age=nw.lit(snapshot.epoch_s, dtype=nw.Int64) - nw.col("sent_at_epoch_s"))
    ones = {name: nw.when(counts_it).then(1).otherwise(0) for name, counts_it in counts.columns.items()}
    sums = aged.with_columns(**ones).group_by("customer_id").agg(*(nw.col(name).sum() for name in ones))
    return sums.select("customer_id", **first_rule(hits))


class _Counts:
    """The numbers of contacts that the rules compare, each counted once however many actions need it."""

    def __init__(self, policy: ContactPolicy, snapshot: Snapshot) -> None:
        self.policy = policy
        self.snapshot = snapshot
        self.columns: dict[str, nw.Expr] = {}
        self._known: dict[tuple[Any, ...], str] = {}

    def hits(self, rule: Counting, action: ActionIdentity) -> list[nw.Expr]:
        """Return when a rule forbids an action; nothing where the rule is not about it."""
        limits = [count >= most for count, most in self._limits(rule, action)]
        return [any_of(limits)] if limits else []

    def _limits(self, rule: Counting, action: ActionIdentity) -> list[Limit]:
        if isinstance(rule, ContactWindow):
            keys = about(rule, keys_of(self.policy, rule.per, action))
            return [(self._count(rule.per, (key,), rule.days), rule.at_most) for key in keys]
        if isinstance(rule, Exclusive):
            others = tuple(name for name in rule.actions if name != action.action_id)
            return [(self._count("action", others, rule.days), 1)] if len(others) < len(rule.actions) else []
        if action.action_id != rule.action:
            return []
        return [(self._count("action", (rule.after,), rule.days), 1)]

    def _count(self, per: Any, keys: tuple[str, ...], days: int | None) -> nw.Expr:
        what = (per, keys, days)
        if what not in self._known:
            counts_it = any_of([belongs(self.policy, per, key) for key in keys])
            if days is not None:  # a contact exactly so many days ago no longer counts
                counts_it = counts_it & (nw.col("age") < self.snapshot.seconds_back(days))
            self._known[what] = f"count_{len(self.columns)}"
            self.columns[self._known[what]] = counts_it
        return nw.col(self._known[what])

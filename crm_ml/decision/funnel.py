"""The funnel: each pair of a customer and an action-channel counted under the first reason against it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.decision.open_actions import OPEN, REASONS, STATUS

AFTER = ("capacity", "another_action", "listed")
STEPS = (*REASONS, *AFTER)
Outcomes = Mapping[str, Sequence[int]]
_NOBODY = {
    "not_eligible": "nobody is eligible for an action",
    "not_applicable": "no action applies to anybody who is eligible for it",
    "no_consent": "nobody to whom an action applies consents to it",
    "contact_policy": "the contact policy leaves nobody free",
    "not_worth_it": "nobody's action is worth more than its cost",
    "held_out": "all whose action is worth its cost are held out",
}
_BLOCKED = STATUS.index("contact_policy")


@dataclass(frozen=True)
class Funnel:
    """How many pairs of a customer and an action-channel ended in a list, and why the others did not.

    Parameters
    ----------
    customers : int
        All that are known.
    by_action_channel : mapping of str to mapping of str to int
        Key of an action-channel to the pairs under each of `STEPS`, which add up to all customers.
    left : mapping of str to int
        Customers with at least one action left after each of `REASONS`.
    blocked : mapping of str to int
        Pairs that each rule of the contact policy stopped.
    """

    customers: int
    by_action_channel: Mapping[str, Mapping[str, int]]
    left: Mapping[str, int]
    blocked: Mapping[str, int]

    @property
    def why_empty(self) -> str:
        """Why the list has no row, by the first step that leaves nobody; empty where it has rows."""
        if any(pairs["listed"] for pairs in self.by_action_channel.values()):
            return ""
        because = next((text for step, text in _NOBODY.items() if not self.left[step]), "")
        return f"no row: {because or 'caps, budgets and stocks leave room for nobody'}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return it as plain data, for the manifest."""
        funnel = {
            "customers": self.customers,
            "pairs": self.customers * len(self.by_action_channel),
            "by_offering": {key: dict(pairs) for key, pairs in self.by_action_channel.items()},
            "customers_left": dict(self.left),
        }
        return {"funnel": funnel, "contact_policy": dict(self.blocked)}


def count(weighed: "nw.LazyFrame[Any]", n_actions: int, rules: Sequence[str] = ()) -> Counter[str]:
    """Count all pairs of some customers; the sum of such counts is the count of all these customers.

    Parameters
    ----------
    weighed : narwhals.LazyFrame
        Of `crm_ml.decision.open_actions.weigh`.
    n_actions : int
    rules : sequence of str
        Names of the rules of the contact policy.

    Returns
    -------
    Counter of str
        What `funnel` makes a funnel of.
    """
    statuses = [nw.col(f"status_{i}") for i in range(n_actions)]
    sums = {
        f"{i}_{place}": _one(status == place).sum()
        for i, status in enumerate(statuses)
        for place in _closed()
    }
    sums |= {f"left_{place}": _one(nw.col("furthest") > place).sum() for place in _closed()}
    sums |= {
        f"rule_{i}_{rule}": _one((status == _BLOCKED) & (nw.col(f"rule_{i}") == name)).sum()
        for i, status in enumerate(statuses)
        for rule, name in enumerate(rules)
    }
    names = [f"rule_{i}" for i in range(n_actions) if rules]
    rows = weighed.select(*statuses, *names, furthest=nw.max_horizontal(*statuses))
    row = rows.select(known=nw.len(), **sums).collect(backend="pyarrow").rows(named=True)[0]
    return Counter({key: int(value or 0) for key, value in row.items()})


def funnel(
    counts: Counter[str], keys: Sequence[str], outcomes: Outcomes, rules: Sequence[str] = ()
) -> Funnel:
    """Put the counts of all customers together.

    Parameters
    ----------
    counts : Counter of str
        Of `count`, summed over all parts.
    keys : sequence of str
        Of the action-channels, in the order of their numbers.
    outcomes : mapping of str to sequence of int
        For each of `AFTER`, the open pairs of each action-channel that ended so.
    rules : sequence of str
        As `count` had them.
    """
    stopped = {
        name: sum(counts[f"rule_{i}_{rule}"] for i in range(len(keys))) for rule, name in enumerate(rules)
    }
    blocked = {name: pairs for name, pairs in sorted(stopped.items()) if pairs}
    by_action_channel = {
        key: {STATUS[place]: counts[f"{i}_{place}"] for place in _closed()}
        | {name: int(outcomes[name][i]) for name in AFTER}
        for i, key in enumerate(keys)
    }
    left = {STATUS[place]: counts[f"left_{place}"] for place in _closed()}
    return Funnel(counts["known"], by_action_channel, left, blocked)


def _closed() -> range:
    """Return the places of all statuses but open."""
    return range(STATUS.index(OPEN))


def _one(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(1).otherwise(0)

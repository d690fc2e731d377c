"""The funnel: each pair of a customer and an action-channel counted under the first reason against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.decision.open_actions import OPEN, REASONS, STATUS

AFTER = ("capacity", "another_action", "listed")
STEPS = (*REASONS, *AFTER)
Outcomes = Mapping[str, Sequence[int]]


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
    def facts(self) -> dict[str, Any]:
        """Return it as plain data, for the manifest."""
        funnel = {
            "customers": self.customers,
            "pairs": self.customers * len(self.by_action_channel),
            "by_offering": {key: dict(pairs) for key, pairs in self.by_action_channel.items()},
            "customers_left": dict(self.left),
        }
        return {"funnel": funnel, "contact_policy": dict(self.blocked)}


def count(weighed: "nw.LazyFrame[Any]", keys: Sequence[str], outcomes: Outcomes) -> Funnel:
    """Count all pairs.

    Parameters
    ----------
    weighed : narwhals.LazyFrame
        Of `crm_ml.decision.open_actions.weigh`.
    keys : sequence of str
        Of the action-channels, in the order of their numbers.
    outcomes : mapping of str to sequence of int
        For each of `AFTER`, the open pairs of each action-channel that ended so.
    """
    numbers = range(len(keys))
    ones = {f"{i}_{place}": _one(nw.col(f"status_{i}") == place) for i in numbers for place in _closed()}
    ones |= {
        f"left_{place}": _one(nw.max_horizontal(*(nw.col(f"status_{i}") for i in numbers)) > place)
        for place in _closed()
    }
    sums = weighed.select(known=nw.lit(1), **ones).select(nw.all().sum())
    row = sums.collect(backend="pyarrow").rows(named=True)[0]
    counts = {key: int(value or 0) for key, value in row.items()}
    by_action_channel = {
        key: {STATUS[place]: counts[f"{i}_{place}"] for place in _closed()}
        | {name: int(outcomes[name][i]) for name in AFTER}
        for i, key in enumerate(keys)
    }
    left = {STATUS[place]: counts[f"left_{place}"] for place in _closed()}
    return Funnel(counts["known"], by_action_channel, left, _blocked(weighed, len(keys)))


def _closed() -> range:
    """Return the places of all statuses but open."""
    return range(STATUS.index(OPEN))


def _one(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(1).otherwise(0)


def _blocked(weighed: "nw.LazyFrame[Any]", n_actions: int) -> dict[str, int]:
    place = STATUS.index("contact_policy")
    stopped = [
        weighed.filter(nw.col(f"status_{i}") == place).select(rule=nw.col(f"rule_{i}"))
        for i in range(n_actions)
    ]
    counted = nw.concat(stopped).group_by("rule").agg(nw.len().alias("pairs")).sort("rule")
    return {str(rule): int(pairs) for rule, pairs in counted.collect(backend="pyarrow").rows()}

"""Simple actions that fit models: each with an amount and an assumption that its owner has to replace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.models.active_customers import purchases
from crm_ml.tables.bundle import Tables, to_pandas

MARGIN = 0.3
_COST = 0.002
_EFFECT = 0.05
_REPLACE = "an assumption to replace by your own figure; not measured"


@dataclass(frozen=True)
class Basis:
    """What first actions are made of.

    Parameters
    ----------
    runs : mapping of str to mapping
        Config of the run behind the model of each family.
    order_cents, line_cents : int
        Median amount of an order and of one of its lines, in minor units.
    channel, purpose : str
    quiet_days : int
        Days of silence from which on a customer is worth a message.
    arms : tuple of str
        Treated arms of the tables.
    """

    runs: Mapping[str, Mapping[str, Any]]
    order_cents: int
    line_cents: int
    channel: str
    purpose: str
    quiet_days: int
    arms: tuple[str, ...] = ()

    def action(self, action_id: str, description: str, margin_cents: int, **fields: Any) -> dict[str, Any]:
        """Return an action with the fields that all have."""
        return {
            "action_id": action_id, "description": description, "channel": self.channel,
            "purpose": self.purpose, "cost_cents": max(1, round(self.order_cents * _COST)),
            "margin_cents": max(1, margin_cents), "assumed_effect": _EFFECT, **fields,
            "expires_after_days": 14,
        }  # fmt: skip


def first_actions(basis: Basis) -> list[dict[str, Any]]:
    """Return an action or several for each family that has a model; one without a score where none does."""
    made = [action for family in basis.runs for action in _MADE.get(family, _nothing)(basis)]
    return made or [
        basis.action("message", "Message to a customer", _margin(basis.order_cents),
                     assumption=f"Of a hundred messages five are assumed to bring an order: {_REPLACE}",
                     eligible="rfm_orders >= 1")
    ]  # fmt: skip


def median_cents(tables: Tables) -> tuple[int, int]:
    """Return the median amount of a purchase and of an order line, in minor units."""
    orders = to_pandas(purchases(tables).select(nw.col("paid_cents").median()))["paid_cents"].iloc[0]
    lines = tables.frame("order_lines").filter(nw.col("paid_cents") > 0)
    line = to_pandas(lines.select(nw.col("paid_cents").median()))["paid_cents"].iloc[0]
    return round(float(orders)), round(float(line))


def _margin(cents: int) -> int:
    return round(cents * MARGIN)


def _nothing(basis: Basis) -> list[dict[str, Any]]:  # noqa: ARG001
    return []


def _churn(basis: Basis) -> list[dict[str, Any]]:
    worth: dict[str, Any] = {}
    if "clv" in basis.runs:
        share = 1.0 if basis.runs["clv"].get("worth", {}).get("margin", 1.0) < 1 else MARGIN
        worth = {"retention": {"share": share, "at_most_cents": max(1, 10 * _margin(basis.order_cents))}}
    action = basis.action(
        "win_back", "Coupon to a customer who may stay away", _margin(basis.order_cents), score="p_churn",
        assumption=f"Of a hundred about to leave five are assumed to stay because of it: {_REPLACE}", **worth,
        eligible=_quiet(basis),
    )  # fmt: skip
    if worth:
        del action["margin_cents"]
    return [action]


def _quiet(basis: Basis) -> str:
    """Return the rule of who is silent long enough, in what the churn of the run is silence of."""
    target = basis.runs["churn"]["target"]
    if target.get("silence"):
        return "event_rhythm_days_since >= 1"
    return "p_churn > 0" if target.get("renewal") else f"rfm_days_since_order >= {basis.quiet_days}"


def _recommend(basis: Basis) -> list[dict[str, Any]]:
    return [basis.action(
        "items_for_you", "Message with items that the customer is likely to buy", _margin(basis.line_cents),
        score="p_items", recommend={"items": 5},
        assumption=f"Of a hundred such purchases five are assumed not to have come otherwise: {_REPLACE}",
        eligible="rfm_orders >= 1",
    )]  # fmt: skip


def _uplift(basis: Basis) -> list[dict[str, Any]]:
    spend = basis.runs["uplift"]["target"]["outcome"] == "spend_cents"
    worth = MARGIN if spend else float(max(1, _margin(basis.order_cents)))
    return [basis.action(
        f"arm_{arm}".lower(), f"What the arm {arm} of the trials got", _margin(basis.order_cents),
        uplift={"arm": arm, "worth_cents": worth},
        assumption=f"Until it is verified, five of a hundred are assumed to order because of it: {_REPLACE}",
        eligible="rfm_orders >= 1",
    ) for arm in basis.arms]  # fmt: skip


def _propensity(basis: Basis) -> list[dict[str, Any]]:
    target = basis.runs["propensity"]["target"]
    if target.get("of") != "purchases":
        return []
    days = int(target["horizon_days"])
    return [basis.action(
        f"category_{number}", f"Message about {name}", _margin(basis.line_cents), score="p_response",
        answer={"kind": name, "days": days, "by": "category", "names": [name]},
        assumption=f"Of a hundred who buy it five are assumed not to have bought otherwise: {_REPLACE}",
        eligible="rfm_orders >= 1",
    ) for number, name in enumerate(target["categories"], start=1)]  # fmt: skip


_MADE: Mapping[str, Callable[[Basis], list[dict[str, Any]]]] = {
    "churn": _churn, "propensity": _propensity, "recommend": _recommend, "uplift": _uplift,
}  # fmt: skip

"""Which actions are open to each customer, what they are worth, and the rows of a list.

Every pair of a customer and an action on a channel gets one status: open, or the first reason why not
(`REASONS`). Who gets which open action within the limits is decided by `crm_ml.decision.allocator`.
"""

import functools
import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from crm_ml.actions.action_identity import ActionIdentity
from crm_ml.actions.action_value import ActionValue
from crm_ml.actions.catalog import Action
from crm_ml.actions.consent_check import Consent
from crm_ml.decision.expected_value import applicable, expected_value, priority
from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.rules.rule_layers import with_rules
from crm_ml.score_tables.columns import LISTED, numbered_column

REASONS = ("not_eligible", "not_applicable", "no_consent", "contact_policy", "not_worth_it", "held_out")
OPEN = "open"
STATUS = (*REASONS, OPEN)
HELD_OUT = STATUS.index("held_out")
SCORES = tuple(LISTED)
OF_ACTION = ("p_response", "uplift")
ALLOCATED = ("action", "price_paid", "arm", "propensity")
DECISION = (
    "customer_id", *ALLOCATED, "expected_value_cents", "priority", "runner_up", *SCORES, *OF_ACTION
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Conditions:
    """What decides whether an action is open to a customer, beside its own rules.

    Parameters
    ----------
    consent : Consent
    blocked : narwhals.LazyFrame, optional
        Of the contact policy: customer_id and, for action number i, ``blocked_i``, the rule that forbids
        it or null.
    held : narwhals.LazyFrame, optional
        Of the hold-outs: customer_id and the booleans ``universal`` and ``held_i``.
    sold_out : collection of int
        Numbers of the actions without stock.
    verified : collection of str
        Arms whose uplift values their actions.
    tags : mapping of str to str
        Name to rule.
    """

    consent: Consent
    blocked: "nw.LazyFrame[Any] | None" = None
    held: "nw.LazyFrame[Any] | None" = None
    sold_out: Collection[int] = ()
    verified: Collection[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


def weigh(
    base: "nw.LazyFrame[Any]", actions: Sequence[Action], conditions: Conditions
) -> "nw.LazyFrame[Any]":
    """Put beside each customer, for each action, whether it is open and what it is worth.

    Parameters
    ----------
    base : narwhals.LazyFrame
        One row a customer: customer_id, feature columns, p_churn, clv_cents and p_alive (null where not
        scored), p_response_i for each action with an answer, p_items_i for each that recommends, and
        uplift_<arm> for each verified arm.
    actions : sequence of Action
        Each on one channel.
    conditions : Conditions

    Returns
    -------
    narwhals.LazyFrame
        customer_id, p_churn, clv_cents, universal (held out of everything) and for action number i:
        status_i (place in `STATUS`), value_i (priority in cents, null unless it is open or held out), money_i
        (expected value in cents, null where something is missing), rule_i (of the contact policy),
        p_response_i and uplift_i (null where the action has none).

    Raises
    ------
    ConfigError
        With every rule that does not fit the columns.
    """
    rows, schema = _tagged(base, conditions.tags)
    _check_rules(actions, schema)
    for part in (conditions.consent.granted, conditions.blocked, conditions.held):
        if part is not None:
            rows = rows.join(part, on="customer_id", how="left")
    columns: dict[str, nw.Expr] = {}
    for number, action in enumerate(actions):
        columns |= _columns(number, action, conditions, schema)
    universal = nw.lit(False) if conditions.held is None else nw.col("universal").fill_null(False)
    return rows.select("customer_id", *SCORES, universal=universal, **columns)


def choose(
    weighed: "nw.LazyFrame[Any]", allocated: "nw.LazyFrame[Any]", n_actions: int
) -> "nw.LazyFrame[Any]":
    """Put together what is known of customers who get an action.

    Parameters
    ----------
    weighed : narwhals.LazyFrame
        Of `weigh`.
    allocated : narwhals.LazyFrame
        customer_id and `ALLOCATED`: the number of the action, the price it pays, arm and propensity.
    n_actions : int

    Returns
    -------
    narwhals.LazyFrame
        Ordered by customer_id, with the columns `DECISION`: runner_up is the number of the best other open
        action, null without one; p_response and uplift are those of the action.
    """
    numbers = range(n_actions)
    rows = weighed.join(allocated, on="customer_id", how="inner")
    others = {f"other_{i}": nw.when(_other(i)).then(nw.col(f"value_{i}")) for i in numbers}
    rows = rows.select(
        "customer_id",
        *ALLOCATED,
        *SCORES,
        expected_value_cents=_of_chosen(numbers, "money").cast(nw.Int64),
        priority=_of_chosen(numbers, "value").cast(nw.Float64),
        second_value=nw.max_horizontal(*others.values()),
        **{name: _of_chosen(numbers, name) for name in OF_ACTION},
        **others,
    )
    rows = rows.with_columns(runner_up=_first(numbers, "other", "second_value"))
    return rows.select(*DECISION).sort("customer_id")


def _tagged(
    base: "nw.LazyFrame[Any]", tags: Mapping[str, str]
) -> "tuple[nw.LazyFrame[Any], Mapping[str, Any]]":
    try:
        return with_rules(base, {f"tag_{name}": rule for name, rule in tags.items()})
    except ConfigError as error:
        raise ConfigError(f"tags that don't fit the features and scores\n{error}") from None


def _check_rules(actions: Sequence[Action], schema: Mapping[str, Any]) -> None:
    breaches: dict[str, None] = {}
    for action in actions:
        rules = {"eligible": action.audience.eligible, "applicable": action.audience.applicable}
        rules |= {f"context {number}": weight.when for number, weight in enumerate(action.value.context, 1)}
        for name, rule in rules.items():
            try:
                compile_rule(rule, schema) if rule else None
            except ConfigError as error:
                breaches[f"  action {action.action_id}, {name}: {error}"] = None
    if breaches:
        raise ConfigError("rules that don't fit the features and scores\n" + "\n".join(breaches))


def _columns(
    number: int, action: Action, conditions: Conditions, schema: Mapping[str, Any]
) -> dict[str, nw.Expr]:
    """Return the columns of `weigh` about one action, over what is known before it."""
    value, verified = action.value, conditions.verified
    worth = priority(number, value, verified, schema)
    passes = _passes(number, action, conditions, schema) | {"not_worth_it": worth > 0}
    held = conditions.held
    free = nw.lit(True) if held is None else ~nw.col(f"held_{number}").fill_null(False)
    status = nw.lit(STATUS.index(OPEN), dtype=nw.Int8)
    for reason in reversed(REASONS):
        place = nw.lit(STATUS.index(reason), dtype=nw.Int8)
        status = nw.when((passes | {"held_out": free})[reason]).then(status).otherwise(place)
    return {
        f"status_{number}": status,
        f"rule_{number}": _rule(number, conditions),
        f"money_{number}": expected_value(number, value, verified, schema),
        f"value_{number}": nw.when(functools.reduce(operator.and_, passes.values())).then(worth),
        f"uplift_{number}": _uplift(value, verified),
        numbered_column("p_response", number): _response(number, value),
    }


def _passes(
    number: int, action: Action, conditions: Conditions, schema: Mapping[str, Any]
) -> dict[str, nw.Expr]:
    """Return what must be true so that no reason before the worth of an action speaks against it."""
    audience = action.audience
    fits = applicable(number, action.value, conditions.verified, schema)
    fits = fits & (number not in conditions.sold_out)
    if audience.applicable:
        fits = fits & compile_rule(audience.applicable, schema)
    return {
        "not_eligible": compile_rule(audience.eligible, schema) if audience.eligible else nw.lit(True),
        "not_applicable": fits,
        "no_consent": consented(action.identity, conditions.consent),
        "contact_policy": _rule(number, conditions).is_null(),
    }


def consented(action: ActionIdentity, consent: Consent) -> nw.Expr:
    """Say which customers consented to the purpose and the channel of an action."""
    return nw.lit(True) if consent.granted is None else nw.col(consent.column(action)).fill_null(False)


def _rule(number: int, conditions: Conditions) -> nw.Expr:
    return nw.lit(None, dtype=nw.String) if conditions.blocked is None else nw.col(f"blocked_{number}")


def _uplift(value: ActionValue, verified: Collection[str]) -> nw.Expr:
    measured = value.measured(verified)
    return nw.lit(None, dtype=nw.Float64) if measured is None else nw.col(f"uplift_{measured.arm}")


def _response(number: int, value: ActionValue) -> nw.Expr:
    return nw.col(numbered_column("p_response", number)) if value.answer else nw.lit(None, dtype=nw.Float64)


def _other(number: int) -> nw.Expr:
    return (nw.col("action") != number) & (nw.col(f"status_{number}") == STATUS.index(OPEN))


def _of_chosen(numbers: range, prefix: str) -> nw.Expr:
    """Return the column of the action that was chosen."""
    cases = (nw.when(nw.col("action") == number).then(nw.col(f"{prefix}_{number}")) for number in numbers)
    return nw.coalesce(*cases)


def _first(numbers: range, prefix: str, best: str) -> nw.Expr:
    """Return the first number whose value is the best; null where there is none."""
    cases = (
        nw.when(nw.col(f"{prefix}_{number}") == nw.col(best)).then(nw.lit(number, dtype=nw.Int32))
        for number in numbers
    )
    return nw.coalesce(*cases)

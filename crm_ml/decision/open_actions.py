"""Which actions are open to each customer, what they are worth, and the rows of a list.

Every pair of a customer and an action on a channel gets one status: open, or the first reason why not
(`REASONS`). Who gets which open action within the limits is decided by `crm_ml.decision.allocator`.
"""

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
    rows = _tagged(base, conditions.tags)
    schema = rows.collect_schema()
    _check_rules(actions, schema)
    numbered, verified = list(enumerate(actions)), conditions.verified
    worth = {f"money_{i}": expected_value(i, action.value, verified, schema) for i, action in numbered}
    worth |= {f"worth_{i}": priority(i, action.value, verified, schema) for i, action in numbered}
    rows = rows.with_columns(**worth)
    for part in (conditions.consent.granted, conditions.blocked, conditions.held):
        if part is not None:
            rows = rows.join(part, on="customer_id", how="left")
    rows = rows.with_columns(
        **{f"status_{i}": _status(i, action, conditions, schema) for i, action in numbered},
        **{f"rule_{i}": _rule(i, conditions) for i, _ in numbered},
    )
    columns = {f"value_{i}": _value(i) for i, _ in numbered}
    columns |= {f"uplift_{i}": _uplift(action.value, verified) for i, action in numbered}
    columns |= {numbered_column("p_response", i): _response(i, action.value) for i, action in numbered}
    names = [f"{name}_{i}" for name in ("status", "rule", "money") for i, _ in numbered]
    universal = nw.lit(False) if conditions.held is None else nw.col("universal").fill_null(False)
    return rows.select("customer_id", *SCORES, *names, universal=universal, **columns)


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
    others = {f"other_{i}": nw.when(_other(i)).then(nw.col(f"value_{i}")) for i in numbers}
    rows = weighed.join(allocated, on="customer_id", how="inner").with_columns(**others)
    rows = rows.with_columns(second_value=nw.max_horizontal(*others))
    rows = rows.with_columns(
        expected_value_cents=_of_chosen(numbers, "money").cast(nw.Int64),
        priority=_of_chosen(numbers, "value").cast(nw.Float64),
        runner_up=_first(numbers, "other", "second_value"),
        **{name: _of_chosen(numbers, name) for name in OF_ACTION},
    )
    return rows.select(*DECISION).sort("customer_id")


def _tagged(base: "nw.LazyFrame[Any]", tags: Mapping[str, str]) -> "nw.LazyFrame[Any]":
    rows, breaches = base, []
    for name, rule in tags.items():
        try:
            rows = rows.with_columns(compile_rule(rule, rows.collect_schema()).alias(f"tag_{name}"))
        except ConfigError as error:
            breaches.append(f"  tag {name}: {error}")
    if breaches:
        raise ConfigError("tags that don't fit the features and scores\n" + "\n".join(breaches))
    return rows


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


def _status(number: int, action: Action, conditions: Conditions, schema: Mapping[str, Any]) -> nw.Expr:
    """Return the place in `STATUS` of the first reason that holds, or of open."""
    audience, held = action.audience, conditions.held
    scored = applicable(number, action.value, conditions.verified, schema)
    fits = scored & (number not in conditions.sold_out)
    if audience.applicable:
        fits = fits & compile_rule(audience.applicable, schema)
    passes = {
        "not_eligible": compile_rule(audience.eligible, schema) if audience.eligible else nw.lit(True),
        "not_applicable": fits,
        "no_consent": consented(action.identity, conditions.consent),
        "contact_policy": _rule(number, conditions).is_null(),
        "not_worth_it": nw.col(f"worth_{number}") > 0,
        "held_out": nw.lit(True) if held is None else ~nw.col(f"held_{number}").fill_null(False),
    }
    status = nw.lit(STATUS.index(OPEN), dtype=nw.Int8)
    for place, reason in reversed(list(enumerate(REASONS))):
        status = nw.when(passes[reason]).then(status).otherwise(nw.lit(place, dtype=nw.Int8))
    return status


def consented(action: ActionIdentity, consent: Consent) -> nw.Expr:
    """Say which customers consented to the purpose and the channel of an action."""
    return nw.lit(True) if consent.granted is None else nw.col(consent.column(action)).fill_null(False)


def _rule(number: int, conditions: Conditions) -> nw.Expr:
    return nw.lit(None, dtype=nw.String) if conditions.blocked is None else nw.col(f"blocked_{number}")


def _value(number: int) -> nw.Expr:
    return nw.when(nw.col(f"status_{number}") >= HELD_OUT).then(nw.col(f"worth_{number}"))


def _uplift(value: ActionValue, verified: Collection[str]) -> nw.Expr:
    measured = value.measured(verified)
    return nw.lit(None, dtype=nw.Float64) if measured is None else nw.col(f"uplift_{measured.arm}")


def _response(number: int, value: ActionValue) -> nw.Expr:
    return nw.col(numbered_column("p_response", number)) if value.answer else nw.lit(None, dtype=nw.Float64)


def _other(number: int) -> nw.Expr:
    return (nw.col("action") != number) & (nw.col(f"status_{number}") == STATUS.index(OPEN))


def _of_chosen(numbers: range, prefix: str) -> nw.Expr:
    """Return the column of the action that was chosen."""
    result = nw.lit(None, dtype=nw.Float64)
    for number in numbers:
        result = nw.when(nw.col("action") == number).then(nw.col(f"{prefix}_{number}")).otherwise(result)
    return result


def _first(numbers: range, prefix: str, best: str) -> nw.Expr:
    """Return the first number whose value is the best; null where there is none."""
    result = nw.lit(None, dtype=nw.Int32)
    for number in reversed(numbers):
        hit = nw.col(f"{prefix}_{number}") == nw.col(best)
        result = nw.when(hit).then(nw.lit(number, dtype=nw.Int32)).otherwise(result)
    return result

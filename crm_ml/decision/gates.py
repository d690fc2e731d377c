"""Which offerings are open to each customer, what they are worth, and the rows of a list.

Every pair of a customer and an offering gets one status: open, or the first reason why not (`REASONS`). Who
gets which open offering within the limits is decided by `crm_ml.decision.allocator`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from crm_ml.actions.action_parts import Factors
from crm_ml.actions.catalog import Action
from crm_ml.actions.consent_gate import Consent
from crm_ml.decision.expected_value import applicable, chance, expected_value, priority
from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.score_tables.columns import LISTED, response_column

REASONS = ("not_eligible", "not_applicable", "no_consent", "contact_policy", "not_worth_it", "held_out")
OPEN = "open"
STATUS = (*REASONS, OPEN)
HELD_OUT = STATUS.index("held_out")
SCORES = tuple(LISTED)
OF_ACTION = ("p_response", "uplift")
ALLOTTED = ("action", "price_paid", "arm", "propensity")
DECISION = (
    "customer_id", *ALLOTTED, "expected_value_cents", "priority", "runner_up", *SCORES, *OF_ACTION
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gates:
    """What decides whether an offering is open, beside its own rules.

    Parameters
    ----------
    consent : Consent
    blocked : narwhals.LazyFrame, optional
        Of the contact policy: customer_id and, for the offering number i, ``blocked_i``, the rule that
        forbids it or null.
    held : narwhals.LazyFrame, optional
        Of the hold-outs: customer_id and the booleans ``universal`` and ``held_i``.
    sold_out : collection of int
        Numbers of the offerings without stock.
    verified : collection of str
        Arms whose uplift values their actions.
    factors : Factors
    tags : mapping of str to str
        Name to rule.
    """

    consent: Consent
    blocked: "nw.LazyFrame[Any] | None" = None
    held: "nw.LazyFrame[Any] | None" = None
    sold_out: Collection[int] = ()
    verified: Collection[str] = ()
    factors: Factors = field(default_factory=Factors)
    tags: Mapping[str, str] = field(default_factory=dict)


def weigh(base: "nw.LazyFrame[Any]", actions: Sequence[Action], gates: Gates) -> "nw.LazyFrame[Any]":
    """Put beside each customer, for each offering, whether it is open and what it is worth.

    Parameters
    ----------
    base : narwhals.LazyFrame
        One row a customer: customer_id, feature columns, p_churn, clv_cents and p_alive (null where not
        scored), p_response_i for each offering with an answer, p_items_i for each that recommends, and
        uplift_<arm> for each verified arm.
    actions : sequence of Action
        Offerings, each on one channel.
    gates : Gates

    Returns
    -------
    narwhals.LazyFrame
        customer_id, p_churn, clv_cents, universal (held out of everything) and for the offering number i:
        status_i (place in `STATUS`), value_i (priority in cents, null unless it is open or held out), money_i
        (expected value in cents, null where something is missing), rule_i (of the contact policy),
        p_response_i and uplift_i (null where it has none).

    Raises
    ------
    ConfigError
        With every rule that does not fit the columns.
    """
    rows = _tagged(base, gates.tags)
    schema = rows.collect_schema()
    _check_rules(actions, schema)
    numbered = list(enumerate(actions))
    worth = {f"money_{i}": expected_value(i, one, gates.verified) for i, one in numbered}
    worth |= {f"worth_{i}": priority(i, one, gates.verified, gates.factors, schema) for i, one in numbered}
    rows = rows.with_columns(**worth)
    for part in (gates.consent.granted, gates.blocked, gates.held):
        if part is not None:
            rows = rows.join(part, on="customer_id", how="left")
    rows = rows.with_columns(
        **{f"status_{i}": _status(i, one, gates, schema) for i, one in numbered},
        **{f"rule_{i}": _rule(i, gates) for i, _ in numbered},
    )
    told = {f"value_{i}": _value(i) for i, _ in numbered}
    told |= {f"uplift_{i}": _uplift(i, one, gates.verified) for i, one in numbered}
    told |= {response_column(i): _response(i, one) for i, one in numbered}
    kept = [f"{name}_{i}" for name in ("status", "rule", "money") for i, _ in numbered]
    universal = nw.lit(False) if gates.held is None else nw.col("universal").fill_null(False)
    return rows.select("customer_id", *SCORES, *kept, universal=universal, **told)


def choose(
    weighed: "nw.LazyFrame[Any]", allotted: "nw.LazyFrame[Any]", n_actions: int
) -> "nw.LazyFrame[Any]":
    """Put together what is known of those who get an offering.

    Parameters
    ----------
    weighed : narwhals.LazyFrame
        Of `weigh`.
    allotted : narwhals.LazyFrame
        customer_id and `ALLOTTED`: the number of the offering, the price it pays, arm and propensity.
    n_actions : int

    Returns
    -------
    narwhals.LazyFrame
        Ordered by customer_id, with the columns `DECISION`: runner_up is the number of the best other open
        offering, null without one; p_response and uplift are those of the offering.
    """
    numbers = range(n_actions)
    kept = weighed.join(allotted, on="customer_id", how="inner")
    others = {f"other_{i}": nw.when(_other(i)).then(nw.col(f"value_{i}")) for i in numbers}
    second = kept.with_columns(**others)
    second = second.with_columns(second_value=nw.max_horizontal(*others))
    told = {name: _of_chosen(numbers, name) for name in OF_ACTION}
    found = second.with_columns(
        expected_value_cents=_of_chosen(numbers, "money").cast(nw.Int64),
        priority=_of_chosen(numbers, "value").cast(nw.Float64),
        runner_up=_first(numbers, "other", "second_value"),
        **told,
    )
    return found.select(*DECISION).sort("customer_id")


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
        rules = {"eligible": action.eligible, "applicable": action.applicable}
        rules |= {f"context {number}": one.when for number, one in enumerate(action.context, 1)}
        for name, rule in rules.items():
            try:
                compile_rule(rule, schema) if rule else None
            except ConfigError as error:
                breaches[f"  action {action.action_id}, {name}: {error}"] = None
    if breaches:
        raise ConfigError("rules that don't fit the features and scores\n" + "\n".join(breaches))


def _status(number: int, action: Action, gates: Gates, schema: Mapping[str, Any]) -> nw.Expr:
    """Return the place in `STATUS` of the first reason that holds, or of open."""
    fits = applicable(number, action, gates.verified) & (number not in gates.sold_out)
    if action.applicable:
        fits = fits & compile_rule(action.applicable, schema)
    passes = {
        "not_eligible": compile_rule(action.eligible, schema) if action.eligible else nw.lit(True),
        "not_applicable": fits,
        "no_consent": _allowed(action, gates.consent),
        "contact_policy": nw.lit(True) if gates.blocked is None else nw.col(f"blocked_{number}").is_null(),
        "not_worth_it": nw.col(f"worth_{number}") > 0,
        "held_out": nw.lit(True) if gates.held is None else ~nw.col(f"held_{number}").fill_null(False),
    }
    status = nw.lit(STATUS.index(OPEN), dtype=nw.Int8)
    for place, reason in reversed(list(enumerate(REASONS))):
        status = nw.when(passes[reason]).then(status).otherwise(nw.lit(place, dtype=nw.Int8))
    return status


def _allowed(action: Action, consent: Consent) -> nw.Expr:
    return nw.lit(True) if consent.granted is None else nw.col(consent.column(action)).fill_null(False)


def _rule(number: int, gates: Gates) -> nw.Expr:
    return nw.lit(None, dtype=nw.String) if gates.blocked is None else nw.col(f"blocked_{number}")


def _value(number: int) -> nw.Expr:
    return nw.when(nw.col(f"status_{number}") >= HELD_OUT).then(nw.col(f"worth_{number}"))


def _uplift(number: int, action: Action, verified: Collection[str]) -> nw.Expr:
    found = chance(number, action, verified)
    if action.measured(verified) is None or found is None:
        return nw.lit(None, dtype=nw.Float64)
    return found


def _response(number: int, action: Action) -> nw.Expr:
    return nw.col(response_column(number)) if action.answer else nw.lit(None, dtype=nw.Float64)


def _other(number: int) -> nw.Expr:
    return (nw.col("action") != number) & (nw.col(f"status_{number}") == STATUS.index(OPEN))


def _of_chosen(numbers: range, prefix: str) -> nw.Expr:
    """Return what stands beside the offering that was chosen."""
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

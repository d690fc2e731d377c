"""What each action is worth to each customer, and the rows of a list.

The value of an action is ``floor(gain + 1/2) - cost_cents``, an integer number of cents (rounded half up);
its gain is ``uplift * worth_cents`` where the uplift of its arm is verified, and an assumption otherwise (see
`crm_ml.score.catalog.Action`). Only values above zero count. Who gets which action within the caps is decided
by `crm_ml.score.allotment`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError
from crm_ml.score.catalog import Action
from crm_ml.score.consent import Consent
from crm_ml.score.eligibility import compile_rule

SCORES = ("p_churn", "clv_cents")
OF_ACTION = ("p_response", "uplift")
DECISION = (
    "customer_id", "action", "expected_value_cents", "runner_up", "price_paid", *SCORES, *OF_ACTION
)  # fmt: skip


@dataclass(frozen=True)
class Funnel:
    """How many customers are left after each step."""

    known: int
    scored: int
    eligible: int
    consented: int
    valued_above_zero: int
    within_cap: int = 0


def response_column(number: int) -> str:
    """Return the column of the probability that the action of a number is answered."""
    return f"p_response_{number}"


def items_column(number: int) -> str:
    """Return the column of how many items of the action of a number are expected to be bought."""
    return f"p_items_{number}"


def weigh(
    base: "nw.LazyFrame[Any]", actions: Sequence[Action], consent: Consent, verified: Collection[str] = ()
) -> "nw.LazyFrame[Any]":
    """Put beside each customer, for each action, whether it may be done and what it is worth.

    Parameters
    ----------
    base : narwhals.LazyFrame
        One row a customer: customer_id, feature columns, p_churn and clv_cents (null where not scored),
        p_response_i for each action with an answer, p_items_i for each that recommends, and uplift_<arm> for
        each verified arm.
    actions : sequence of Action
        Ordered by ``action_id``.
    consent : Consent
    verified : collection of str
        Arms whose uplift values their actions.

    Returns
    -------
    narwhals.LazyFrame
        customer_id, p_churn, clv_cents, scored (boolean) and for the action number i: eligible_i, consented_i
        (boolean), value_i (cents, null unless eligible, consented and above zero), p_response_i and uplift_i
        (null where it has none).

    Raises
    ------
    ConfigError
        With the rule of every action that does not fit the columns.
    """
    rules = _rules(actions, base.collect_schema())
    numbered = list(enumerate(actions))
    rows = base.with_columns(scored=_scored(numbered, verified))
    rows = rows.with_columns(**{f"eligible_{number}": rule for number, rule in enumerate(rules)})
    if consent.granted is not None:
        rows = rows.join(consent.granted, on="customer_id", how="left")
    rows = rows.with_columns(
        **{
            f"consented_{number}": nw.col(f"eligible_{number}") & _allowed(action, consent)
            for number, action in numbered
        }
    )
    values = {f"value_{number}": _value(number, action, verified) for number, action in numbered}
    rows = rows.with_columns(**values)
    rows = rows.with_columns(**{name: nw.when(nw.col(name) > 0).then(nw.col(name)) for name in values})
    flags = [f"{flag}_{number}" for flag in ("eligible", "consented") for number, _ in numbered]
    told = {f"uplift_{number}": _uplift(action, verified) for number, action in numbered}
    told |= {response_column(number): _response(number, action) for number, action in numbered}
    return rows.select("customer_id", *SCORES, "scored", *flags, *values, **told)


def count(weighed: "nw.LazyFrame[Any]", n_actions: int) -> Funnel:
    """Count the customers at each step of the funnel, in one pass."""

    def any_of(flag: str) -> nw.Expr:
        return nw.any_horizontal(*(nw.col(f"{flag}_{i}") for i in range(n_actions)), ignore_nulls=True)

    valued = nw.any_horizontal(
        *(~nw.col(f"value_{i}").is_null() for i in range(n_actions)), ignore_nulls=True
    )
    steps = {
        "scored": nw.col("scored"),
        "eligible": any_of("eligible"),
        "consented": any_of("consented"),
        "valued_above_zero": valued,
    }
    ones = weighed.select(
        known=nw.lit(1), **{name: nw.when(step).then(1).otherwise(0) for name, step in steps.items()}
    )
    sums = ones.select(nw.all().sum()).collect(backend="pyarrow").rows(named=True)[0]
    return Funnel(**{name: int(value or 0) for name, value in sums.items()})


def choose(
    weighed: "nw.LazyFrame[Any]", allotted: "nw.LazyFrame[Any]", n_actions: int
) -> "nw.LazyFrame[Any]":
    """Put together what is known of those who get an action.

    Parameters
    ----------
    weighed : narwhals.LazyFrame
        Of `weigh`.
    allotted : narwhals.LazyFrame
        customer_id, action (its number) and price_paid.
    n_actions : int

    Returns
    -------
    narwhals.LazyFrame
        Ordered by customer_id: customer_id, action, expected_value_cents, runner_up (number of the best other
        action, null without one), price_paid, p_churn, clv_cents, and p_response and uplift of the action.
    """
    numbers = range(n_actions)
    kept = weighed.join(allotted, on="customer_id", how="inner")
    others = {f"other_{i}": nw.when(nw.col("action") != i).then(nw.col(f"value_{i}")) for i in numbers}
    second = kept.with_columns(**others)
    second = second.with_columns(second_value=nw.max_horizontal(*others))
    told = {name: _of_chosen(numbers, name) for name in OF_ACTION}
    found = second.with_columns(
        expected_value_cents=_of_chosen(numbers, "value").cast(nw.Int64),
        runner_up=_first(numbers, "other", "second_value"),
        **told,
    )
    return found.select(*DECISION).sort("customer_id")


def _rules(actions: Sequence[Action], schema: Mapping[str, Any]) -> list[nw.Expr]:
    rules, breaches = [], []
    for action in actions:
        try:
            rules.append(compile_rule(action.eligible, schema) if action.eligible else nw.lit(True))
        except ConfigError as error:
            breaches.append(f"  action {action.action_id}, eligible: {error}")
    if breaches:
        raise ConfigError("rules that don't fit the features and scores\n" + "\n".join(breaches))
    return rules


def _allowed(action: Action, consent: Consent) -> nw.Expr:
    return nw.lit(True) if consent.granted is None else nw.col(consent.column(action)).fill_null(False)


def _value(number: int, action: Action, verified: Collection[str]) -> nw.Expr:
    measured = action.measured(verified)
    if measured is not None:
        gain = _uplift(action, verified) * measured.worth_cents
    else:
        gain_cents = action.assumed_effect * action.margin_cents
        of_action = {"p_response": response_column(number), "p_items": items_column(number)}
        p = of_action.get(action.score or "", action.score)
        gain = nw.col(p) * gain_cents if p else nw.lit(gain_cents)
    value = (gain + 0.5).floor().cast(nw.Int64) - action.cost_cents
    return nw.when(nw.col(f"consented_{number}")).then(value)


def _uplift(action: Action, verified: Collection[str]) -> nw.Expr:
    measured = action.measured(verified)
    return nw.lit(None, dtype=nw.Float64) if measured is None else nw.col(f"uplift_{measured.arm}")


def _response(number: int, action: Action) -> nw.Expr:
    return nw.col(response_column(number)) if action.answer else nw.lit(None, dtype=nw.Float64)


def _scored(numbered: Sequence[tuple[int, Action]], verified: Collection[str]) -> nw.Expr:
    """Say who has a score at all: of churn, of an answer, of items or of an uplift that is verified."""
    told = [nw.col("p_churn")]
    told += [_response(number, action) for number, action in numbered if action.answer]
    told += [nw.col(items_column(number)) for number, action in numbered if action.recommend]
    told += [_uplift(action, verified) for _, action in numbered if action.measured(verified)]
    return nw.any_horizontal(*(~one.is_null() for one in told), ignore_nulls=True)


def _of_chosen(numbers: range, prefix: str) -> nw.Expr:
    """Return what stands beside the action that was chosen."""
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

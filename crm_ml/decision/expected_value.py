"""What an action is worth to a customer: expected value in money, and the priority that is maximised.

::

    gain           = uplift * worth_cents                         where the uplift of its arm is verified
                   = p * assumed_effect * value                   otherwise; p is 1 without a score
    value          = margin_cents, or share * clv_cents / p_alive (at most at_most_cents) with retention
    expected value = floor(gain + 1/2) - cost_cents               in cents, rounded half up
    priority       = floor(gain * context * levers + 1/2) - cost_cents

with ``context = 1 + sum of the weights that apply / 100`` and ``levers = 1 + sum / 100``.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals as nw

from crm_ml.actions.action_value import ActionValue, RetentionValue, SituationWeight
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.score_tables.columns import score_column


def chance(
    number: int, value: ActionValue, verified: Collection[str], columns: Collection[str]
) -> nw.Expr | None:
    """Return what the value starts from: an uplift or a score, null where a customer has none; None for 1."""
    measured = value.measured(verified)
    if measured is not None:
        return nw.col(f"uplift_{measured.arm}")
    if value.score is None:
        return None
    return nw.col(score_column(value.score, number, columns))


def applicable(
    number: int, value: ActionValue, verified: Collection[str], columns: Collection[str]
) -> nw.Expr:
    """Say whether a customer has all scores that the value of an action needs."""
    needed = [nw.lit(True)]
    p = chance(number, value, verified, columns)
    if p is not None:
        needed.append(~p.is_null())
    if value.retention is not None and value.measured(verified) is None:
        needed.append(~nw.col("clv_cents").is_null())
    return nw.all_horizontal(*needed, ignore_nulls=False)


def expected_value(
    number: int, value: ActionValue, verified: Collection[str], columns: Collection[str]
) -> nw.Expr:
    """Return the expected value in cents, an integer; null where something is missing."""
    return _cents(_gain(number, value, verified, columns)) - value.cost_cents


def priority(
    number: int, value: ActionValue, verified: Collection[str], schema: Mapping[str, Any]
) -> nw.Expr:
    """Return what the allocation maximises, in cents; the expected value where nothing weighs the action."""
    gain = _gain(number, value, verified, schema)
    if value.context:
        gain = gain * _context(value.context, schema)
    if value.levers.factor != 1.0:
        gain = gain * value.levers.factor
    return _cents(gain) - value.cost_cents


def _gain(number: int, value: ActionValue, verified: Collection[str], columns: Collection[str]) -> nw.Expr:
    p, earned = chance(number, value, verified, columns), _earned(value, verified)
    return earned if p is None else p * earned


def _earned(value: ActionValue, verified: Collection[str]) -> nw.Expr:
    """Return what is earned for each unit of the chance."""
    measured = value.measured(verified)
    if measured is not None:
        return nw.lit(measured.worth_cents)
    if value.retention is not None:
        return _retained(value.retention) * value.stated_effect()
    return nw.lit(float(value.stated_effect() * (value.margin_cents or 0)))


def _retained(retention: RetentionValue) -> nw.Expr:
    value = nw.col("clv_cents").cast(nw.Float64) * retention.share
    most = float(retention.at_most_cents)
    if retention.if_alive:
        alive = nw.col("p_alive").cast(nw.Float64)
        value = nw.when(alive > 0).then(value / alive).otherwise(nw.lit(most))
    return nw.when(value < most).then(value).otherwise(nw.lit(most))


def _context(weights: Sequence[SituationWeight], schema: Mapping[str, Any]) -> nw.Expr:
    total = nw.lit(0.0)
    for weight in weights:
        total = total + nw.when(compile_rule(weight.when, schema)).then(weight.weight).otherwise(0.0)
    factor = total / 100.0 + 1.0
    return nw.when(factor > 0).then(factor).otherwise(0.0)


def _cents(gain: nw.Expr) -> nw.Expr:
    return (gain + 0.5).floor().cast(nw.Int64)

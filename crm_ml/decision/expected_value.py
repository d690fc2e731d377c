"""What an offering is worth to a customer: expected value in money, and the priority that is maximised.

::

    gain           = uplift * worth_cents                         where the uplift of its arm is verified
                   = p * assumed_effect * value                   otherwise; p is 1 without a score
    value          = margin_cents, or share * clv_cents / p_alive (at most at_most_cents) with retention
    expected value = floor(gain + 1/2) - cost_cents               in cents, rounded half up
    priority       = floor(gain * context * levers + 1/2) - cost_cents

with ``context = 1 + sum of the weights that hold / 100`` and ``levers = 1 + sum / 100``. Where factors are
switched off, propensity (or uplift), context and levers count as 1 in the priority, the value as one major
unit, and the cost as nothing.
"""

from collections.abc import Collection, Mapping
from typing import Any

import narwhals as nw

from crm_ml.actions.action_parts import Factors, RetentionValue
from crm_ml.actions.catalog import Action
from crm_ml.rules.compiled_rule import compile_rule
from crm_ml.score_tables.columns import items_column, response_column

MAJOR_UNIT = 100


def chance(number: int, action: Action, verified: Collection[str]) -> nw.Expr | None:
    """Return what the value starts from: an uplift or a score, null where a customer has none; None for 1."""
    measured = action.measured(verified)
    if measured is not None:
        return nw.col(f"uplift_{measured.arm}")
    if action.score is None:
        return None
    of_action = {"p_response": response_column(number), "p_items": items_column(number)}
    return nw.col(of_action.get(action.score, action.score))


def applicable(number: int, action: Action, verified: Collection[str]) -> nw.Expr:
    """Say whether a customer has all that the value of an offering needs."""
    needed = [nw.lit(True)]
    p = chance(number, action, verified)
    if p is not None:
        needed.append(~p.is_null())
    if action.retention is not None and action.measured(verified) is None:
        needed.append(~nw.col("clv_cents").is_null())
    return nw.all_horizontal(*needed, ignore_nulls=False)


def expected_value(number: int, action: Action, verified: Collection[str]) -> nw.Expr:
    """Return the expected value in cents, an integer; null where something is missing."""
    p, earned = chance(number, action, verified), _earned(action, verified)
    return _cents(earned if p is None else p * earned) - action.cost_cents


def priority(
    number: int, action: Action, verified: Collection[str], factors: Factors, schema: Mapping[str, Any]
) -> nw.Expr:
    """Return what the allotment maximises, in cents; the expected value where nothing weighs the action."""
    p = chance(number, action, verified) if factors.propensity else None
    gain = _earned(action, verified) if factors.value else nw.lit(float(MAJOR_UNIT))
    if p is not None:
        gain = p * gain
    if factors.context and action.context:
        gain = gain * _context(action, schema)
    if factors.levers and action.levers.factor != 1.0:
        gain = gain * action.levers.factor
    return _cents(gain) - (action.cost_cents if factors.cost else 0)


def _earned(action: Action, verified: Collection[str]) -> nw.Expr:
    """Return what is earned for each unit of the chance."""
    measured = action.measured(verified)
    if measured is not None:
        return nw.lit(measured.worth_cents)
    if action.retention is not None:
        return _kept(action.retention) * action.assumed_effect
    return nw.lit(float(action.assumed_effect * (action.margin_cents or 0)))


def _kept(retention: RetentionValue) -> nw.Expr:
    value = nw.col("clv_cents").cast(nw.Float64) * retention.share
    most = float(retention.at_most_cents)
    if retention.if_alive:
        alive = nw.col("p_alive").cast(nw.Float64)
        value = nw.when(alive > 0).then(value / alive).otherwise(nw.lit(most))
    return nw.when(value < most).then(value).otherwise(nw.lit(most))


def _context(action: Action, schema: Mapping[str, Any]) -> nw.Expr:
    total = nw.lit(0.0)
    for one in action.context:
        total = total + nw.when(compile_rule(one.when, schema)).then(one.weight).otherwise(0.0)
    factor = total / 100.0 + 1.0
    return nw.when(factor > 0).then(factor).otherwise(0.0)


def _cents(gain: nw.Expr) -> nw.Expr:
    return (gain + 0.5).floor().cast(nw.Int64)

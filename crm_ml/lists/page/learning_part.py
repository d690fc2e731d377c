"""What can be learned from the list, and what was learned from the last one."""

from collections.abc import Callable, Mapping
from typing import Any

from crm_ml.lists.page.figures import Figures, NotSelected
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.pages.charts import Estimate, EstimateChart, ReliabilityBin, ReliabilityChart
from crm_ml.pages.number_format import DASH, Currency, count, share, shortened

_KINDS = {
    ("control", "universal"): "kept without any action (universal hold-out)",
    ("control", "action"): "kept without this action",
    ("none", None): "could have been listed, not chosen",
}


def hold_outs(facts: Mapping[str, Any], figures: Figures, currency: Currency) -> dict[str, Any]:
    """Return who is kept from actions and what is drawn at random, so that effects can be measured."""
    held = facts.get("hold_outs") or {}
    universal, actions = held.get("universal") or 0.0, held.get("actions") or {}
    lines = [f"{share(universal)} of the customers are kept from all actions."] if universal else []
    lines += [
        f"{share(part)} of the customers of {shortened(action, 80)} are kept from it."
        for action, part in sorted(actions.items())[:MOST]
        if part
    ]
    lines += _exploration(facts.get("exploration") or {}, figures)
    return {
        "lines": lines,
        "rows": [_not_selected(row, currency) for row in (figures.not_selected or ())[:MOST]],
    }


def evaluated(evaluation: Mapping[str, Any] | None, currency: Currency) -> dict[str, Any] | None:
    """Return what the last evaluated list promised and what came true, None without one."""
    if not evaluation:
        return None
    day, days = str(evaluation.get("as_of") or "")[:10], evaluation.get("days")
    which = f"List {str(evaluation.get('list_id') or 'unknown')[:16]} of {day or 'an unknown day'}"
    actions = sorted(
        (evaluation.get("actions") or {}).items(), key=lambda item: (-(item[1].get("rows") or 0), item[0])
    )[:MOST]
    estimates = [
        _estimate(key, action, currency)
        for key, action in actions
        if action.get("realised_cents") is not None
    ]
    return {
        "which": f"{which}, after {count(days, 'day')}" if days is not None else which,
        "estimates": EstimateChart(estimates) if estimates else None,
        "rows": [_action(key, action, currency) for key, action in actions],
        "calibration": _calibration(evaluation.get("calibration") or {}, currency),
    }


def _exploration(explored: Mapping[str, Any], figures: Figures) -> list[str]:
    part = explored.get("share") or 0.0
    rows = explored.get("rows") or sum(action.explored for action in figures.action_channels)
    if not part and not rows:
        return []
    return [
        f"{count(rows, 'row')} ({share(rows, figures.rows)}) are drawn at random to explore; "
        f"the share set for it is {share(part)}."
    ]


def _not_selected(row: NotSelected, currency: Currency) -> list[str]:
    kind = _KINDS.get((row.arm, row.held_out), f"{row.arm} {row.held_out or ''}".strip())
    promised = currency.amount(row.value_cents) if row.arm == "control" else DASH
    return [kind, row.action_id or DASH, count(row.rows), promised]


def _action(key: str, action: Mapping[str, Any], currency: Currency) -> list[str]:
    counts = [count(action.get(name) or 0) for name in ("rows", "controls")]
    names = ("promised_cents", "realised_cents", "low", "high", "smallest_cents")
    amounts = [action.get(name) for name in names]
    return [key, *counts, *map(currency.amount, amounts)]


def _estimate(key: str, action: Mapping[str, Any], currency: Currency) -> Estimate:
    realised = action["realised_cents"]
    low, high, promised = (action.get(name) for name in ("low", "high", "promised_cents"))
    return Estimate(key, float(realised), low, high, promised, currency.amount(realised))


def _calibration(recorded: Mapping[str, Any], currency: Currency) -> dict[str, Any] | None:
    rows = [
        row for row in recorded.get("bins") or [] if None not in (row.get("promised"), row.get("realised"))
    ]
    if not rows:
        return None
    is_share = all(0 <= row["promised"] <= 1 and -1 <= row["realised"] <= 1 for row in rows)
    words: Callable[[float], str] = share if is_share else currency.amount
    names, ece = ("promised", "realised", "low", "high"), recorded.get("ece")
    averages = [[row.get(name) for name in names] for row in rows]
    return {
        "chart": ReliabilityChart([ReliabilityBin(*numbers) for numbers in averages], words),
        "error": None if ece is None else words(ece),
        "rows": [
            [*(DASH if number is None else words(number) for number in numbers), count(row.get("rows") or 0)]
            for row, numbers in zip(rows, averages, strict=True)
        ],
    }

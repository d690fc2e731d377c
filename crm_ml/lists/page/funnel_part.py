"""The funnel: from all pairs of customer and action to the rows of the list."""

from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Bar, BarChart
from crm_ml.pages.number_format import count, share

STEPS = {
    "not_eligible": ("eligible by the rule", "not eligible"),
    "not_applicable": ("applicable", "not applicable"),
    "no_consent": ("consent given", "no consent"),
    "contact_policy": ("within the contact policy", "contact policy"),
    "not_worth_it": ("worth more than the cost", "not worth it"),
    "held_out": ("not held out", "held out"),
    "capacity": ("within the capacity", "capacity"),
    "another_action": ("listed", "another action"),
}
MOST = 40
_HEAD = ["action", *(lost for _, lost in STEPS.values()), "listed"]


def funnel(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the funnel, and how many customers each action loses to each first reason; None without one."""
    recorded = facts.get("funnel")
    if not isinstance(recorded, Mapping) or not recorded.get("by_offering"):
        return None
    by_action: Mapping[str, Mapping[str, int]] = recorded["by_offering"]
    return {
        "customers": recorded.get("customers") or 0,
        "actions": len(by_action),
        "steps": _steps(recorded, by_action),
        "customers_left": _customers_left(recorded),
        "head": _HEAD,
        "rows": _rows(by_action),
        "contact_policy": _contact_policy(facts.get("contact_policy") or {}),
    }


def _steps(recorded: Mapping[str, Any], by_action: Mapping[str, Mapping[str, int]]) -> BarChart:
    pairs = recorded.get("pairs") or sum(sum(reasons.values()) for reasons in by_action.values())
    left, bars = pairs, [Bar("known pairs", pairs, count(pairs))]
    for reason, (name, _) in STEPS.items():
        lost = sum(reasons.get(reason, 0) for reasons in by_action.values())
        left -= lost
        label = f"{name} ({count(lost)} out)" if lost else name
        shown = f"{count(left)} · {share(left, pairs)}"
        bars.append(Bar(label, left, shown, "strong" if reason == "another_action" else "bar"))
    return BarChart(bars)


def _customers_left(recorded: Mapping[str, Any]) -> BarChart | None:
    """Return how many customers have an action left after each step, where the manifest says it."""
    left: Mapping[str, int] = recorded.get("customers_left") or {}
    known = recorded.get("customers") or 0
    if not left or not known:
        return None
    bars = [Bar("known customers", known, count(known))]
    for reason, number in left.items():
        name = STEPS[reason][0] if reason in STEPS else reason.replace("_", " ")
        bars.append(Bar(name, number, f"{count(number)} · {share(number, known)}"))
    return BarChart(bars)


def _rows(by_action: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    names = [*STEPS, "listed"]
    ordered = sorted(by_action.items(), key=lambda item: (-item[1].get("listed", 0), item[0]))
    rows = [[key, *(count(reasons.get(name, 0)) for name in names)] for key, reasons in ordered[:MOST]]
    if rest := [reasons for _, reasons in ordered[MOST:]]:
        sums = (sum(reasons.get(name, 0) for reasons in rest) for name in names)
        rows.append([count(len(rest), "further action"), *map(count, sums)])
    return rows


def _contact_policy(blocked: Mapping[str, int]) -> BarChart | None:
    ordered = sorted(blocked.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    return BarChart([Bar(name, number, count(number)) for name, number in ordered]) if ordered else None

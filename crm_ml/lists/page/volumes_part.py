"""Volumes, value and cost by action and by channel, and when it is sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crm_ml.lists.page.figures import ActionChannel, Figures
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.pages.charts import Bar, BarChart, HourChart
from crm_ml.pages.number_format import Currency, count, share


def volumes(figures: Figures) -> dict[str, Any] | None:
    """Return the rows by action, by channel and by hour of sending; None for a list without rows."""
    if not figures.rows:
        return None
    by_channel: Counter[str] = Counter()
    for action in figures.action_channels:
        by_channel[action.channel] += action.rows
    by_action = [(action.key, action.rows) for action in figures.action_channels]
    return {
        "by_action": _shares(by_action, figures.rows),
        "by_channel": _shares(by_channel.most_common(), figures.rows),
        "hours": None if figures.hours is None else _hours(figures.hours),
        "planned": count(sum(figures.hours or ()), "row"),
    }


def value_and_cost(figures: Figures, currency: Currency) -> dict[str, Any] | None:
    """Return expected value and cost by action; None for a list without rows."""
    if not figures.rows:
        return None
    ordered = sorted(figures.action_channels, key=lambda action: (-action.value_cents, action.key))
    shown, rest = ordered[:MOST], ordered[MOST:]
    rows = [
        [action.action_id, action.channel, action.basis, *_amounts([action], currency)] for action in shown
    ]
    if rest:
        rows.append([count(len(rest), "further action"), "", "", *_amounts(rest, currency)])
    values = [Bar(action.key, action.value_cents, currency.amount(action.value_cents)) for action in shown]
    costs = [Bar(action.key, action.cost_cents, currency.amount(action.cost_cents)) for action in shown]
    return {"rows": rows, "value_chart": BarChart(values), "cost_chart": BarChart(costs)}


def action_keys(facts: Mapping[str, Any]) -> set[str]:
    """Return the keys of the actions by channel that a manifest names."""
    funnel = facts.get("funnel")
    return set(funnel.get("by_offering") or {}) if isinstance(funnel, Mapping) else set()


def _amounts(actions: list[ActionChannel], currency: Currency) -> list[str]:
    """Return the rows of actions, their value and cost, and the value of a row."""
    rows = sum(action.rows for action in actions)
    value, cost = sum(action.value_cents for action in actions), sum(action.cost_cents for action in actions)
    return [count(rows), *(currency.amount(amount) for amount in (value, cost, value / rows))]


def _shares(numbers: list[tuple[str, int]], whole: int) -> BarChart:
    bars = [Bar(name, rows, f"{count(rows)} · {share(rows, whole)}") for name, rows in numbers[:MOST]]
    if rest := numbers[MOST:]:
        more = sum(rows for _, rows in rest)
        bars.append(Bar(f"{len(rest)} more", more, f"{count(more)} · {share(more, whole)}", "limit"))
    return BarChart(bars)


def _hours(counts: Sequence[int]) -> HourChart:
    highest = max(counts)
    share_of_all = share(highest, sum(counts))
    return HourChart(
        counts, f"most at {counts.index(highest):02d}:00: {count(highest, 'row')}, {share_of_all}"
    )

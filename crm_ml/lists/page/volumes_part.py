"""Volumes, value and cost by action and by channel, and when it is sent."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Bar, bars, hours
from crm_ml.lists.page.figures import Figures, Offering
from crm_ml.pages.number_format import Currency, count, share
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.pages.html import Child, Html, section, shortened, table, tag


def volumes(found: Figures) -> Html:
    """Return the rows by action and by channel."""
    title = "How many of what"
    if not found.rows:
        return section("volumes", title, tag("p", "The list has no rows."))
    by_channel: Counter[str] = Counter()
    for one in found.offerings:
        by_channel[one.channel] += one.rows
    actions = [(one.key, one.rows) for one in found.offerings]
    charts = (
        bars("Rows by action", _shares(actions, found.rows)),
        bars("Rows by channel", _shares(by_channel.most_common(), found.rows)),
    )
    return section("volumes", title, tag("div", *charts, class_="pair"), _hours(found))


def value_and_cost(found: Figures, currency: Currency) -> Html:
    """Return expected value and cost by action."""
    title = "What it is worth and costs"
    if not found.rows:
        return section("value", title, tag("p", "The list has no rows."))
    ordered = sorted(found.offerings, key=lambda one: (-one.value_cents, one.key))
    rows = [_line(one, currency) for one in ordered[:MOST]]
    if rest := ordered[MOST:]:
        n, value, cost = (
            sum(getattr(one, name) for one in rest) for name in ("rows", "value_cents", "cost_cents")
        )
        amounts = [currency.amount(value), currency.amount(cost), currency.amount(value / n)]
        rows.append([count(len(rest), "further offering"), "", "", count(n), *amounts])
    head = ["action", "channel", "value rests on", "rows", "expected value", "cost", "value of a row"]
    values = [Bar(one.key, one.value_cents, currency.amount(one.value_cents)) for one in ordered[:MOST]]
    costs = [Bar(one.key, one.cost_cents, currency.amount(one.cost_cents)) for one in ordered[:MOST]]
    charts = tag("div", bars("Expected value after cost", values), bars("Cost", costs), class_="pair")
    return section("value", title, charts, table("Value and cost by action", head, rows, texts=3))


def _line(one: Offering, currency: Currency) -> list[Child]:
    texts = [shortened(one.action_id, 80), shortened(one.channel, 40), shortened(one.basis, 80)]
    amounts = [one.value_cents, one.cost_cents, one.value_cents / one.rows]
    return [*texts, count(one.rows), *[currency.amount(amount) for amount in amounts]]


def _shares(numbers: list[tuple[str, int]], whole: int) -> list[Bar]:
    shown = [Bar(name, n, f"{count(n)} · {share(n, whole)}") for name, n in numbers[:MOST]]
    if rest := numbers[MOST:]:
        more = sum(n for _, n in rest)
        shown.append(Bar(f"{len(rest)} more", more, f"{count(more)} · {share(more, whole)}", "limit"))
    return shown


def _hours(found: Figures) -> Html | None:
    if found.hours is None:
        return None
    most, planned = max(found.hours), sum(found.hours)
    hour = found.hours.index(most)
    peak = f"most at {hour:02d}:00: {count(most, 'row')}, {share(most, planned)}"
    title = f"Planned times of sending, hours of the day (UTC), {count(planned, 'row')}"
    return hours(title, found.hours, peak)


def key_names(facts: Mapping[str, Any]) -> set[str]:
    """Return the keys of offerings that a manifest names."""
    funnel = facts.get("funnel")
    return set(funnel.get("by_offering") or {}) if isinstance(funnel, Mapping) else set()

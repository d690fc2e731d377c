"""The funnel: from all pairs of customer and offering to the rows of the list."""

from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Bar, bars
from crm_ml.pages.number_format import count, share
from crm_ml.pages.html import Child, Html, section, shortened, table, tag

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


def funnel(facts: Mapping[str, Any]) -> Html:
    """Return the funnel, and how many customers each offering loses to each first reason."""
    given = facts.get("funnel")
    title = "From all customers to the list"
    if not isinstance(given, Mapping) or not given.get("by_offering"):
        return section("funnel", title, tag("p", "This list has no funnel in its manifest."))
    by_offering: Mapping[str, Mapping[str, int]] = given["by_offering"]
    return section(
        "funnel",
        title,
        tag(
            "p",
            f"{count(given.get('customers') or 0)} customers are known; offerings: {len(by_offering)}. "
            "A pair of both leaves under the first reason that stands against it.",
        ),
        bars("Pairs of customer and offering left after each step", _steps(given, by_offering)),
        _customers_left(given),
        _by_offering(by_offering),
        _contact_policy(facts.get("contact_policy") or {}),
    )


def _steps(given: Mapping[str, Any], by_offering: Mapping[str, Mapping[str, int]]) -> list[Bar]:
    pairs = given.get("pairs") or sum(sum(reasons.values()) for reasons in by_offering.values())
    left, rows = pairs, [Bar("known pairs", pairs, count(pairs))]
    for reason, (name, _) in STEPS.items():
        lost = sum(reasons.get(reason, 0) for reasons in by_offering.values())
        left -= lost
        tone: Any = "strong" if reason == "another_action" else "bar"
        label = f"{name} ({count(lost)} out)" if lost else name
        rows.append(Bar(label, left, f"{count(left)} · {share(left, pairs)}", tone))
    return rows


def _customers_left(given: Mapping[str, Any]) -> Html | None:
    """Draw how many customers have an offering left after each step, where the manifest says it."""
    left: Mapping[str, int] = given.get("customers_left") or {}
    known = given.get("customers") or 0
    if not left or not known:
        return None
    rows = [Bar("known customers", known, count(known))]
    for reason, number in left.items():
        name = STEPS[reason][0] if reason in STEPS else reason.replace("_", " ")
        rows.append(Bar(name, number, f"{count(number)} · {share(number, known)}"))
    return bars("Customers with at least one offering left after each step", rows)


def _by_offering(by_offering: Mapping[str, Mapping[str, int]]) -> Html:
    names = [*STEPS, "listed"]
    shown = sorted(by_offering.items(), key=lambda one: (-one[1].get("listed", 0), one[0]))
    rows: list[list[Child]] = [
        [shortened(key, 80), *[_number(reasons.get(name, 0)) for name in names]]
        for key, reasons in shown[:MOST]
    ]
    if rest := [reasons for _, reasons in shown[MOST:]]:
        sums = [sum(reasons.get(name, 0) for reasons in rest) for name in names]
        rows.append([count(len(rest), "further offering"), *[_number(one) for one in sums]])
    head = ["offering", *[lost for _, lost in STEPS.values()], "listed"]
    return table("Customers of each offering by the first reason that stands against it", head, rows)


def _number(number: int) -> Child:
    return count(number) if number else tag("span", "0", class_="none")


def _contact_policy(blocked: Mapping[str, int]) -> Html | None:
    if not blocked:
        return None
    rows: list[Bar] = [
        Bar(name, number, count(number))
        for name, number in sorted(blocked.items(), key=lambda one: (-one[1], one[0]))[:MOST]
    ]
    return bars("Pairs that each rule of the contact policy blocks", rows)

"""What can be learned from the list, and what was learned from the last one."""

from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Interval, intervals, reliability
from crm_ml.lists.page.figures import Figures, Other
from crm_ml.pages.number_format import DASH, Currency, count, share
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.pages.html import Child, Html, joined, section, shortened, table, tag

_KINDS = {
    ("control", "universal"): "kept without any action (universal hold-out)",
    ("control", "action"): "kept without this action",
    ("none", None): "could have been listed, not chosen",
}
NOT_YET = "No list of this name has been evaluated yet."


def hold_outs(facts: Mapping[str, Any], found: Figures, currency: Currency) -> Html:
    """Return who is kept from actions and what is drawn at random, so that effects can be measured."""
    held, explored = facts.get("hold_outs") or {}, facts.get("exploration") or {}
    universal, actions = held.get("universal") or 0.0, held.get("actions") or {}
    lines = [f"{share(universal)} of the customers are kept from all actions." if universal else None]
    lines += [
        f"{share(part)} of the customers of {shortened(action, 80)} are kept from it."
        for action, part in sorted(actions.items())[:MOST]
        if part
    ]
    part, rows = (
        explored.get("share") or 0.0,
        explored.get("rows") or sum(one.explored for one in found.offerings),
    )
    if part or rows:
        lines.append(
            f"{count(rows, 'row')} ({share(rows, found.rows)}) are drawn at random to explore; "
            f"the share set for it is {share(part)}."
        )
    told = [tag("li", line) for line in lines if line]
    nothing = tag("p", "Nobody is held out and nothing is explored: this list can't be measured by itself.")
    return section(
        "hold-outs",
        "Hold-outs and exploration",
        tag("ul", *told, class_="plain") if told else nothing,
        _others(found.others, currency),
    )


def evaluated(evaluation: Mapping[str, Any] | None, currency: Currency) -> Html:
    """Return what the last evaluated list promised and what came true."""
    title = "Promised and realised last time"
    if not evaluation:
        return section("evaluation", title, tag("p", NOT_YET))
    day, days = str(evaluation.get("as_of") or "")[:10], evaluation.get("days")
    which = f"List {str(evaluation.get('list_id') or 'unknown')[:16]} of {day or 'an unknown day'}"
    within = f", after {count(days, 'day')}" if days is not None else ""
    actions = evaluation.get("actions") or {}
    return section(
        "evaluation",
        title,
        tag(
            "p", f"{which}{within}. Realised is the difference to the customers held out, with its interval."
        ),
        _actions(actions, currency) if actions else None,
        _calibration(evaluation.get("calibration") or {}, currency),
    )


def _others(others: Any, currency: Currency) -> Html | None:
    if not others:
        return None
    rows: list[list[Child]] = [
        [_kind(one), shortened(one.action_id or DASH, 80), count(one.rows), _promised(one, currency)]
        for one in others[:MOST]
    ]
    return table(
        "Customers who could have been listed and are not",
        ["why", "action", "customers", "promised value"],
        rows,
        texts=2,
    )


def _kind(one: Other) -> str:
    return _KINDS.get((one.arm, one.held_out), f"{one.arm} {one.held_out or ''}".strip())


def _promised(one: Other, currency: Currency) -> str:
    return currency.amount(one.value_cents) if one.arm == "control" else DASH


def _actions(actions: Mapping[str, Mapping[str, Any]], currency: Currency) -> Html:
    chosen = sorted(actions.items(), key=lambda one: (-(one[1].get("rows") or 0), one[0]))[:MOST]
    drawn = [
        Interval(
            key,
            float(one["realised_cents"]),
            one.get("low"),
            one.get("high"),
            one.get("promised_cents"),
            currency.amount(one["realised_cents"]),
        )
        for key, one in chosen
        if one.get("realised_cents") is not None
    ]
    rows: list[list[Child]] = [
        [shortened(key, 80), *[count(one.get(name) or 0) for name in ("rows", "controls")],
         *[currency.amount(one.get(name)) for name in ("promised_cents", "realised_cents", "low", "high")]]
        for key, one in chosen
    ]  # fmt: skip
    head = ["action", "rows", "controls", "promised", "realised", "low", "high"]
    chart = intervals("Realised value (dot, with interval) and promised value (upright line)", drawn)
    return joined(chart if drawn else None, table("Promised and realised value by action", head, rows))


def _calibration(given: Mapping[str, Any], currency: Currency) -> Html | None:
    bins = [one for one in given.get("bins") or [] if None not in (one.get("promised"), one.get("realised"))]
    if not bins:
        return None
    places = [(one["promised"], one["realised"], one.get("low"), one.get("high")) for one in bins]
    is_share = all(0 <= one["promised"] <= 1 and -1 <= one["realised"] <= 1 for one in bins)

    def said(number: float | None) -> str:
        if number is None:
            return DASH
        return share(number) if is_share else currency.amount(number)

    rows: list[list[Child]] = [
        [said(one["promised"]), *[said(one.get(name)) for name in ("realised", "low", "high")],
         count(one.get("rows") or 0)]
        for one in bins
    ]  # fmt: skip
    ece = given.get("ece")
    note = None if ece is None else f"Expected calibration error: {said(ece)}."
    return joined(
        reliability("Calibration: on the dashed line, what was promised came true", places, said),
        tag("p", note, class_="note") if note else None,
        table("Calibration by bin", ["promised", "realised", "low", "high", "rows"], rows),
    )

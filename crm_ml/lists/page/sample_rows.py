"""A sample of rows with their reasons in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.pages.number_format import Currency, count, share
from crm_ml.pages.html import Html, section, shortened, tag
from crm_ml.lists.page.reason_text import item_in_words, reason_in_words

_REASONS, _ITEMS = 5, 5


def sample(found: Figures, currency: Currency) -> Html:
    """Return some rows of the list, at even distances."""
    title = "Some rows, and why"
    if not found.sample:
        return section("rows", title, tag("p", "The list has no rows."))
    told = f"{count(len(found.sample), 'row')} at even distances in the order of the file."
    cards = [_card(row, currency) for row in found.sample]
    return section("rows", title, tag("p", told), tag("div", *cards, class_="rows"))


def _card(row: Mapping[str, Any], currency: Currency) -> Html:
    basis = str(row.get("value_basis") or "")
    reasons = [
        reason_in_words(str(code), basis, currency) for code in (row.get("reason_codes") or [])[:_REASONS]
    ]
    lines = [tag("li", shortened(reason)) for reason in reasons]
    lines += _items(row.get("item_ids") or [], row.get("item_reasons") or [])
    worth = (
        f"worth {currency.amount(row['expected_value_cents'])}, costs {currency.amount(row['cost_cents'])}"
    )
    return tag(
        "article",
        tag("h3", tag("bdi", shortened(str(row["customer_id"]), 60))),
        tag("p", tag("b", shortened(str(row["action_id"]), 80)), f" by {row['channel']} ", _arm(row)),
        tag("p", worth),
        tag("p", _more(row), class_="note"),
        tag("ul", *lines),
    )


def _arm(row: Mapping[str, Any]) -> Html | None:
    if row.get("arm") != "explore":
        return None
    return tag("span", f"drawn at random, {share(row.get('propensity') or 0.0)} likely", class_="badge")


def _more(row: Mapping[str, Any]) -> str:
    parts = []
    if row.get("send_at") is not None:
        parts.append(f"sent {row['send_at']:%Y-%m-%d %H:%M} UTC")
    if row.get("expires_at") is not None:
        parts.append(f"void from {row['expires_at']:%Y-%m-%d %H:%M} UTC")
    if row.get("runner_up_action"):
        parts.append(f"next best: {shortened(str(row['runner_up_action']), 80)}")
    return "; ".join(parts)


def _items(items: Sequence[str], reasons: Sequence[str | None]) -> list[Html]:
    lines = []
    for number, item in enumerate(items[:_ITEMS]):
        reason = reasons[number] if number < len(reasons) else None
        why = f": {shortened(item_in_words(str(reason)), 200)}" if reason else ""
        lines.append(tag("li", f"item {shortened(str(item), 60)}{why}"))
    if len(items) > _ITEMS:
        lines.append(tag("li", f"and {count(len(items) - _ITEMS, 'more item')}"))
    return lines

"""A sample of rows with their reasons in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.lists.page.reason_text import item_in_words, reason_in_words
from crm_ml.pages.number_format import Currency, count, shortened
from crm_ml.tables.zones import moment_in

_REASONS, _ITEMS = 5, 5


def sample(figures: Figures, currency: Currency, zone: str = "UTC") -> list[dict[str, Any]]:
    """Return some rows of the list, at even distances, with times in a zone."""
    return [_card(row, currency, zone) for row in figures.sample]


def _card(row: Mapping[str, Any], currency: Currency, zone: str) -> dict[str, Any]:
    basis, codes = str(row.get("value_basis") or ""), row.get("reason_codes") or []
    return {
        "customer_id": str(row["customer_id"]),
        "action_id": str(row["action_id"]),
        "channel": row["channel"],
        "explored": row.get("arm") == "explore",
        "propensity": row.get("propensity") or 0.0,
        "value": currency.amount(row["expected_value_cents"]),
        "cost": currency.amount(row["cost_cents"]),
        "details": _details(row, zone),
        "reasons": [
            *(reason_in_words(str(code), basis, currency, zone) for code in codes[:_REASONS]),
            *_items(row.get("item_ids") or [], row.get("item_reasons") or []),
        ],
    }


def _details(row: Mapping[str, Any], zone: str) -> str:
    parts = []
    for what, name in (("sent", "send_at"), ("void from", "expires_at")):
        if row.get(name) is not None:
            parts.append(f"{what} {moment_in(zone, row[name]):%Y-%m-%d %H:%M} {zone}")
    if row.get("runner_up_action"):
        parts.append(f"next best: {shortened(str(row['runner_up_action']), 80)}")
    return "; ".join(parts)


def _items(items: Sequence[str], reasons: Sequence[str | None]) -> list[str]:
    lines = []
    for number, item in enumerate(items[:_ITEMS]):
        reason = reasons[number] if number < len(reasons) else None
        why = f": {shortened(item_in_words(str(reason)), 200)}" if reason else ""
        lines.append(f"item {shortened(str(item), 60)}{why}")
    if len(items) > _ITEMS:
        lines.append(f"and {count(len(items) - _ITEMS, 'more item')}")
    return lines

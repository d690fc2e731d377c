"""A sample of rows with their reasons in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.lists.page.reason_text import item_in_words, reason_in_words
from crm_ml.pages.number_format import Currency, count, shortened

_REASONS, _ITEMS = 5, 5


def sample(figures: Figures, currency: Currency) -> list[dict[str, Any]]:
    """Return some rows of the list, at even distances."""
    return [_card(row, currency) for row in figures.sample]


def _card(row: Mapping[str, Any], currency: Currency) -> dict[str, Any]:
    basis, codes = str(row.get("value_basis") or ""), row.get("reason_codes") or []
    return {
        "customer_id": str(row["customer_id"]),
        "action_id": str(row["action_id"]),
        "channel": row["channel"],
        "explored": row.get("arm") == "explore",
        "propensity": row.get("propensity") or 0.0,
        "value": currency.amount(row["expected_value_cents"]),
        "cost": currency.amount(row["cost_cents"]),
        "details": _details(row),
        "reasons": [
            *(reason_in_words(str(code), basis, currency) for code in codes[:_REASONS]),
            *_items(row.get("item_ids") or [], row.get("item_reasons") or []),
        ],
    }


def _details(row: Mapping[str, Any]) -> str:
    parts = []
    if row.get("send_at") is not None:
        parts.append(f"sent {row['send_at']:%Y-%m-%d %H:%M} UTC")
    if row.get("expires_at") is not None:
        parts.append(f"void from {row['expires_at']:%Y-%m-%d %H:%M} UTC")
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

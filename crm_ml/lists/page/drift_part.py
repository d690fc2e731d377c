"""What moved between the training of the models and the day of the list."""

from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Bar, BarChart
from crm_ml.pages.number_format import DASH, count, listed, share

_MOST = 8
_IN_WORDS = {"none": "nothing moved beyond its limit", "warn": "warnings", "stop": "limits are broken"}


def drift(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the drift of each model, None where a list says nothing of drift."""
    recorded = facts.get("drift") or {}
    models, without = recorded.get("models") or {}, recorded.get("without_profile") or []
    if not models and not without:
        return None
    return {
        "without_profile": listed(without),
        "models": [_model(name, verdict) for name, verdict in sorted(models.items())],
    }


def _model(name: str, model: Mapping[str, Any]) -> dict[str, Any]:
    rows = (model.get("rows") or [])[:_MOST]
    reasons = [str(reason) for reason in (model.get("reasons") or [])[:_MOST]]
    reasons += [f"moved, accepted by name: {reason}" for reason in (model.get("accepted") or [])[:_MOST]]
    return {
        "name": name,
        "verdict": _verdict(model, len(rows)),
        "reasons": reasons,
        "not_by_psi": listed(model.get("not_by_psi") or []),
        "chart": BarChart([_bar(row) for row in rows]),
        "rows": [_cells(row) for row in rows],
    }


def _verdict(model: Mapping[str, Any], rows: int) -> str:
    then, now = model.get("customers_then") or 0, model.get("customers") or 0
    verdict = _IN_WORDS.get(str(model.get("verdict")), "")
    if accepted := len(model.get("accepted") or []):
        verdict = verdict.replace("nothing moved", "nothing else moved")
        verdict += f", {accepted} moved and accepted by name"
    compared = f"{count(model.get('columns') or rows, 'column')} compared, {verdict}; "
    return compared + f"{count(now, 'customer')} scored, {count(then)} on the newest training day."


def _bar(row: Mapping[str, Any]) -> Bar:
    above = row["psi"] > row["limit"] and row.get("by_psi", True)
    shown = f"{row['psi']:.3f} of {row['limit']:.2f}"
    return Bar(row["name"], row["psi"], shown, "strong" if above else "bar")


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["name"],
        f"{row['psi']:.3f}",
        f"{row['limit']:.3f}" if row.get("by_psi", True) else "not by PSI",
        share(row["missing_then"]),
        share(row["missing_now"]),
        DASH if row["median_ratio"] is None else f"{row['median_ratio']:.2f}",
        count(row["rare_rows"]),
        "accepted" if row["accepted"] and row["reason"] else row["verdict"],
    ]

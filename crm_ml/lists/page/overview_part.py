"""The head of the page: what the list is, in figures, and how good it is."""

from collections.abc import Mapping
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.pages.number_format import Currency, count, listed, share

_HASH = 12
_MODELS = 12
_CAUTIONS = 8


def title(facts: Mapping[str, Any]) -> str:
    """Return the title of the page: the list's name where it is known, and its day."""
    name = facts.get("name")
    day = str(_ingredients(facts).get("as_of") or "no day")[:10]
    return f"Next best actions{f': {name}' if name else ''}, {day}"


def overview(facts: Mapping[str, Any], figures: Figures, currency: Currency) -> dict[str, Any]:
    """Return the tiles, the certificate and the identity of a list."""
    allocation = facts.get("allocation") or {}
    tiles = {
        "rows": count(figures.rows),
        "customers": count(figures.customers),
        "expected value after cost": currency.amount(figures.value_cents),
        "cost": currency.amount(figures.cost_cents),
    }
    if reached := _reached(allocation):
        tiles["of the most that is possible"] = reached
    return {
        "tiles": tiles,
        "certificate": certificate_in_words(allocation, currency),
        "cautions": _cautions(facts),
        **_identity(facts, figures),
    }


def certificate_in_words(allocation: Mapping[str, Any], currency: Currency) -> str:
    """Return in words how near the list comes to the best one within its limits.

    Examples
    --------
    >>> certificate_in_words({"value_cents": 999, "upper_bound_cents": 1000.0, "gap": 0.001}, Currency("EUR"))
    'No list within these limits can be worth more than 10.00 EUR; this one reaches 9.99 EUR, 0.1 % less.'
    """
    value, bound, gap = (allocation.get(name) for name in ("value_cents", "upper_bound_cents", "gap"))
    if value is None or bound is None:
        return "This list has no certificate of how good its allocation is."
    if gap is None:
        gap = 1 - value / bound if bound else 0.0
    reached = "which is all there is" if gap <= 0 else f"{share(gap)} less"
    return (
        f"No list within these limits can be worth more than {currency.amount(bound)}; "
        f"this one reaches {currency.amount(value)}, {reached}."
    )


def _cautions(facts: Mapping[str, Any]) -> list[str]:
    """Return what the data behind the models do not know, the name of the model before each sentence."""
    by_model = facts.get("cautions") or {}
    return [f"{name}: {text}" for name, texts in sorted(by_model.items()) for text in texts[:_CAUTIONS]]


def _reached(allocation: Mapping[str, Any]) -> str | None:
    value, bound = allocation.get("value_cents"), allocation.get("upper_bound_cents")
    return None if value is None or not bound else share(min(value, bound), bound)


def _ingredients(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the list was made from, as far as the manifest says."""
    ingredients = facts.get("ingredients")
    return ingredients if isinstance(ingredients, Mapping) else {}


def _identity(facts: Mapping[str, Any], figures: Figures) -> dict[str, dict[str, str]]:
    ingredients = _ingredients(facts)
    models = sorted((ingredients.get("models") or {}).items())
    consent = facts.get("consent_basis") or listed(list(figures.consent_bases))
    return {
        "identity": {
            "as of": str(ingredients.get("as_of") or "unknown"),
            "consent basis": consent or "unknown",
        },
        "hashes": {
            "list id": str(facts.get("list_id") or "unknown"),
            "models": listed([f"{name}@{str(sums)[:_HASH]}" for name, sums in models], _MODELS) or "none",
            "policy version": str(ingredients.get("policy") or "unknown")[:_HASH],
            "data": str(ingredients.get("data") or "unknown")[:_HASH],
        },
    }

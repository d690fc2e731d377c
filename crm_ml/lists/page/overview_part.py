"""The head of the page: what the list is, in figures, and how good it is."""

from collections.abc import Mapping
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.pages.number_format import Currency, count, listed, share
from crm_ml.pages.html import Html, joined, section, shortened, tag

_HASH = 12
_MODELS = 12


def title(facts: Mapping[str, Any]) -> str:
    """Return the title of the page: the list's name where it is known, and its day."""
    name = facts.get("name")
    return f"Next best actions{f': {name}' if name else ''}, {day(facts) or 'no day'}"


def day(facts: Mapping[str, Any]) -> str:
    """Return the day of a list, empty where the manifest lacks it."""
    return str(ingredients(facts).get("as_of") or "")[:10]


def ingredients(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the list was made from, as far as the manifest says."""
    found = facts.get("ingredients")
    return found if isinstance(found, Mapping) else {}


def overview(facts: Mapping[str, Any], found: Figures, currency: Currency) -> Html:
    """Return the tiles and the identity of a list."""
    tiles = {
        "rows": count(found.rows),
        "customers": count(found.customers),
        "expected value after cost": currency.amount(found.value_cents),
        "cost": currency.amount(found.cost_cents),
    }
    if reached := _reached(facts.get("allocation") or {}):
        tiles["of the most that is possible"] = reached
    boxes = [tag("div", name, tag("b", figure), class_="tile") for name, figure in tiles.items()]
    return section(
        "overview",
        "The list in figures",
        tag("div", *boxes, class_="tiles"),
        tag("p", certificate_in_words(facts.get("allocation") or {}, currency)),
        _identity(facts, found),
    )


def certificate_in_words(allocation: Mapping[str, Any], currency: Currency) -> str:
    """Say how near the list comes to the best one within its limits.

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


def _reached(allocation: Mapping[str, Any]) -> str | None:
    value, bound = allocation.get("value_cents"), allocation.get("upper_bound_cents")
    return None if value is None or not bound else share(min(value, bound), bound)


def _identity(facts: Mapping[str, Any], found: Figures) -> Html:
    made_of = ingredients(facts)
    models = made_of.get("models") or {}
    named = [f"{name}@{str(sums)[:_HASH]}" for name, sums in sorted(models.items())]
    consent = facts.get("consent_basis") or listed(list(found.consent_bases))
    entries = {
        "list id": tag("code", shortened(str(facts.get("list_id") or "unknown"), 64)),
        "as of": str(made_of.get("as_of") or "unknown"),
        "consent basis": consent or "unknown",
        "models": joined(tag("code", shortened(listed(named, _MODELS)))) if named else "none",
        "policy version": tag("code", str(made_of.get("policy") or "unknown")[:_HASH]),
        "data": tag("code", str(made_of.get("data") or "unknown")[:_HASH]),
    }
    return tag("dl", *[joined(tag("dt", name), tag("dd", entry)) for name, entry in entries.items()])

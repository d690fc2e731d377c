"""What limits cost, and what simpler ways of deciding would have earned."""

from collections.abc import Mapping
from typing import Any

from crm_ml.lists.page.figures import Figures
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.lists.page.volumes_part import action_keys
from crm_ml.pages.charts import Bar, BarChart, Tone
from crm_ml.pages.number_format import Currency, count, listed, share, shortened

LIST = "the list"
_KINDS = {
    "minimum of ": ("One row less in the minimum of", "would earn"),
    "action ": ("One more row of", "is worth"),
    "channel ": ("One more row by channel", "is worth"),
    "stock of ": ("One more piece of the stock of", "is worth"),
}
_BUDGET = "budget "


def prices(facts: Mapping[str, Any], figures: Figures, currency: Currency) -> dict[str, Any] | None:
    """Return in words what one more unit of each limit would be worth; None without prices."""
    allocation = facts.get("allocation") or {}
    recorded = allocation.get("prices_cents")
    if recorded is None:
        return None
    binding = sorted(((-price, what) for what, price in recorded.items() if price > 0 and what != LIST))
    of_list = allocation.get("list_price_cents") or recorded.get(LIST) or 0.0
    bound = {what.removeprefix("action ") for _, what in binding}
    actions = action_keys(facts) | {action.key for action in figures.action_channels}
    return {
        "lines": [price_in_words(what, -price, currency) for price, what in binding[:MOST]],
        "more": max(len(binding) - MOST, 0),
        "of_list": currency.amount(of_list) if of_list > 0 else None,
        "free": listed(sorted(actions - bound)),
    }


def price_in_words(what: str, cents: float, currency: Currency) -> tuple[str, str]:
    """Return what one more unit of a limit is worth: the sentence, and its amount.

    Parameters
    ----------
    what : str
        Name of the limit, as the manifest has it; that of an action alone is taken for its cap.
    cents : float
        Worth of one more row, or of one more cent of a budget.
    currency : Currency

    Examples
    --------
    >>> price_in_words("action coupon", 1234.0, Currency("EUR"))
    ('One more row of coupon is worth', '12.34 EUR')
    >>> price_in_words("budget mail", 1.5, Currency("EUR"))
    ('One more EUR of budget mail earns', '1.50 EUR')
    """
    if what.startswith(_BUDGET):
        unit = currency.code or "unit"
        sentence = f"One more {unit} of budget {shortened(what.removeprefix(_BUDGET), 80)} earns"
        return sentence, currency.amount(cents * 10**currency.digits)
    for prefix, (start, end) in _KINDS.items():
        if what.startswith(prefix):
            name = what.removeprefix(prefix).removeprefix("action ")
            return f"{start} {shortened(name, 80)} {end}", currency.amount(cents)
    return f"One more row of {shortened(what, 80)} is worth", currency.amount(cents)


def compared(facts: Mapping[str, Any], figures: Figures, currency: Currency) -> dict[str, Any] | None:
    """Return what simpler ways would have earned within the same limits, beside this list and the bound.

    None where the list was not compared.
    """
    allocation = facts.get("allocation") or {}
    value, bound = allocation.get("value_cents"), allocation.get("upper_bound_cents")
    if value is None or bound is None:
        return None
    ways, sampled = _ways(facts)

    def bar(name: str, amount: float, tone: Tone = "bar") -> Bar:
        return Bar(name, amount, f"{currency.amount(amount)} · {share(amount, bound)}", tone)

    bars = [bar(name, amount) for name, amount in sorted(ways.items(), key=lambda way: (way[1], way[0]))]
    bars += [bar("this list", value, "strong"), bar("upper bound: no list can earn more", bound, "limit")]
    notes = [sampled] if sampled else []
    if ways:
        more = value - max(ways.values())
        gain = f"{currency.amount(abs(more))} {'more' if more >= 0 else 'less'}"
        notes.append(f"This list earns {gain} than the best of the simpler ways.")
    if value != figures.value_cents:
        notes.append(
            "These amounts are what the allocation maximised, with levers and context; the expected value of "
            f"the list in money is {currency.amount(figures.value_cents)}."
        )
    return {"chart": BarChart(bars), "notes": notes}


def _ways(facts: Mapping[str, Any]) -> tuple[dict[str, float], str | None]:
    """Return what simpler ways earn, raised from those they were tried on to all, and a note of it."""
    allocation, funnel = facts["allocation"], facts.get("funnel") or {}
    ways = dict(allocation.get("compared_cents") or {})
    tried, customers = allocation.get("compared_customers"), funnel.get("customers")
    if not ways or not tried or not customers or tried >= customers:
        return ways, None
    note = f"The simpler ways were tried on {count(tried)} of {count(customers)} customers and raised to all."
    return {name: earned * customers / tried for name, earned in ways.items()}, note

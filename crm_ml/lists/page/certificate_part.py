"""What limits cost, and what simpler ways of deciding would have earned."""

from collections.abc import Mapping
from typing import Any

from crm_ml.pages.charts import Bar, bars
from crm_ml.lists.page.figures import Figures
from crm_ml.pages.number_format import Currency, count, listed, share
from crm_ml.lists.page.funnel_part import MOST
from crm_ml.pages.html import Html, section, shortened, tag
from crm_ml.lists.page.volumes_part import key_names

LIST = "the list"
_KINDS = {
    "minimum of ": ("One row less in the minimum of", "would earn"),
    "action ": ("One more row of", "is worth"),
    "channel ": ("One more row by channel", "is worth"),
    "stock of ": ("One more piece of the stock of", "is worth"),
}
_BUDGET = "budget "
Line = tuple[str, str]


def prices(facts: Mapping[str, Any], found: Figures, currency: Currency) -> Html:
    """Return in words what one more unit of each limit would be worth."""
    allocation = facts.get("allocation") or {}
    given = allocation.get("prices_cents")
    title = "What the limits cost"
    if given is None:
        return section("prices", title, tag("p", "This list has no prices in its manifest."))
    binding = sorted(((-price, what) for what, price in given.items() if price > 0 and what != LIST))
    told = [price_in_words(what, -price, currency) for price, what in binding[:MOST]]
    lines = [tag("li", f"{what} ", tag("b", worth), ".") for what, worth in told]
    if len(binding) > MOST:
        lines.append(tag("li", f"{len(binding) - MOST} more limits bind, at lower prices."))
    of_list = allocation.get("list_price_cents") or given.get(LIST) or 0.0
    if of_list > 0:
        worth = currency.amount(of_list)
        lines.append(tag("li", "One more row of the whole list is worth ", tag("b", worth), "."))
    else:
        lines.append(tag("li", "The limit on the rows of the whole list does not bind, or there is none."))
    bound = {what.removeprefix("action ") for _, what in binding}
    if free := sorted((key_names(facts) | {one.key for one in found.offerings}) - bound):
        names = shortened(listed(free), 600)
        lines.append(tag("li", f"The limit of {names} does not bind, where there is one."))
    return section("prices", title, tag("ul", *lines, class_="plain"))


def price_in_words(what: str, cents: float, currency: Currency) -> Line:
    """Say what one more unit of a limit is worth: the sentence, and its amount.

    Parameters
    ----------
    what : str
        Name of the limit, as the manifest has it; that of an offering alone is taken for its cap.
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
        told = f"One more {unit} of budget {shortened(what.removeprefix(_BUDGET), 80)} earns"
        return told, currency.amount(cents * 10**currency.digits)
    for prefix, (start, end) in _KINDS.items():
        if what.startswith(prefix):
            name = what.removeprefix(prefix).removeprefix("action ")
            return f"{start} {shortened(name, 80)} {end}", currency.amount(cents)
    return f"One more row of {shortened(what, 80)} is worth", currency.amount(cents)


def compared(facts: Mapping[str, Any], found: Figures, currency: Currency) -> Html:
    """Return what simpler ways would have earned within the same limits, beside this list and the bound."""
    allocation = facts.get("allocation") or {}
    title = "What simpler ways would have earned"
    value, bound = allocation.get("value_cents"), allocation.get("upper_bound_cents")
    if value is None or bound is None:
        return section("compared", title, tag("p", "This list was not compared with simpler ways."))
    ways, sampled = _ways(facts)

    def bar(name: str, amount: float, tone: Any = "bar") -> Bar:
        return Bar(name, amount, f"{currency.amount(amount)} · {share(amount, bound)}", tone)

    rows = [bar(name, amount) for name, amount in sorted(ways.items(), key=lambda one: (one[1], one[0]))]
    rows += [bar("this list", value, "strong"), bar("upper bound: no list can earn more", bound, "limit")]
    notes = [sampled]
    if ways:
        more = value - max(ways.values())
        told = "more" if more >= 0 else "less"
        notes.append(
            f"This list earns {currency.amount(abs(more))} {told} than the best of the simpler ways."
        )
    if value != found.value_cents:
        notes.append(
            "These amounts are what the allocation maximised, with levers and context; the expected value of "
            f"the list in money is {currency.amount(found.value_cents)}."
        )
    shown = [tag("p", note, class_="note") for note in notes if note]
    return section("compared", title, bars("Value within the same limits", rows), *shown)


def _ways(facts: Mapping[str, Any]) -> tuple[dict[str, float], str | None]:
    """Return what simpler ways earn, raised from those they were tried on to all, and a note of it."""
    allocation, funnel = facts["allocation"], facts.get("funnel") or {}
    ways = dict(allocation.get("compared_cents") or {})
    tried, customers = allocation.get("compared_customers"), funnel.get("customers")
    if not ways or not tried or not customers or tried >= customers:
        return ways, None
    note = f"The simpler ways were tried on {count(tried)} of {count(customers)} customers and raised to all."
    return {name: earned * customers / tried for name, earned in ways.items()}, note

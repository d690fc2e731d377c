"""Reason codes of a list as short sentences."""

import re
from collections.abc import Callable

from crm_ml.lists.page.feature_text import feature_in_words
from crm_ml.pages.number_format import Currency, count, share

_FEATURE = re.compile(r"(?P<name>\w+)=(?P<value>.*) \((?P<effect>[+-]\d+(?:\.\d+)?)\)", re.DOTALL)
_UPLIFT = re.compile(r"uplift_(?P<arm>[^=]+)=(?P<effect>[+-]?\d\S*)")
_ITEMS = re.compile(r"p_items=(?P<sum>\d\S*)")
_SCORE = re.compile(r"(?P<name>p_churn|p_response)=(?P<p>\d[\d.e-]*)")
_WITH_P = re.compile(r"(?P<text>.*) \(p (?P<p>\d+(?:\.\d+)?)\)", re.DOTALL)
_BOUGHT = re.compile(r"bought (?P<times>[\d,]+) times within (?P<days>\S+) days")
_OWN = re.compile(r"(?P<times>once|\d+ times)(?P<every>, about every \d+ days)?, last (?P<last>\d+) days ago(?P<due>: due)?")  # fmt: skip  # noqa: E501
_ADDED = re.compile(r" \([+-][\d.e+-]+\)")
_CLEAR, _SLIGHT = 0.5, 0.1
_ABOUT = {
    "p_churn": "the chance of leaving",
    "p_response": "the chance of an answer",
    "p_items": "the chance of a purchase",
}


def reason_in_words(
    code: str, value_basis: str = "", currency: Currency | None = None, zone: str = "UTC"
) -> str:
    """Return a reason code as a short sentence; a code of unknown form stays as it is.

    Parameters
    ----------
    code : str
        One of ``reason_codes`` of a list.
    value_basis : str
        Of the same row: which chance the feature moves.
    currency : Currency, optional
    zone : str
        Of the hours of the day.

    Examples
    --------
    >>> reason_in_words("rfm_days_since_order=41 (+0.83)", "p_churn x assumed effect")
    '41 days since the last order: clearly raises the chance of leaving'
    >>> reason_in_words("p_items=1.23")
    '1.23 of the items are expected to be bought'
    >>> reason_in_words("p_churn=0.412")
    'the chance of leaving is 41.2 %'
    >>> reason_in_words("uplift_coupon=+0.0123")
    'contact with arm coupon is expected to raise the outcome by 0.0123'
    >>> reason_in_words("rule: rfm_orders_84d >= 1")
    'meets the rule of the action: rfm_orders_84d >= 1'
    """
    if feature := _FEATURE.fullmatch(code):
        sentence = feature_in_words(feature["name"], feature["value"], currency, zone)
        about = _ABOUT.get(value_basis.split(" ", 1)[0], "the chance")
        return f"{sentence}: {_moved(float(feature['effect']))} {about}"
    if uplift := _UPLIFT.fullmatch(code):
        return _uplift(uplift["arm"], uplift["effect"])
    if score := _SCORE.fullmatch(code):
        return f"{_ABOUT[score['name']]} is {share(float(score['p']))}"
    if items := _ITEMS.fullmatch(code):
        return f"{items['sum']} of the items are expected to be bought"
    if code.startswith("rule: "):
        return f"meets the rule of the action: {code.removeprefix('rule: ')}"
    return "the action is for everyone" if code == "no rule: for everyone" else code


def item_in_words(reason: str) -> str:
    """Return why an item was chosen, in words; a reason of unknown form stays as it is.

    Parameters
    ----------
    reason : str
        One of ``item_reasons`` of a list.

    Examples
    --------
    >>> item_in_words("6 times, about every 27 days, last 30 days ago: due (p 0.412)")
    'bought 6 times, about every 27 days, last 30 days ago, so it is due; 41.2 % likely to be bought'
    >>> item_in_words("goes with milk (+0.5), bread (+0.25)")
    'goes with milk, bread, which the customer bought'
    """
    with_p = _WITH_P.fullmatch(reason)
    text = with_p["text"] if with_p else reason
    chance = f"; {share(float(with_p['p']))} likely to be bought" if with_p else ""
    return next((say(text) for fits, say in _OF_ITEMS if fits(text)), text) + chance


def _moved(effect: float) -> str:
    if not effect:
        return "hardly moves"
    verb = "raises" if effect > 0 else "lowers"
    size = abs(effect)
    return f"clearly {verb}" if size >= _CLEAR else f"slightly {verb}" if size < _SLIGHT else verb


def _uplift(arm: str, effect: str) -> str:
    verb = "lower" if effect.startswith("-") else "raise"
    return f"contact with arm {arm} is expected to {verb} the outcome by {effect.lstrip('+-')}"


def _own(text: str) -> str:
    own = _OWN.fullmatch(text)
    if own is None:
        return text
    due = ", so it is due" if own["due"] else ""
    return f"bought {own['times']}{own['every'] or ''}, last {count(int(own['last']), 'day')} ago{due}"


def _popular(text: str) -> str:
    bought = _BOUGHT.fullmatch(text)
    return f"popular: bought {bought['times']} times in {bought['days']} days" if bought else text


_OF_ITEMS: tuple[tuple[Callable[[str], object], Callable[[str], str]], ...] = (
    (_OWN.fullmatch, _own),
    (_BOUGHT.fullmatch, _popular),
    (lambda text: text == "never before", lambda _: "not bought by the customer before"),
    (lambda text: text.startswith("goes with "), lambda text: f"{_ADDED.sub('', text)}, which the customer bought"),  # noqa: E501
    (lambda text: text.endswith(", for want of a score"), lambda text: f"{text.removesuffix(', for want of a score')}; the model has no score for it"),  # noqa: E501
    (lambda text: text.startswith("explores what is new"), lambda text: text.replace("explores what is", "tried out because it is", 1)),  # noqa: E501
)  # fmt: skip

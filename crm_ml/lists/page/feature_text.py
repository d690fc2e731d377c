"""Each feature of a customer or an action in words: a phrase around its value.

In a phrase ``{n}`` stands for the number, ``{n day}`` for the number with its noun, ``{p}`` for a share in
per cent, ``{m}`` for money and ``{t}`` for a text. Features that end in a window (``_84d``) share one phrase.
"""

import math
import re

from crm_ml.pages.number_format import Currency, count, plural, share

_WINDOW = re.compile(r"(?P<name>\w+?)_h?(?P<length>\d+)(?P<unit>[dw])(?P<rest>_share)?")
_PLACE = re.compile(r"\{(?P<kind>[npmt])(?: (?P<noun>[\w ]+))?\}")
UNKNOWN = "unknown"
_PRIVATE = "attribute_"
_PHRASES = {
    "basket_mean_paid_cents": "{m} paid for an order on average",
    "basket_max_paid_cents": "{m} paid for the largest order",
    "basket_mean_lines": "{n line} in an order on average",
    "basket_last_paid_share": "last order worth {p} of the usual one",
    "basket_items": "{n different item} bought so far",
    "basket_repeat_share": "{p} of the lines bought before",
    "behaviour_visit_days_84d": "{n day} with a visit in twelve weeks",
    "behaviour_items_84d": "{n item} looked at in twelve weeks",
    "behaviour_shares_84d": "{n invitation} or shares in twelve weeks",
    "behaviour_person_share_84d": "{p} of the contacts with a person",
    "cadence_order_days": "{n day} with an order so far",
    "cadence_gap_mean_days": "{n day} between orders on average",
    "cadence_gap_max_days": "{n day} in the longest gap between orders",
    "cadence_gap_irregularity": "irregularity of the gaps {n} (0: a clockwork)",
    "cadence_last_gap_days": "{n day} in the last gap between orders",
    "cadence_gap_share": "silent for {p} of the mean gap",
    "cadence_gap_max_share": "silent for {p} of the longest gap",
    "cadence_longer_gap_share": "{p} of past gaps longer than this silence",
    "campaign_sent": "{n message} received so far",
    "campaign_days_since_sent": "{n day} since the last message",
    "campaign_answered": "{n campaign} answered so far",
    "campaign_answer_rate": "{p} of the messages answered",
    "campaign_days_since_answer": "{n day} since the last answer",
    "event_rhythm_days_since": "{n day} since the last such event",
    "event_rhythm_days_since_any": "{n day} since the last event of any kind",
    "event_rhythm_tenure_days": "{n day} since the first such event",
    "event_rhythm_gap_median_days": "{n day} in the middle gap between days with an event",
    "event_rhythm_gap_mean_days": "{n day} between days with an event on average",
    "event_rhythm_gap_max_days": "{n day} in the longest gap between days with an event",
    "event_rhythm_gap_irregularity": "irregularity of the gaps between events {n} (0: a clockwork)",
    "event_rhythm_gap_share": "silent for {p} of the mean gap between events",
    "event_rhythm_recent_gap_share": "silent for {p} of the recent gap between events",
    "event_rhythm_longer_gap_share": "{p} of past gaps between events longer than this silence",
    "habit_day_share": "orders on {p} of all days",
    "habit_month_share": "orders in {p} of all four-week blocks",
    "habit_days_since_third": "{n day} since the last order but two",
    "habit_days_since_tenth": "{n day} since the last order but nine",
    "habit_recent_gap_days": "{n day} between the newest orders",
    "habit_recent_gap_share": "silent for {p} of the recent gap",
    "habit_return_rate": "{n} orders a day after silences as long as this",
    "habit_unseen_days": "{n day} of the history before the first order",
    "lifecycle_stage": "in the lifecycle stage {t}",
    "lifecycle_tenure_days": "{n day} since the first order",
    "occasions_days_to_anniversary": "{n day} to the anniversary of joining",
    "occasions_days_to_birthday": "{n day} to the birthday",
    "occasions_days_to_next_purchase": "{n day} to the next usual purchase",
    "occasions_days_to_end": "{n day} to the next end of a term",
    "preference_top_department": "buys most in {t}",
    "preference_top_share": "{p} of the lines in the largest department",
    "preference_second_share": "{p} of the lines in the second department",
    "preference_third_share": "{p} of the lines in the third department",
    "preference_concentration": "concentration on departments {n} (1: a single one)",
    "preference_departments": "{n department} bought from",
    "preference_categories": "{n different category} bought",
    "price_discount_share": "{p} of the shelf price taken off by discounts",
    "price_coupon_share": "{p} of the shelf price taken off by coupons",
    "price_coupon_orders_share": "{p} of the orders with a coupon",
    "price_days_since_coupon": "{n day} since the last coupon",
    "renewal_days_until_end": "{n day} until the term ends",
    "renewal_days_since_start": "{n day} since the newest term began",
    "renewal_term_days": "the term takes {n day}",
    "renewal_terms": "{n term} so far",
    "renewal_tenure_days": "{n day} since the first term began",
    "renewal_last_gap_days": "the newest term began {n day} after the end of the one before",
    "renewal_gap_max_days": "{n day} at most from the end of a term to the next",
    "renewal_gap_mean_days": "{n day} from the end of a term to the next on average",
    "rfm_days_since_order": "{n day} since the last order",
    "rfm_days_since_large_order": "{n day} since the last large order",
    "rfm_orders": "{n order} so far",
    "rfm_paid_cents": "{m} paid so far",
    "trend_orders_slope": "weekly orders change by {n} a week",
    "trend_active_weeks_12": "orders in {n} of the last 12 weeks",
    "action_kind": "the action is of kind {t}",
    "action_days": "the action runs for {n day}",
    "action_offers": "{n offer} in the action",
    "action_items": "{n item} in the action",
    "history_sent": "{n action} of this kind received",
    "history_answered": "{n action} of this kind answered",
    "history_answers": "{n answer} to this kind of action",
    "history_days_since_answer": "{n day} since the last answer to this kind",
    "overlap_lines": "{n line} of the items on offer bought",
    "overlap_items": "{n different item} on offer bought before",
    "overlap_offers": "{n offer} of the action used before",
    "overlap_offers_coupon": "{n offer} of the action bought with a coupon",
    "overlap_coupon_lines": "{n line} of the items on offer bought with a coupon",
    "overlap_share": "{p} of all lines are items on offer",
    "overlap_days_since": "{n day} since an item on offer was bought",
}
_WINDOWED = {
    "campaign_sent": "{n message} in the last",
    "event_rhythm_events": "{n such event} in the last",
    "event_rhythm_days": "{n day} with such an event in the last",
    "event_rhythm_trend": "{p} of the events of twice the time fall into the last",
    "event_rhythm_share": "{p} of all events are such ones in the last",
    "event_rhythm_kinds": "{n kind} of event in the last",
    "habit_day_rate": "rate of order days {n}, half-life",
    "habit_week_share": "orders in {p} of the weeks, half-life",
    "habit_order_days": "{n day} with an order in the last",
    "habit_day_share": "orders on {p} of the last",
    "habit_weeks": "{n week} with an order in the last",
    "habit_silent": "{p} of all days came after a silence of",
    "overlap_lines": "{n line} of the items on offer bought in the last",
    "overlap_offers": "{n offer} of the action used in the last",
    "overlap_paid_cents": "{m} paid for items on offer in the last",
    "price_discount_share": "{p} of the shelf price taken off by discounts in the last",
    "rfm_orders": "{n order} in the last",
    "rfm_paid_cents": "{m} paid in the last",
    "rfm_lines": "{n order line} in the last",
    "trend_orders": "{p} of the orders of twice the time fall into the last",
    "trend_paid": "{p} of what was paid in twice the time falls into the last",
}
_UNITS = {"d": "day", "w": "week"}
_TIMES = re.compile(r"(?P<group>timing|event_rhythm)_(?P<when>[a-z]+)_share")
_QUARTERS = ("night", "morning", "afternoon", "evening")


def feature_in_words(name: str, value: str, currency: Currency | None = None, zone: str = "UTC") -> str:
    """Return a feature and its value in words.

    Parameters
    ----------
    name, value : str
        As they stand in a reason code; ``unknown`` for a missing value.
    currency : Currency, optional
    zone : str
        Of the hours of the day.

    Examples
    --------
    >>> feature_in_words("rfm_days_since_order", "41")
    '41 days since the last order'
    >>> feature_in_words("rfm_paid_cents_84d", "12345", Currency("EUR"))
    '123.45 EUR paid in the last 84 days'
    >>> feature_in_words("timing_monday_share", "0.25")
    '25.0 % of the orders on a Monday'
    >>> feature_in_words("attribute_income", "45-60K")
    'what is declared as income'
    """
    if name.startswith(_PRIVATE):  # whatever was declared may be personal: the page does not repeat it
        return f"what is declared as {_spoken(name.removeprefix(_PRIVATE))}"
    phrase = _phrase(name, zone)
    if phrase is None or value == UNKNOWN:
        return f"{_spoken(name)} {value}"
    return _PLACE.sub(lambda place: _filled(place, value, currency or Currency()), phrase)


def feature_meaning(name: str) -> str:
    """Return what a feature is, in words without a value; empty where it has none.

    Examples
    --------
    >>> feature_meaning("rfm_days_since_order"), feature_meaning("rfm_paid_cents_84d")
    ('days since the last order', 'amount (cents) paid in the last 84 days')
    """
    words = {"n": "", "p": "a share", "m": "amount (cents)", "t": "…"}
    phrase = _PLACE.sub(
        lambda place: plural(place["noun"]) if place["noun"] else words[place["kind"]],
        _phrase(name, "UTC") or "",
    )
    return phrase.removeprefix("a ").replace(" ,", ",").replace("  ", " ").strip()


def _phrase(name: str, zone: str) -> str | None:
    if name in _PHRASES:
        return _PHRASES[name]
    if part := _TIMES.fullmatch(name):
        what = "orders" if part["group"] == "timing" else "events"
        return f"{{p}} of the {what} {_time(part['when'], zone)}"
    window = _WINDOW.fullmatch(name)
    if window is None or window["name"] not in _WINDOWED:
        return None
    return f"{_WINDOWED[window['name']]} {count(int(window['length']), _UNITS[window['unit']])}"


def _time(when: str, zone: str) -> str:
    if when == "weekend":
        return f"on a {when}"
    return f"in the {when} ({zone})" if when in _QUARTERS else f"on a {when.capitalize()}"


def _filled(place: re.Match[str], value: str, currency: Currency) -> str:
    kind, noun = place["kind"], place["noun"]
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    if kind == "m":
        return currency.amount(number)
    if kind == "p":
        return share(number)
    if kind == "t":
        return value
    shown = f"{number:,.0f}" if number == round(number) else f"{number:,.3g}"
    return f"{shown} {noun if number == 1 else plural(noun)}" if noun else shown


def _spoken(name: str) -> str:
    return name.replace("_", " ")

"""Why a row was added, removed or moved: the first reason that the folders of both lists show.

A removed row is explained by what the new folder holds of its customer, an added row by what the old folder
holds. Expiry is the reason only where nothing else explains a row: lists are often made when the last one has
run out, and then every row of it has expired.
"""

from collections.abc import Sequence

from crm_ml.tables.currencies import minor_digits

KINDS = ("added", "removed", "moved", "changed")
REASONS = {
    "no_longer_offered": "the action is no longer offered on this channel",
    "held_out": "held out of all actions now",
    "held_out_of_action": "held out of the action now",
    "capacity": "could be listed, but is not chosen now",
    "fewer_actions": "stands in the new list with other rows",
    "not_listed": "is not in the new list, which does not say who else could have been",
    "expired": "the old row has expired, and the customer is no candidate now",
    "no_candidate": "no candidate any more: eligibility, consent, contact policy or value",
    "newly_offered": "the action is newly offered on this channel",
    "was_held_out": "was held out before",
    "explored": "drawn at random to explore now",
    "was_explored": "was drawn at random to explore before",
    "was_not_chosen": "could be listed before, but was not chosen",
    "more_actions": "stood in the old list with other rows",
    "was_not_listed": "was not in the old list, which does not say who else could have been",
    "new_candidate": "new customer, or no candidate before",
    "price_rose": "the price of the action before rose",
    "price_fell": "the price of the action now fell",
    "worth": "another action is worth more now",
    "value": "worth another amount now",
    "cost": "the cost changed",
}
_PRICED = ("capacity", "was_not_chosen", "price_rose", "price_fell")
_NOTABLE = 0.005  # prices are sums of floats, so that less than this is no change
_RISE = f"coalesce(old_price_of_old + {_NOTABLE} < new_price_of_old, false)"
_FALL = f"coalesce(new_price_of_new + {_NOTABLE} < old_price_of_new, false)"
CASES = f"""CASE kind
WHEN 'removed' THEN CASE
    WHEN NOT still_offered THEN 'no_longer_offered'
    WHEN now_universal THEN 'held_out'
    WHEN list_contains(now_held_out_of, old_action) THEN 'held_out_of_action'
    WHEN now_none THEN 'capacity'
    WHEN in_new THEN 'fewer_actions'
    WHEN now_held_out_of IS NOT NULL THEN 'held_out_of_action'
    WHEN NOT new_complete THEN 'not_listed'
    WHEN expired THEN 'expired'
    ELSE 'no_candidate' END
WHEN 'added' THEN CASE
    WHEN NOT offered_before THEN 'newly_offered'
    WHEN was_universal OR list_contains(was_held_out_of, new_action) THEN 'was_held_out'
    WHEN new_arm = 'explore' THEN 'explored'
    WHEN was_none THEN 'was_not_chosen'
    WHEN in_old THEN 'more_actions'
    WHEN was_held_out_of IS NOT NULL THEN 'was_held_out'
    WHEN NOT old_complete THEN 'was_not_listed'
    ELSE 'new_candidate' END
WHEN 'moved' THEN CASE
    WHEN NOT still_offered THEN 'no_longer_offered'
    WHEN list_contains(now_held_out_of, old_action) THEN 'held_out_of_action'
    WHEN new_arm = 'explore' THEN 'explored'
    WHEN old_arm = 'explore' THEN 'was_explored'
    WHEN NOT offered_before THEN 'newly_offered'
    WHEN list_contains(was_held_out_of, new_action) THEN 'was_held_out'
    WHEN {_RISE} THEN 'price_rose'
    WHEN {_FALL} THEN 'price_fell'
    ELSE 'worth' END
ELSE CASE WHEN old_value IS DISTINCT FROM new_value THEN 'value' ELSE 'cost' END END"""


def change_in_words(
    reason: str,
    values: Sequence[int | None],
    price_of: str | None = None,
    prices: Sequence[float | None] = (None, None),
    currency: str = "",
) -> str:
    """Return a reason as a sentence with the amounts that are known, in the major unit of the currency.

    Parameters
    ----------
    reason : str
        Key of `REASONS`.
    values : (before, after)
        Expected values, minor units.
    price_of : str, optional
        Key of the action whose prices these are.
    prices : (before, after), optional
        Minor units.
    currency : str, optional
        Code; hundredths without one.

    Examples
    --------
    >>> change_in_words("capacity", (100, None), "coupon", (120.0, 340.0))
    'could be listed, but is not chosen now: the price of coupon rose from 1.20 to 3.40'
    >>> change_in_words("worth", (100, 250))
    'another action is worth more now: value from 1.00 to 2.50'
    >>> change_in_words("worth", (100, 250), currency="JPY")
    'another action is worth more now: value from 100 to 250'
    """
    sentence = REASONS[reason]
    before, after = prices
    if reason in _PRICED and before is not None and after is not None:
        moved = "rose" if after > before + _NOTABLE else "fell" if after < before - _NOTABLE else ""
        change = f"{moved} from {_major(before, currency)} to {_major(after, currency)}"
        stayed = f"stayed at {_major(after, currency)}"
        return f"{sentence}: the price of {price_of} {change if moved else stayed}"
    old, new = values
    if old is not None and new is not None:
        return f"{sentence}: value from {_major(old, currency)} to {_major(new, currency)}"
    return sentence


def _major(minor: float, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{minor / 10**digits:,.{digits}f}"

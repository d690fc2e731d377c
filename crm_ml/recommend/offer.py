"""The conditions of a list: rules, the catalogue, segments of customers, and single pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.recommend.interactions import CUSTOMER, ITEM
from crm_ml.recommend.list_rules import Rules

if TYPE_CHECKING:
    import pandas as pd

CATEGORY, BRAND, RULE = "category", "brand", "rule"
ALLOW, BLOCK = "allow", "block"
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class Offer:
    """What is known of items and customers beside the events.

    Parameters
    ----------
    rules : Rules
    items : pandas.DataFrame, optional
        The catalogue: item_id and category, optionally brand. Needed by rules about categories and by
        exploration, which recommends its items without a past.
    segments : mapping of str to str, optional
        Segment of each customer; customers without events get the popular items of theirs.
    pairs : pandas.DataFrame, optional
        customer_id, item_id and rule (``allow`` or ``block``) for single customers. A customer with an
        allowed item gets only allowed items.

    Raises
    ------
    InputError
        If a table lacks a column or has missing or repeated ids, or rules name an unknown category or
        segment; the message names all.

    Examples
    --------
    >>> Offer(Rules(block=[{"items": ["a"], "segments": ["vip"]}]))
    Traceback (most recent call last):
        ...
    crm_ml.errors.InputError: offer: rules name segments that no customer has: vip
    """

    rules: Rules = field(default_factory=Rules)
    items: "pd.DataFrame | None" = None
    segments: Mapping[str, str] | None = None
    pairs: "pd.DataFrame | None" = None

    def __post_init__(self) -> None:
        breaches = [] if self.items is None else _catalogue(self.items)
        breaches += [] if self.pairs is None else _pairs(self.pairs)
        breaches += _unknown(self.rules.segments, set((self.segments or {}).values()), "segments", "customer")
        if self.items is not None and not breaches:
            known = set(self.items[CATEGORY].dropna().astype(str))
            breaches += _unknown(self.rules.categories, known, "categories", "item")
        elif self.items is None and self.rules.needs_categories:
            breaches.append("rules are about categories or exploration; give items with their category")
        if breaches:
            raise InputError(f"offer: {'; '.join(breaches)}")


def _catalogue(items: "pd.DataFrame") -> list[str]:
    missing = [name for name in (ITEM, CATEGORY) if name not in items]
    if missing:
        return [f"items lack {', '.join(missing)}"]
    absent, twice = int(items[ITEM].isna().sum()), int(items[ITEM].astype(str).duplicated().sum())
    breaches = [f"{absent:,} of {len(items):,} items have no id"] if absent else []
    return breaches + ([f"{twice:,} of {len(items):,} items stand more than once"] if twice else [])


def _pairs(pairs: "pd.DataFrame") -> list[str]:
    missing = [name for name in (CUSTOMER, ITEM, RULE) if name not in pairs]
    if missing:
        return [f"pairs lack {', '.join(missing)}"]
    absent = int(pairs[[CUSTOMER, ITEM]].isna().any(axis=1).sum())
    other = ~pairs[RULE].isin([ALLOW, BLOCK])
    breaches = [f"{absent:,} of {len(pairs):,} pairs lack an id"] if absent else []
    if other.any():
        rules = sorted(set(pairs.loc[other, RULE].astype(str)))
        named = ", ".join(rules) if len(rules) <= _MOST_NAMED else f"{len(rules):,} different ones"
        breaches.append(f"{int(other.sum()):,} pairs have a rule that is neither allow nor block: {named}")
    return breaches


def _unknown(named: set[str], known: set[str], what: str, whose: str) -> list[str]:
    lost = sorted(named - known)
    return [f"rules name {what} that no {whose} has: {', '.join(lost[:10])}"] if lost else []

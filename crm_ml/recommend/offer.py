"""What a list is made under: rules, the catalogue, segments of customers, and single pairs."""

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


@dataclass(frozen=True, eq=False)
class Offer:
    """Everything about items and customers that the events do not say.

    Parameters
    ----------
    rules : Rules
    items : pandas.DataFrame, optional
        The catalogue: item_id and category, optionally brand. Needed by rules about categories and by
        exploration, which recommends its items without a past.
    segments : mapping of str to str, optional
        Segment of a customer, also of customers without events: they get what is popular in it.
    pairs : pandas.DataFrame, optional
        customer_id, item_id and rule (``allow`` or ``block``): what a single customer may or may not get. A
        customer who is allowed something gets nothing else.

    Raises
    ------
    InputError
        If a table lacks a column or holds what is missing or twice, or rules name a category or a segment
        that is not there; the message names all.

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
    found = [f"{absent:,} of {len(items):,} items have no id"] if absent else []
    return found + ([f"{twice:,} of {len(items):,} items stand more than once"] if twice else [])


def _pairs(pairs: "pd.DataFrame") -> list[str]:
    missing = [name for name in (CUSTOMER, ITEM, RULE) if name not in pairs]
    if missing:
        return [f"pairs lack {', '.join(missing)}"]
    absent = int(pairs[[CUSTOMER, ITEM]].isna().any(axis=1).sum())
    other = ~pairs[RULE].isin([ALLOW, BLOCK])
    found = [f"{absent:,} of {len(pairs):,} pairs lack an id"] if absent else []
    if other.any():
        named = ", ".join(sorted(set(pairs.loc[other, RULE].astype(str)))[:5])
        found.append(f"{int(other.sum()):,} pairs have a rule that is neither allow nor block: {named}")
    return found


def _unknown(named: set[str], known: set[str], what: str, whose: str) -> list[str]:
    lost = sorted(named - known)
    return [f"rules name {what} that no {whose} has: {', '.join(lost[:10])}"] if lost else []

"""The difference of two lists as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crm_ml.lists.diff.change_reasons import KINDS, change_in_words


@dataclass(frozen=True)
class ListSummary:
    """One of the two lists: name (of its manifest or its folder), id, day and rows."""

    name: str
    list_id: str
    as_of: str
    rows: int


@dataclass(frozen=True)
class ChangeGroup:
    """Rows of one kind with one reason, and their expected values before and after (minor units)."""

    kind: str
    reason: str
    rows: int
    old_value_cents: int
    new_value_cents: int


@dataclass(frozen=True)
class ChangeExample:
    """One changed row; what it has only on one side is None on the other.

    Parameters
    ----------
    customer_id, kind, reason : str
    old_action, new_action : str or None
        Key of the action, with its channel where it has several.
    old_value_cents, new_value_cents : int or None
    price_of : str or None
        Key of the action whose price is shown: of a moved row the one that explains it.
    old_price_cents, new_price_cents : float or None
        What a row of it paid for the limits that it uses.
    currency : str
        Code of the newer list's currency, whose minor unit the amounts are in.
    """

    customer_id: str
    kind: str
    reason: str
    old_action: str | None
    new_action: str | None
    old_value_cents: int | None
    new_value_cents: int | None
    price_of: str | None
    old_price_cents: float | None
    new_price_cents: float | None
    currency: str = ""

    @property
    def words(self) -> str:
        """Return the reason as a sentence, with the known amounts in the major unit of the currency."""
        prices = (self.old_price_cents, self.new_price_cents)
        values = (self.old_value_cents, self.new_value_cents)
        return change_in_words(self.reason, values, self.price_of, prices, self.currency)


@dataclass(frozen=True)
class Difference:
    """What changed between two lists.

    Parameters
    ----------
    old, new : ListSummary
    ingredients : sequence of str
        Ingredients of the lists that differ, in words; empty where their ids are equal.
    unchanged : int
        Rows with the same customer, action, channel, value and cost.
    expired : int
        Removed or moved rows of the old list that had expired when the new one was made.
    groups : sequence of ChangeGroup
        Added, removed, moved and changed rows by reason, in this order and the largest first.
    moves : mapping of (str or None, str or None) to int
        Rows by the key of the action before and after, None for no row; unchanged rows are included.
    examples : sequence of ChangeExample
        Of each group the rows whose value changed most.
    currency : str
        Code of the currency whose minor unit the amounts are in; empty where no list tells it.
    """

    old: ListSummary
    new: ListSummary
    ingredients: Sequence[str]
    unchanged: int
    expired: int
    groups: Sequence[ChangeGroup]
    moves: Mapping[tuple[str | None, str | None], int]
    examples: Sequence[ChangeExample]
    currency: str = ""

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each kind, the unchanged ones first as ``kept``."""
        kinds = {kind: sum(group.rows for group in self.groups if group.kind == kind) for kind in KINDS}
        return {"kept": self.unchanged, **kinds}

    @property
    def plain(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        moves = [{"from": old, "to": new, "rows": rows} for (old, new), rows in self.moves.items()]
        return {
            "old": asdict(self.old),
            "new": asdict(self.new),
            "same_name": self.old.name == self.new.name,
            "ingredients": list(self.ingredients),
            "rows": self.rows,
            "expired": self.expired,
            "currency": self.currency,
            "groups": [asdict(group) for group in self.groups],
            "moves": moves,
            "examples": [{**asdict(example), "why": example.words} for example in self.examples],
        }

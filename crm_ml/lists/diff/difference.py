"""The difference of two lists as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crm_ml.lists.diff.change_reasons import KINDS, in_words


@dataclass(frozen=True)
class Side:
    """One of the two lists: name (of its manifest or its folder), id, day and rows."""

    name: str
    list_id: str
    as_of: str
    rows: int


@dataclass(frozen=True)
class Group:
    """Rows of one kind with one reason, and their expected values before and after (cents)."""

    kind: str
    reason: str
    rows: int
    old_value_cents: int
    new_value_cents: int


@dataclass(frozen=True)
class Example:
    """One changed row; what it has only on one side is None on the other.

    Parameters
    ----------
    customer_id, kind, reason : str
    old_action, new_action : str or None
        Key of the offering.
    old_value_cents, new_value_cents : int or None
    price_of : str or None
        Offering whose price is told: of a moved row the one that explains it.
    old_price_cents, new_price_cents : float or None
        What a row of it paid for the limits that it uses.
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

    @property
    def words(self) -> str:
        """Say why, with the amounts that are known (in hundredths of the currency)."""
        prices = (self.old_price_cents, self.new_price_cents)
        values = (self.old_value_cents, self.new_value_cents)
        return in_words(self.reason, values, self.price_of, prices)


@dataclass(frozen=True)
class Difference:
    """What changed between two lists.

    Parameters
    ----------
    old, new : Side
    ingredients : sequence of str
        What the lists were made from and is not the same, in words; empty where their ids are equal.
    kept : int
        Rows with the same customer, action, channel, value and cost.
    expired : int
        Rows of the old list that are gone or moved and were void when the new one was made.
    groups : sequence of Group
        Added, removed, moved and changed rows by reason, in this order and the largest first.
    moves : mapping of (str or None, str or None) to int
        Rows by the offering before and after, None for no row; rows that stay included.
    examples : sequence of Example
        Of each group the rows whose value changed most.
    """

    old: Side
    new: Side
    ingredients: Sequence[str]
    kept: int
    expired: int
    groups: Sequence[Group]
    moves: Mapping[tuple[str | None, str | None], int]
    examples: Sequence[Example]

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each kind, those that are kept first."""
        kinds = {kind: sum(one.rows for one in self.groups if one.kind == kind) for kind in KINDS}
        return {"kept": self.kept, **kinds}

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
            "groups": [asdict(one) for one in self.groups],
            "moves": moves,
            "examples": [{**asdict(one), "why": one.words} for one in self.examples],
        }

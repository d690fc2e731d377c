"""The items that an action covers."""

from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.features.event_rows import check_kinds
from crm_ml.tables import Tables
from crm_ml.tables.bundle import to_pandas


@dataclass(frozen=True)
class Covers:
    """Items by a campaign's offers, by category, or by their ids; or kinds of event, which cover no item.

    Parameters
    ----------
    by : {"campaign", "category", "item", "event"}
    names : tuple of str
        Campaigns, categories, items or kinds of event. Without any, nothing is covered.

    Examples
    --------
    >>> Covers("category", ("BEERS/ALES",))
    Covers(by='category', names=('BEERS/ALES',))
    """

    by: Literal["campaign", "category", "item", "event"]
    names: tuple[str, ...]

    def frame(self, tables: Tables) -> "nw.LazyFrame[Any] | None":
        """Return offer_id and item_id, each pair once; a category or an item is an offer of its own.

        Returns
        -------
        narwhals.LazyFrame or None
            None where the tables lack what it takes.
        """
        if self.by == "event":
            return None
        table, key, offer = {
            "campaign": ("offers", "campaign_id", "offer_id"),
            "category": ("items", "category", "category"),
            "item": ("items", "item_id", "item_id"),
        }[self.by]
        if not tables.has(table):
            return None
        rows = tables.frame(table).filter(nw.col(key).is_in(list(self.names)))
        return rows.select(nw.col(offer).alias("offer_id"), "item_id").unique(["offer_id", "item_id"])

    def check(self, tables: Tables) -> None:
        """Refuse categories, items and kinds of event that the tables do not hold.

        Raises
        ------
        InputError
            The message names all of them.
        """
        if self.by == "event":
            return check_kinds(tables, self.names)
        key = {"category": "category", "item": "item_id"}.get(self.by)
        if key is None:
            return
        present = to_pandas(tables.frame("items").select(key).unique(key))[key]
        unknown = sorted(set(self.names) - set(present.dropna()))
        if unknown:
            raise InputError(f"items: no {self.by} {', '.join(unknown)}; take some that stand in the table")

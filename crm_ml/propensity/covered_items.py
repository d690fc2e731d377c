"""The items that an action covers."""

from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.tables import Tables
from crm_ml.tables.bundle import to_pandas


@dataclass(frozen=True)
class Covers:
    """Items by a campaign's offers, by category, or by their ids.

    Parameters
    ----------
    by : {"campaign", "category", "item"}
    names : tuple of str
        Campaigns, categories or items. Without any, nothing is covered.

    Examples
    --------
    >>> Covers("category", ("BEERS/ALES",))
    Covers(by='category', names=('BEERS/ALES',))
    """

    by: Literal["campaign", "category", "item"]
    names: tuple[str, ...]

    def frame(self, tables: Tables) -> "nw.LazyFrame[Any] | None":
        """Return offer_id and item_id, each pair once; a category or an item is an offer of its own.

        Returns
        -------
        narwhals.LazyFrame or None
            None where the tables lack what it takes.
        """
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
        """Refuse categories and items that the tables do not hold.

        Raises
        ------
        InputError
            The message names all of them.
        """
        key = {"category": "category", "item": "item_id"}.get(self.by)
        if key is None:
            return
        present = to_pandas(tables.frame("items").select(key).unique(key))[key]
        unknown = sorted(set(self.names) - set(present.dropna()))
        if unknown:
            raise InputError(f"items: no {self.by} {', '.join(unknown)}; take some that stand in the table")

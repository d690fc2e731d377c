"""What every end of a relationship answers; those that there are stand in `relationship_ends`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import narwhals as nw
from pydantic import Field

from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables

if TYPE_CHECKING:
    import pandas as pd

Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
Groups = dict[str, dict[str, Any]]


class End(Protocol):
    """What an end of a relationship answers."""

    @property
    def table(self) -> str:
        """Table whose newest row says how far labels are known."""
        ...

    @property
    def groups(self) -> Groups:
        """Feature groups that the model and `where` need, with their options."""
        ...

    @property
    def rules(self) -> tuple[str, ...]:
        """Baselines of the rhythm, by the name of their model."""
        ...

    @property
    def words(self) -> str:
        """What the customers who leave do."""
        ...

    def activity(self, tables: Tables) -> "tuple[nw.LazyFrame[Any], str]":
        """Return the rows that make a customer active, and their time column."""
        ...

    def eligible(self, tables: Tables, snapshot: Snapshot, active_within: timedelta) -> "pd.Index[str]":
        """Return the customers who are predicted at a snapshot, in ascending order."""
        ...

    def stayed(self, tables: Tables, snapshot: Snapshot) -> "pd.Index[str]":
        """Return the customers who stay, in ascending order; others than the eligible may be among them."""
        ...

    def where(self, window: Snapshot, active_within: timedelta) -> str:
        """Return the rule over features that holds for the eligible at any day; see `crm_ml.rules.grammar`.

        Of `window` gap and horizon count.
        """
        ...

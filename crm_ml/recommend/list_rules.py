"""Rules of recommendation lists, as plain data."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from crm_ml.tables.strict import Strict

Names = Annotated[tuple[str, ...], Field(strict=False)]
Most = Annotated[int, Field(ge=1)]


class Scope(Strict):
    """Some items, for some customers.

    Parameters
    ----------
    items : tuple of str
        Items by their ids.
    categories : tuple of str
        Categories with all of their items.
    segments : tuple of str
        Segments of customers; everybody without it.
    """

    items: Names = ()
    categories: Names = ()
    segments: Names = ()

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not (self.items or self.categories):
            raise ValueError("name items or categories")
        return self


class ItemCoolDown(Strict):
    """No item again until so many days after its last purchase.

    Parameters
    ----------
    days : float
        Days after a purchase without the item.
    categories : tuple of str
        Where it holds; everywhere without it.
    whole_category : bool
        Whether a purchase blocks all items of the category, for goods that are needed once.
    """

    days: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    categories: Names = ()
    whole_category: bool = False


class Rules(Strict):
    """Rules for every list; without any, all items may be recommended.

    Parameters
    ----------
    allow : tuple of Scope
        Customers in such a scope get only its items.
    block : tuple of Scope
    out_of_stock : tuple of str
        Items that are never recommended.
    cool_down : tuple of ItemCoolDown
    category_caps : dict of str to int
        At most so many items of a category in a list.
    most_per_category : int, optional
        The same for each category that is not named.
    exploration_slots : int
        Last places of each list that go to items without a past (see `crm_ml.recommend.cold_items`).

    Examples
    --------
    >>> Rules(block=[{"categories": ["TOBACCO"]}], most_per_category=3).most_per_category
    3
    """

    allow: Annotated[tuple[Scope, ...], Field(strict=False)] = ()
    block: Annotated[tuple[Scope, ...], Field(strict=False)] = ()
    out_of_stock: Names = ()
    cool_down: Annotated[tuple[ItemCoolDown, ...], Field(strict=False)] = ()
    category_caps: dict[str, Most] = Field(default_factory=dict)
    most_per_category: Most | None = None
    exploration_slots: Annotated[int, Field(ge=0)] = 0

    @property
    def categories(self) -> set[str]:
        """All categories that the rules name."""
        scopes = [entry.categories for entry in (*self.allow, *self.block)]
        rests = [entry.categories for entry in self.cool_down]
        return {name for part in (*scopes, *rests) for name in part} | set(self.category_caps)

    @property
    def segments(self) -> set[str]:
        """All segments that the rules name."""
        return {name for scope in (*self.allow, *self.block) for name in scope.segments}

    @property
    def needs_categories(self) -> bool:
        """Whether items must have categories for the rules to be applied."""
        whole = any(rest.whole_category for rest in self.cool_down)
        return bool(self.categories or self.most_per_category or self.exploration_slots or whole)

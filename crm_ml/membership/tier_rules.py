"""What a tier takes: a sum or a number of orders within a period, how long it holds, and its grace."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crm_ml.tables.strict import Strict

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class Tier(Strict):
    """One tier.

    Parameters
    ----------
    name : str
        As it stands in the column ``member_tier``.
    least : int
        What a member has to reach within a period: minor units of money, or orders.
    """

    name: Name
    least: Annotated[int, Field(ge=0)]


class Period(Strict):
    """The periods in which members qualify.

    Parameters
    ----------
    first_month : int
        Month in which one begins.
    months : int
        Its length; it divides the year.
    """

    first_month: Annotated[int, Field(ge=1, le=12)] = 1
    months: Literal[1, 2, 3, 4, 6, 12] = 12

    def start_of(self, day: date) -> date:
        """Return the first day of the period of a day.

        Examples
        --------
        >>> Period(first_month=4, months=6).start_of(date(2024, 3, 31))
        datetime.date(2023, 10, 1)
        """
        months = day.year * 12 + day.month - 1
        months -= (months - (self.first_month - 1)) % self.months
        return date(months // 12, months % 12 + 1, 1)

    def end_of(self, day: date) -> date:
        """Return the first day after the period of a day."""
        start = self.start_of(day)
        months = start.year * 12 + start.month - 1 + self.months
        return date(months // 12, months % 12 + 1, 1)


class TierRules(Strict):
    """The tiers of a programme.

    Who reaches a tier has it at once, through the rest of the period and the whole next one, and for the
    grace after that.

    Parameters
    ----------
    measure : {"paid_cents", "orders"}
        What counts: money paid, less refunds, or orders.
    tiers : tuple of Tier
        From the lowest, which takes 0, to the highest.
    period : Period
    grace_days : int
        Days of a new period in which a tier that was not renewed still holds.
    """

    measure: Literal["paid_cents", "orders"] = "paid_cents"
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, min_length=2)]
    period: Period = Field(default_factory=Period)
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        least = [tier.least for tier in self.tiers]
        if least[0] != 0 or any(low >= high for low, high in pairwise(least)):
            raise ValueError(f"tiers ascend from one that takes 0, not {least}")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise ValueError("a tier stands twice")
        return self

    def starts(self, as_of: date) -> list[date]:
        """Return where the three periods begin that decide about a day, its own last, and where that ends.

        The oldest one counts within the grace alone.
        """
        own = self.period.start_of(as_of)
        before = self.period.start_of(own - timedelta(days=1))
        return [self.period.start_of(before - timedelta(days=1)), before, own, self.period.end_of(as_of)]

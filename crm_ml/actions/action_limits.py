"""When an action is offered, and how often."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from crm_ml.actions.field_types import Count
from crm_ml.tables.strict import Strict


class ActionLimits(Strict):
    """The days on which an action is offered, and how many customers may get it.

    Parameters
    ----------
    valid_from : date, optional
        First day of the offer, in the zone of the tables.
    valid_until : date, optional
        Last day of the offer, in the zone of the tables.
    stock : int, optional
        Offers there are in all; contacts of the action on record count against it.
    expires_after_days : int
        A row of the list is void this many days after ``as_of``.
    daily_cap : int, optional
        At most this many rows in one list.
    minimum : int, optional
        At least this many rows in one list.
    """

    valid_from: date | None = None
    valid_until: date | None = None
    stock: Count | None = None
    expires_after_days: Annotated[int, Field(ge=1, le=365)]
    daily_cap: Count | None = None
    minimum: Count | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        breaches = crossed(self.daily_cap, self.minimum)
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            breaches.append(f"valid_until {self.valid_until} lies before valid_from {self.valid_from}")
        if breaches:
            raise ValueError("; ".join(breaches))
        return self

    def offered(self, as_of: datetime) -> bool:
        """Say whether the offer runs at a moment."""
        begun = self.valid_from is None or _midnight(self.valid_from, as_of) <= as_of
        return begun and (self.valid_until is None or as_of < _end(self.valid_until, as_of))

    def expires_at(self, as_of: datetime) -> datetime:
        """Return when a row made at `as_of` becomes void: after its days or when the offer ends."""
        after_days = as_of + timedelta(days=self.expires_after_days)
        return after_days if self.valid_until is None else min(after_days, _end(self.valid_until, as_of))


def crossed(daily_cap: int | None, minimum: int | None) -> list[str]:
    """Return what is wrong with a cap and a minimum: nothing, or that no list can meet them."""
    if daily_cap is None or minimum is None or minimum <= daily_cap:
        return []
    return [f"minimum {minimum} lies above daily_cap {daily_cap}"]


def _midnight(day: date, as_of: datetime) -> datetime:
    """Return when a day begins in the zone of `as_of`."""
    return datetime.combine(day, time(), as_of.tzinfo)


def _end(day: date, as_of: datetime) -> datetime:
    return _midnight(day, as_of) + timedelta(days=1)

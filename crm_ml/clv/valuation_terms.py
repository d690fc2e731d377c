"""Terms of a lifetime value: horizon, discount and margin."""

import math
from dataclasses import dataclass
from datetime import timedelta

from crm_ml.clv.time_units import months


@dataclass(frozen=True)
class Terms:
    """Horizon, discount and margin of a lifetime value.

    Parameters
    ----------
    horizon : timedelta or None
        None for an infinite horizon.
    annual_discount_rate : float
    margin : float
        Share of the spend that is earned.
    """

    horizon: timedelta | None
    annual_discount_rate: float = 0.0
    margin: float = 1.0

    @classmethod
    def of_months(cls, count: float | None, annual_discount_rate: float, margin: float) -> "Terms":
        """Return terms of a number of months; None for an infinite horizon."""
        return cls(None if count is None else months(count), annual_discount_rate, margin)

    @property
    def length(self) -> timedelta | float:
        """The horizon as `crm_ml.clv.lifetime_value` takes it."""
        return math.inf if self.horizon is None else self.horizon

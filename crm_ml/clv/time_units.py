"""Units of time: a summary is in days or weeks, horizons are times, rates are annual."""

import math
from datetime import timedelta
from typing import Literal

import numpy as np

from crm_ml.errors import InputError

TimeUnit = Literal["D", "W"]
Horizon = timedelta | float
DAYS: dict[str, int] = {"D": 1, "W": 7}
NAMES = {"D": "days", "W": "weeks"}
YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12


def months(count: float) -> timedelta:
    """Return a number of months as a time; a month is 365.25 / 12 days.

    Raises
    ------
    InputError
        If it is not positive, or above the range of timedelta (2.7 million years).

    Examples
    --------
    >>> months(12)
    datetime.timedelta(days=365, seconds=21600)
    """
    if not 0 < count * MONTH_DAYS <= timedelta.max.days:
        raise InputError(f"months is {count}; it must be positive, and math.inf is a horizon of its own")
    return timedelta(days=count * MONTH_DAYS)


def check_unit(time_unit: str) -> int:
    """Return the number of days of a unit.

    Raises
    ------
    InputError
        If it is neither ``"D"`` nor ``"W"``.
    """
    if time_unit not in DAYS:
        raise InputError(f"time_unit is {time_unit!r}; it must be D (days) or W (weeks)")
    return DAYS[time_unit]


def in_units(horizon: Horizon, time_unit: str | None) -> float:
    """Return a horizon as a number of units of time.

    Parameters
    ----------
    horizon : timedelta or float
        A time, or a number in the unit already; ``inf`` for an infinite horizon.
    time_unit : {"D", "W"} or None
        Of the summary; None where it is not known.

    Raises
    ------
    InputError
        If it is not positive, neither a time nor a number, or a time and the unit is not known.

    Examples
    --------
    >>> in_units(timedelta(days=14), "W"), in_units(39, "W")
    (2.0, 39.0)
    """
    if isinstance(horizon, timedelta):
        if time_unit is None:
            raise InputError(
                f"horizon is the time {horizon}, but the summary does not say its unit; give a number in its "
                'unit, or set summary.attrs["time_unit"] to "D" or "W"'
            )
        length = horizon / timedelta(days=check_unit(time_unit))
    elif isinstance(horizon, int | float | np.integer | np.floating) and not isinstance(
        horizon, np.timedelta64
    ):
        length = float(horizon)
    else:
        raise InputError(f"horizon is {horizon!r}; it must be a datetime.timedelta or a number")
    if math.isnan(length) or length <= 0:
        raise InputError(f"horizon is {horizon}; it must be positive")
    return length


def time_unit_of(summary: object) -> str | None:
    """Return the unit of time that `crm_ml.clv.summarize` stored on a summary, None if there is none."""
    unit = getattr(summary, "attrs", {}).get("time_unit")
    return str(unit) if unit in DAYS else None

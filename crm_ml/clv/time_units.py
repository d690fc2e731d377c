"""Units of time: a summary is in hours, days, weeks or months, horizons are times, rates are annual."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

TimeUnit = Literal["h", "D", "W", "M"]
Horizon = timedelta | float
Floats = npt.NDArray[np.float64]
if TYPE_CHECKING:
    import pandas as pd

    Horizons = pd.Series[Any] | Sequence[Horizon] | npt.NDArray[Any]
YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12
DAYS: dict[str, float] = {"h": 1 / 24, "D": 1, "W": 7, "M": MONTH_DAYS}
NAMES = {"h": "hours", "D": "days", "W": "weeks", "M": "months"}


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


def check_unit(time_unit: str) -> float:
    """Return the number of days of a unit.

    Raises
    ------
    InputError
        If there is no such unit.
    """
    if time_unit not in DAYS:
        raise InputError(
            f"time_unit is {time_unit!r}; it must be h (hours), D (days), W (weeks) or M (months)"
        )
    return DAYS[time_unit]


def in_units(horizon: Horizon, time_unit: str | None) -> float:
    """Return a horizon as a number of units of time.

    Parameters
    ----------
    horizon : timedelta or float
        A time, or a number in the unit already; ``inf`` for an infinite horizon.
    time_unit : {"h", "D", "W", "M"} or None
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
                'unit, or set summary.attrs["time_unit"] to "D", "W", "M" or "h"'
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


def each_in_units(
    horizon: "Horizon | Horizons", time_unit: str | None, index: "pd.Index[Any]"
) -> float | Floats:
    """Return a horizon, or one of each customer, as numbers of units of time.

    Parameters
    ----------
    horizon : timedelta or float, or Series or sequence of n of them
        A Series with the labels of `index` is put into their order; others are taken by position.
    time_unit : {"h", "D", "W", "M"} or None
    index : pandas.Index, of n customers

    Raises
    ------
    InputError
        As `in_units`, and if horizons are not as many as customers, or some are missing or not positive.
    """
    import pandas as pd

    if isinstance(horizon, timedelta | int | float | np.number | np.timedelta64 | str) or horizon is None:
        return in_units(horizon, time_unit)
    values = pd.Series(horizon, index=None if isinstance(horizon, pd.Series) else range(len(horizon)))
    if isinstance(horizon, pd.Series) and not values.index.equals(index) and values.index.is_unique:
        values = values.reindex(index)
    if len(values) != len(index):
        raise InputError(f"horizon has {len(values):,} values for {len(index):,} customers; give one of each")
    if values.dtype.kind in "mO":
        if time_unit is None:
            return np.full(len(values), in_units(timedelta(days=1), time_unit))  # refused
        values = pd.to_timedelta(values) / pd.Timedelta(days=float(check_unit(time_unit)))
    lengths = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = int((~(lengths > 0)).sum())
    if wrong:
        raise InputError(f"horizon is missing or not positive for {wrong:,} of {len(lengths):,} customers")
    return lengths


def time_unit_of(summary: object) -> str | None:
    """Return the unit of time that `crm_ml.clv.summarize` stored on a summary, None if there is none."""
    unit = getattr(summary, "attrs", {}).get("time_unit")
    return str(unit) if unit in DAYS else None

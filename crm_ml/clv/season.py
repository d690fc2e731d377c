"""Season: repeat purchases by calendar month beside what a purchase model without seasons expects."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv.purchase_calendar import Calendar, purchase_calendar
from crm_ml.clv.purchase_histories import Floats, Ints
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import DAYS

if TYPE_CHECKING:
    import pandas as pd

YEAR = 365
MONTHS = 12
_MOST = 20_000
_LEAST_DAYS = 14
_LEAST_EXPECTED = 5.0
LEAST_FACTOR = 1.25
_CLEAR = 2.575829  # standard errors that chance exceeds in 1 of 100 worlds


@dataclass(frozen=True)
class Season:
    """What is known of the months ahead.

    Parameters
    ----------
    factor : float
        Repeat purchases in the horizon's calendar months over what a model without seasons expects of them,
        relative to the whole span; NaN where some of these months were not seen.
    z : float
        Its logarithm over its standard error.
    unseen_days : int
        Days of the horizon in calendar months that were not seen.
    swing : float
        The highest of the months that were seen over the lowest.
    swing_z : float
        The largest departure of a month from 1, in standard errors.
    months : int
        Calendar months that were seen.
    whole_year : bool
        Whether all months were seen, over a year or more.
    """

    factor: float
    z: float
    unseen_days: int
    swing: float
    swing_z: float
    months: int
    whole_year: bool

    @property
    def is_clear(self) -> bool:
        """Whether the months ahead are known, and differ by a quarter or more and not by chance."""
        if not self.factor > 0:  # NaN where months were not seen
            return False
        return max(self.factor, 1 / self.factor) > LEAST_FACTOR and abs(self.z) > _CLEAR


def seasonal_factor(
    model: PurchaseModel, summary: "pd.DataFrame", orders: Any, as_of: datetime, horizon: timedelta
) -> float:
    """Return the factor of the months ahead; 1 where it is not clear, or no whole earlier year is known.

    Parameters: as `season`, with the orders until `as_of` in place of their calendar.
    """
    unit = DAYS[str(summary.attrs["time_unit"])]
    if float(summary["T"].max()) * unit + 1 < YEAR or horizon >= timedelta(days=YEAR):
        return 1.0
    known = season(model, summary, purchase_calendar(orders, as_of, summary), horizon)
    return known.factor if known is not None and known.whole_year and known.is_clear else 1.0


@dataclass(frozen=True, eq=False)
class _Months:
    """Observed and expected repeat purchases by calendar month, 0 for January, each shape (12,)."""

    observed: Floats
    expected: Floats
    residuals: Floats  # of each customer, shape (n, 12)
    days: Ints


def season(
    model: PurchaseModel, summary: "pd.DataFrame", calendar: Calendar, horizon: timedelta
) -> Season | None:
    """Compare calendar months; None where less than two of them were seen, or nobody bought again.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to `summary`.
    summary : pandas.DataFrame
    calendar : Calendar
        Of its customers.
    horizon : timedelta

    Notes
    -----
    What is expected of a month is the sum over customers of ``E[X(t)]`` between its ends, unconditional on
    their histories, so growth, fading and drop-out are no season. Standard errors are those of sums over
    customers. Of more than 20,000 customers every so many are taken.
    """
    counted = _months(model, summary, calendar)
    seen = (counted.days >= _LEAST_DAYS) & (counted.expected >= _LEAST_EXPECTED)
    if int(seen.sum()) < 2 or not counted.observed[seen].any():
        return None
    level = counted.observed[seen].sum() / counted.expected[seen].sum()
    expected = counted.expected * level
    index = counted.observed[seen] / expected[seen]
    errors = np.sqrt((counted.residuals[:, seen] ** 2).sum(axis=0)) / expected[seen]
    ahead = _days_ahead(calendar, horizon)
    unseen = int(ahead[~seen].sum())
    factor, z = math.nan, 0.0
    if not unseen:
        share = ahead[seen] / ahead.sum()
        factor = float(share @ index)
        each = counted.residuals[:, seen] @ (share / expected[seen])
        z = (factor - 1) / max(math.sqrt(float(each @ each)), 1e-12)
    days = int(calendar.days_ago.max()) + 1
    return Season(
        factor,
        z,
        unseen,
        float(index.max() / max(index.min(), 1e-12)),
        float(np.abs((index - 1) / np.maximum(errors, 1e-12)).max()),
        int(seen.sum()),
        bool(seen.all()) and days >= YEAR,
    )


def _months(model: PurchaseModel, summary: "pd.DataFrame", calendar: Calendar) -> _Months:
    step = max(math.ceil(len(summary) / _MOST), 1)
    unit = DAYS[str(summary.attrs["time_unit"])]
    ages = np.round(summary["T"].to_numpy()[::step] * unit).astype(np.int64)
    span = int(ages.max())
    day_month = _calendar_months(calendar, span)
    weekly = np.arange(0, span + 7, 7)
    curve = np.interp(np.arange(span + 1), weekly, model.expected_since_first((weekly / unit).tolist()))
    edges = np.flatnonzero(np.diff(day_month, prepend=-1, append=-1))  # of whole days from the first one
    since = np.clip(edges[None, :] - 1 - (span - ages[:, None]), 0, span)
    between = np.diff(curve[since], axis=1)
    expected = np.zeros((len(ages), MONTHS))
    np.add.at(expected.T, day_month[edges[:-1]], between.T)
    use = calendar.is_repeat & (calendar.row % step == 0)
    row, day = calendar.row[use] // step, span - calendar.days_ago[use]
    observed = np.zeros_like(expected)
    np.add.at(observed, (row, day_month[day]), 1.0)
    scale = observed.sum() / max(expected.sum(), 1e-12)
    return _Months(
        observed.sum(axis=0),
        expected.sum(axis=0),
        observed - expected * scale,
        np.bincount(day_month, minlength=MONTHS),
    )


def _calendar_months(calendar: Calendar, span: int) -> Ints:
    """Return the month, 0 for January, of each day from the first one to the last before `as_of`."""
    days = np.datetime64(calendar.as_of.date()) - 1 - np.arange(span, -1, -1)
    return np.asarray(days.astype("datetime64[M]").astype(np.int64) % MONTHS)


def _days_ahead(calendar: Calendar, horizon: timedelta) -> Ints:
    """Return how many days of the horizon lie in each calendar month, at most a year of them."""
    count = min(max(horizon // timedelta(days=1), 1), YEAR)
    days = np.datetime64(calendar.as_of.date()) + np.arange(count)
    return np.bincount(days.astype("datetime64[M]").astype(np.int64) % MONTHS, minlength=MONTHS)

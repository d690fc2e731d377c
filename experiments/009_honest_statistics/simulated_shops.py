"""Customers simulated day by day, of whom the right answer is known; no likelihood of the package is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_ml.clv.purchase_calendar import Calendar

Floats = npt.NDArray[np.float64]
AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
_MOST = 3_000


@dataclass(frozen=True, kw_only=True)
class Shop:
    """How customers come, buy and leave.

    Parameters
    ----------
    customers, known, ahead : int
        Customers who come on uniform days of the known span, and days after it.
    r, gap : float
        Rates vary as Gamma(r) around one purchase every `gap` days.
    coin : (float, float)
        Mean and size of the Beta distribution of dropping out after a repeat purchase; mean 0 for never.
    lifetime : (float, float), optional
        Shape and mean of the Gamma distribution of rates of dropping out, as days; none for coins.
    shape : float
        Of the Gamma gaps between purchases: 1 is chance.
    months : sequence of float, optional
        Share of purchases that are made in each calendar month; all by default.
    newer : float
        Rate of customers of the second half of the span over that of the first.
    all_at_once : bool
        Whether all customers come on the first day.
    """

    customers: int = 1000
    known: int = 300
    ahead: int = 91
    r: float = 0.8
    gap: float = 30.0
    coin: tuple[float, float] = (0.15, 4.0)
    lifetime: tuple[float, float] | None = None
    shape: float = 1.0
    months: Sequence[float] | None = None
    newer: float = 1.0
    all_at_once: bool = False


@dataclass(frozen=True, eq=False)
class World:
    """Summary in days with log_gaps, calendar, later purchases (days with one), and days since who left."""

    summary: pd.DataFrame
    calendar: Calendar
    later: npt.NDArray[np.int64]
    gone_for: Floats  # days before the end of the known span; negative or 0 for customers who are alive


def simulate(shop: Shop, rng: np.random.Generator) -> World:
    """Return a simulated world."""
    n = shop.customers
    age = np.full(n, shop.known) if shop.all_at_once else rng.integers(0, shop.known, n)
    rate = rng.gamma(shop.r, 1 / (shop.gap * shop.r), n) * np.where(age < shop.known / 2, shop.newer, 1.0)
    ends = _ends(shop, rng)
    rows, ago, later, gone = [], [], np.zeros(n, dtype=np.int64), np.zeros(n)
    for i in range(n):
        at, left = _days(shop, float(rate[i]), int(age[i]), ends[i], rng)
        days = np.unique(np.concatenate([[0], at]).astype(np.int64))
        past = days[days <= age[i]]
        rows.append(np.full(len(past), i))
        ago.append(age[i] - past)
        later[i], gone[i] = len(days) - len(past), age[i] - left
    calendar = Calendar(AS_OF, np.concatenate(rows), np.concatenate(ago).astype(np.int64), n)
    last = np.array([part[-1] for part in ago])
    columns = {"frequency": [len(part) - 1 for part in ago], "recency": (age - last) * 1.0, "T": age * 1.0}
    summary = pd.DataFrame(columns).assign(log_gaps=calendar.log_gaps(1))
    summary.attrs["time_unit"] = "D"
    return World(summary, calendar, later, gone)


def _ends(shop: Shop, rng: np.random.Generator) -> Floats:
    """Return what ends each customer: a lifetime in days, or the chance of a coin."""
    n = shop.customers
    if shop.lifetime is not None:
        shape, mean = shop.lifetime
        return np.asarray(rng.standard_exponential(n) / rng.gamma(shape, 1 / (shape * mean), n))
    mean, size = shop.coin
    return np.zeros(n) if mean == 0 else rng.beta(mean * size, (1 - mean) * size, n)


def _days(shop: Shop, rate: float, age: int, end: float, rng: np.random.Generator) -> tuple[Floats, float]:
    """Return the days since the first one on which a customer buys, and the day of dropping out."""
    until, left = age + shop.ahead, np.inf
    count = min(int(until * rate * 2) + 30, _MOST)
    at = np.cumsum(rng.gamma(shop.shape, 1 / shop.shape, count)) / max(rate, 1e-9)
    if shop.lifetime is not None:
        at, left = at[at <= end], end
    elif end > 0:
        until_coin = int(rng.geometric(end))
        left = float(at[until_coin - 1]) if until_coin <= count else np.inf
        at = at[:until_coin]
    at = np.floor(at[at < until + 1])
    if shop.months is not None and len(at):
        dates = pd.DatetimeIndex(AS_OF - timedelta(days=age + 1) + pd.to_timedelta(at, unit="D"))
        at = at[rng.random(len(at)) < np.asarray(shop.months)[dates.month - 1]]
    return at, left

"""The settings of a simulated world, and the constants that all worlds share."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
START = datetime(2023, 1, 1, tzinfo=UTC)  # a Sunday
START_S = int(START.timestamp())
DAY_S = 86_400
CHUNK = 50_000
CHANNELS = ("referral", "search", "social", "store")
CHANNEL_SHARES = (0.15, 0.4, 0.3, 0.15)
# how often customers of a channel buy and drop out, beside the mean of all; scaled by channel_quality
CHANNEL_RATE = (1.5, 1.0, 0.7, 1.2)
CHANNEL_DROPOUT = (0.6, 1.0, 1.5, 0.8)
PURCHASES = {"r": 0.7, "alpha": 8.0, "a": 0.7, "b": 2.6}  # weeks
SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}  # major unit
ARMS = ("control", "coupon", "reminder")
ARM_SHARES = (0.5, 0.25, 0.25)
WINDOW_DAYS = 14
_LEAST_DAYS = 112


@dataclass(frozen=True)
class World:
    """Settings of a simulated world.

    Parameters
    ----------
    customers, seed : int
    days : int
        Length of the history, from 2023-01-01 on.
    lines_per_order : float
        Mean.
    rhythm : float
        From 0, every day alike, to 1: how much weekday and season matter.
    channel_quality : float
        From 0, all channels alike, to 1: how much customers differ by channel of acquisition.
    campaigns : int
        Randomised campaigns, spread over the second half of the days.
    events_per_customer : float
        Mean number of visits, views and carts.

    Raises
    ------
    InputError
        With everything that is out of range.
    """

    customers: int = 20_000
    seed: int = 0
    days: int = 728
    lines_per_order: float = 5.0
    rhythm: float = 1.0
    channel_quality: float = 1.0
    campaigns: int = 8
    events_per_customer: float = 3.0

    def __post_init__(self) -> None:
        ranges = {
            "customers": (1, 10**8),
            "seed": (0, 2**63),
            "days": (_LEAST_DAYS, 36_500),
            "lines_per_order": (1, 30),
            "rhythm": (0, 1),
            "channel_quality": (0, 1),
            "campaigns": (0, self.most_campaigns),
            "events_per_customer": (0, 1000),
        }
        breaches = [
            f"{setting.name} is {getattr(self, setting.name)!r}; it must lie within {low:g} and {high:g}"
            for setting in fields(self)
            for low, high in [ranges[setting.name]]
            if not _within(getattr(self, setting.name), low, high, whole=setting.type in ("int", int))
        ]
        if breaches:
            raise InputError("simulated: " + "; ".join(breaches))

    @property
    def most_campaigns(self) -> int:
        """How many campaigns of 14 days fit one after the other into the second half of the days."""
        return max(int(self.days // 2 // WINDOW_DAYS) - 1, 0) if isinstance(self.days, int | float) else 0

    @property
    def campaign_days(self) -> list[int]:
        """Day on which each campaign is drawn, counted from the start."""
        first, last = self.days // 2, self.days - WINDOW_DAYS - 1
        return [int(day) for day in np.linspace(first, last, self.campaigns)]

    @property
    def chunks(self) -> int:
        """Number of chunks of customers; each has a generator of its own."""
        return -(-self.customers // CHUNK)


def epoch_s(day: Floats) -> Ints:
    """Return the time of a day, counted from the start, in whole epoch seconds."""
    return START_S + np.floor(day * DAY_S).astype(np.int64)


def _within(value: object, low: float, high: float, whole: bool) -> bool:
    kinds = (int, np.integer) if whole else (int, float, np.number)
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= float(value) <= high

"""Weekdays and seasons, as a clock that runs faster where customers buy more."""

from dataclasses import dataclass

import numpy as np

from crm_ml.datasets._simulation.world import Floats, World

_WEEKDAY = (0.8, 0.7, 0.8, 0.9, 1.0, 1.3, 1.5)  # from Sunday on
_SEASON = 0.35  # at most so much above the mean, in mid-December
_PEAK_DAY = 349
_OPENS, _HOURS = 7.0, 15.0


@dataclass(frozen=True, eq=False)
class Clock:
    """Calendar days to and from operational days, in which purchases come at constant rates.

    Parameters
    ----------
    ends : numpy.ndarray, shape (days + 1,)
        Operational time at the start of each calendar day.
    bent : bool
        Whether orders keep to opening hours.
    """

    ends: Floats
    bent: bool

    @classmethod
    def of(cls, world: World) -> "Clock":
        """Return the clock of a world; its mean speed over all days is 1."""
        day = np.arange(world.days)
        season = 1 + _SEASON * np.cos(2 * np.pi * (day - _PEAK_DAY) / 365.25)
        speed = np.asarray(_WEEKDAY)[day % 7] * season
        speed = 1 + world.rhythm * (speed / speed.mean() - 1)
        return cls(np.append(0.0, np.cumsum(speed)) * world.days / speed.sum(), world.rhythm > 0)

    def operational(self, day: Floats) -> Floats:
        """Return the operational time of calendar days."""
        return np.interp(day, np.arange(len(self.ends)), self.ends)

    def calendar(self, time: Floats) -> Floats:
        """Return the calendar days of operational times, within opening hours."""
        day = np.interp(time, self.ends, np.arange(len(self.ends)))
        if not self.bent:
            return day
        whole = np.floor(day)
        return whole + (_OPENS + _HOURS * (day - whole)) / 24

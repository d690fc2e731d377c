"""Clocks of time zones: what the hour of the week is at a moment, and when the coming hours start.

Zones are those of the IANA data base that `zoneinfo` knows. Hours of the week are numbered from Monday 0:00
(0) to Sunday 23:00 (167) by the local clock.
"""

import difflib
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

from crm_ml.errors import ConfigError

HOUR_S = 3600
WEEK_HOURS = 168
_QUARTER_S = 900  # every offset from UTC since 1972 is a multiple of it
MONDAY_S = 3 * 86_400  # 1970-01-01 was a Thursday
_STEP_S = 86_400


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones, without the machine's own."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def check_zone(name: str) -> str:
    """Return the name of a zone.

    Raises
    ------
    ConfigError
        If there is no such zone, with the nearest name.

    Examples
    --------
    >>> check_zone("America/NewYork")
    Traceback (most recent call last):
    ...
    crm_ml.errors.ConfigError: there is no time zone 'America/NewYork'; did you mean 'America/New_York'?
    """
    if name in zone_names():
        return name
    near = difflib.get_close_matches(name, sorted(zone_names()), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "take an IANA name such as Europe/Berlin"
    raise ConfigError(f"there is no time zone {name!r}; {hint}")


def offset_s(zone: str, epoch_s: int) -> int:
    """Return how many seconds the local clock is ahead of UTC at a moment."""
    offset = datetime.fromtimestamp(epoch_s, UTC).astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def hour_of_week(local_s: int) -> int:
    """Return the hour of the week of a local time (epoch seconds plus offset).

    Examples
    --------
    >>> hour_of_week(0), hour_of_week(4 * 86400)  # Thursday and Monday, midnight
    (72, 0)
    """
    return (local_s + MONDAY_S) // HOUR_S % WEEK_HOURS


def offset_changes(zone: str, first_s: int, last_s: int) -> list[tuple[int, int]]:
    """Return the start (epoch seconds) and the offset (seconds) of each offset from `first_s` to `last_s`.

    Examples
    --------
    >>> offset_changes("Europe/Berlin", 1704067200, 1735689599)  # the year 2024
    [(1704067200, 3600), (1711846800, 7200), (1729990800, 3600)]
    """
    changes = [(first_s, offset_s(zone, first_s))]
    low = first_s
    while low < last_s:
        high = min(low + _STEP_S, last_s)
        if offset_s(zone, high) != changes[-1][1]:
            changes.append(_change(zone, low, high))
        low = high
    return changes


def hour_starts(zone: str, start_s: int, end_s: int) -> Iterator[tuple[int, int]]:
    """Give the moments in ``[start_s, end_s)`` at which an hour of the local clock starts.

    An hour starts at its full hour, or where a change of the clock leads into it; the hour that is repeated
    in autumn starts twice.

    Parameters
    ----------
    zone : str
    start_s, end_s : int
        Epoch seconds.

    Yields
    ------
    tuple of int
        Epoch seconds and hour of the week.
    """
    first = -(-start_s // _QUARTER_S) * _QUARTER_S
    before = offset_s(zone, first - 1)
    for moment in range(first, end_s, _QUARTER_S):
        offset = offset_s(zone, moment)
        local = moment + offset
        if local % HOUR_S == 0 or local // HOUR_S != (moment - 1 + before) // HOUR_S:
            yield moment, hour_of_week(local)
        before = offset


def _change(zone: str, low: int, high: int) -> tuple[int, int]:
    """Find the second of the change between two moments with different offsets."""
    old, new = offset_s(zone, low), offset_s(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_s(zone, middle) == old else (low, middle)
    return high, new

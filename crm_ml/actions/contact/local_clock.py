"""Clocks of time zones: what the hour of the week is at a moment, and when the coming hours start.

Zones are those of the IANA data base that `zoneinfo` knows. Hours of the week are numbered from Monday 0:00
(0) to Sunday 23:00 (167) by the local clock.
"""

import difflib
import zoneinfo
from collections.abc import Iterator
from functools import cache

from crm_ml.errors import ConfigError
from crm_ml.tables.zones import QUARTER_S, offset_s

HOUR_S = 3600
WEEK_HOURS = 168
MONDAY_S = 3 * 86_400  # 1970-01-01 was a Thursday


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


def hour_of_week(local_s: int) -> int:
    """Return the hour of the week of a local time (epoch seconds plus offset).

    Examples
    --------
    >>> hour_of_week(0), hour_of_week(4 * 86400)  # Thursday and Monday, midnight
    (72, 0)
    """
    return (local_s + MONDAY_S) // HOUR_S % WEEK_HOURS


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
    first = -(-start_s // QUARTER_S) * QUARTER_S
    before = offset_s(zone, first - 1)
    for moment in range(first, end_s, QUARTER_S):
        offset = offset_s(zone, moment)
        local = moment + offset
        if local % HOUR_S == 0 or local // HOUR_S != (moment - 1 + before) // HOUR_S:
            yield moment, hour_of_week(local)
        before = offset

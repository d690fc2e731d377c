"""The clock of a time zone: its offsets from UTC, and columns of tables on it.

A day, a weekday or an hour is one of the zone that tables declare. So tables of another zone than UTC have,
beside ``<name>_epoch_s``, the column ``<name>_local_s``: what the clock there shows, as whole seconds since
1970-01-01 0:00. A day of it has 86,400 seconds always, also where the clock is changed. Offsets come from
the data base of `zoneinfo` alone, so that all engines compute the same integers.
"""

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.contract import contracts

QUARTER_S = 900  # every offset from UTC since 1972 is a multiple of it
_STEP_S = 86_400
_FIRST_S, _LAST_S = -2_208_988_800, 4_102_444_800  # 1900 and 2100; times beyond have the offset at that end
_OF_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})


def zone_name(name: str) -> str:
    """Return the name of a zone, one for all names of UTC.

    Raises
    ------
    ConfigError
        If there is no such zone.

    Examples
    --------
    >>> zone_name("Etc/UTC"), zone_name("Asia/Kolkata")
    ('UTC', 'Asia/Kolkata')
    """
    key: str = _info(name).key
    return "UTC" if key in _OF_UTC else key


def declared(zone: str) -> dict[str, str]:
    """Return what files say of a zone: ``timezone``, and nothing of UTC."""
    return {} if zone == "UTC" else {"timezone": zone}


def moment_in(zone: str, moment: str | date | datetime) -> datetime:
    """Convert a date or time to a zone; a date is its midnight there and a naive time is one of the zone.

    Times of other zones than UTC count days by the clock: a day later is the same hour of the next day.

    Raises
    ------
    InputError
        If the text is no ISO 8601 date or time.
    ConfigError
        If there is no such zone.

    Examples
    --------
    >>> moment_in("America/New_York", "2024-03-10").isoformat()
    '2024-03-10T00:00:00-05:00'
    """
    moment = _parsed(moment)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    info = UTC if zone in _OF_UTC else _info(zone)
    return moment.replace(tzinfo=info) if moment.tzinfo is None else moment.astimezone(info)


def on_clock_of(zone: str, moment: str | date | datetime) -> datetime:
    """Return what the clock of a zone shows at a moment, written as a time in UTC, as a snapshot reads it.

    Dates, times without a zone and times in UTC are on that clock already. Raises as `moment_in`.

    Examples
    --------
    >>> on_clock_of("America/New_York", "2024-03-10T07:00:00+02:00").isoformat()
    '2024-03-10T00:00:00+00:00'
    """
    parsed = _parsed(moment)
    if isinstance(parsed, datetime) and str(parsed.tzinfo) in _OF_UTC:
        return parsed.replace(tzinfo=UTC)
    return moment_in(zone, parsed).replace(tzinfo=UTC)


def offset_s(zone: str, epoch_s: int) -> int:
    """Return how many seconds the local clock is ahead of UTC at a moment."""
    offset = datetime.fromtimestamp(epoch_s, UTC).astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


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


def with_clocks(name: str, native: Any, zone: str) -> Any:
    """Return a native frame of a table with ``<column>_local_s`` for each of its times, where it lacks them.

    Parameters
    ----------
    name : str
        Of the table; only times of its contract have a clock.
    native : frame of DuckDB, pandas or Polars
    zone : str
    """
    frame = nw.from_native(native)
    schema = frame.collect_schema()
    times = [column.name for column in contracts()[name].columns if column.kind == "time"]
    numbers = {column for column, kind in schema.items() if kind.is_numeric()}  # others are refused when used
    missing = [at for at in times if f"{at}_epoch_s" in numbers and f"{at}_local_s" not in schema]
    if not missing:
        return native
    seconds = {at: nw.col(f"{at}_epoch_s") for at in missing}
    ends = {f"{end}_{at}": getattr(value, end)() for at, value in seconds.items() for end in ("min", "max")}
    span = frame.lazy().select(**ends).collect(backend="pyarrow").rows(named=True)[0]
    clocks = {
        f"{at}_local_s": value + _offset(value, _changes(zone, span[f"min_{at}"], span[f"max_{at}"]))
        for at, value in seconds.items()
    }
    return frame.with_columns(**clocks).to_native()


def on_clock(frame: "nw.LazyFrame[Any]", at: str) -> "nw.LazyFrame[Any]":
    """Return rows whose ``<at>_epoch_s`` is on the clock of the zone of their tables; unchanged in UTC."""
    local, epoch = f"{at}_local_s", f"{at}_epoch_s"
    if local not in frame.collect_schema().names():
        return frame
    return frame.with_columns(nw.col(local).alias(epoch)).drop(local)


def _info(zone: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise ConfigError(f"{zone!r} is no time zone; write one such as Europe/Berlin") from error


def _parsed(moment: str | date | datetime) -> date | datetime:
    if not isinstance(moment, str):
        return moment
    try:
        return datetime.fromisoformat(moment)
    except ValueError as error:
        raise InputError(f"{moment!r} is no date; write it as YYYY-MM-DD") from error


def _changes(zone: str, first_s: Any, last_s: Any) -> list[tuple[int, int]]:
    if first_s is None or first_s != first_s:
        return [(0, 0)]
    first, last = (max(_FIRST_S, min(int(moment), _LAST_S)) for moment in (first_s, last_s))
    return offset_changes(zone, first, last)


def _offset(at: nw.Expr, changes: Sequence[tuple[int, int]]) -> nw.Expr:
    """Return the offset at a time, by binary search among the changes."""
    if len(changes) == 1:
        return nw.lit(changes[0][1]).cast(nw.Int64)
    middle = len(changes) // 2
    early, late = _offset(at, changes[:middle]), _offset(at, changes[middle:])
    return nw.when(at < changes[middle][0]).then(early).otherwise(late)


def _change(zone: str, low: int, high: int) -> tuple[int, int]:
    """Find the second of the change between two moments with different offsets."""
    old, new = offset_s(zone, low), offset_s(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_s(zone, middle) == old else (low, middle)
    return high, new

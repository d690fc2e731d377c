"""What counts as one purchase: orders of the same hour, day, calendar week or calendar month."""

from typing import Any, Literal

import narwhals as nw

from crm_ml.snapshots import Snapshot

Period = Literal["h", "D", "W", "M"]
_HOUR_S, _DAY_S = 3_600, 86_400
_MONDAY = 3  # days from a Monday to 1970-01-01, a Thursday
_MARCH_0 = 719_468  # days from 0000-03-01 to 1970-01-01
_ERA = 146_097  # days of 400 years


def with_periods_ago(
    lines: "nw.LazyFrame[Any]", snapshot: Snapshot, period: Period = "D"
) -> "nw.LazyFrame[Any]":
    """Return lines with ``days_ago``: how many periods before that of the last moment known they lie.

    Parameters
    ----------
    lines : narwhals.LazyFrame
        With ``ordered_at_epoch_s`` on the clock of the tables.
    snapshot : Snapshot
    period : {"h", "D", "W", "M"}
        Hours and days are counted back from the snapshot; weeks begin on Monday, and months are those of the
        calendar.
    """
    at = nw.col("ordered_at_epoch_s")
    last_day = (snapshot.clock_s - 1) // _DAY_S
    if period == "D":
        ago = snapshot.days_since(at)
    elif period == "h":
        ago = (snapshot.clock_s - 1 - at) // _HOUR_S
    elif period == "W":
        lines = lines.with_columns(days_ago=at // _DAY_S + _MONDAY)
        ago = (last_day + _MONDAY) // 7 - nw.col("days_ago") // 7
    else:
        lines = _with_months(lines.with_columns(_day=at // _DAY_S + _MARCH_0))
        ago = _month_of(last_day) - nw.col("_month")
    return lines.with_columns(days_ago=ago.cast(nw.Int64))


def _with_months(lines: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return lines with ``_month``, the number of their month from March of the year 0 on.

    Days are counted from a March, so that the leap day is the last one of its year. Step by step: in DuckDB
    a division repeats what is divided, and the whole in one expression would be of a million terms.
    """
    day, era, left, year, of_year = (nw.col(f"_{name}") for name in ("day", "era", "left", "year", "of_year"))
    steps = {
        "_era": day // _ERA,
        "_left": day - era * _ERA,
        "_leap": left // 1_460 - left // 36_524 + left // 146_096,
        "_year": (left - nw.col("_leap")) // 365,
        "_of_year": left - (365 * year + year // 4 - year // 100),
        "_month": (year + era * 400) * 12 + (5 * of_year + 2) // 153,
    }
    for name, value in steps.items():
        lines = lines.with_columns(**{name: value})
    return lines.drop("_day", *[name for name in steps if name != "_month"])


def _month_of(day: int) -> int:
    """Return the number of the month of one day since 1970, as `_with_months`.

    Examples
    --------
    >>> _month_of(31) - _month_of(30), _month_of(59) - _month_of(58)  # of 1 February and 1 March 1970
    (1, 1)
    """
    era, left = divmod(day + _MARCH_0, _ERA)
    year = (left - left // 1_460 + left // 36_524 - left // 146_096) // 365
    return (year + era * 400) * 12 + (5 * (left - (365 * year + year // 4 - year // 100)) + 2) // 153

"""Calendar days in integers: days to the next return of a month and day, the same on every engine.

Each step is a column of its own, since an expression that is written out where it is used grows without end.
"""

from typing import Any

import narwhals as nw

_ERA_DAYS, _SHIFT = 146_097, 719_468  # days of 400 years; 1970-01-01 counted from 0000-03-01


def with_month_and_day(frame: "nw.LazyFrame[Any]", days: str) -> "nw.LazyFrame[Any]":
    """Add ``year``, ``month`` and ``day_of_month`` of a column of days since 1970-01-01.

    Parameters
    ----------
    frame : narwhals.LazyFrame
    days : str
        Integers, from year 1 on.

    References
    ----------
    .. [1] Hinnant (2021). chrono-compatible low-level date algorithms, ``civil_from_days``.
    """
    col = nw.col
    steps = {
        "_shifted": col(days) + _SHIFT,
        "_era": col("_shifted") // _ERA_DAYS,
        "_of_era": col("_shifted") - col("_era") * _ERA_DAYS,
        "_leap": col("_of_era") // 36_524 - col("_of_era") // 1_460 - col("_of_era") // 146_096,
        "_year": (col("_of_era") + col("_leap")) // 365,
        "_past_years": col("_year") * 365 + col("_year") // 4 - col("_year") // 100,
        "_of_year": col("_of_era") - col("_past_years"),
        "_moved": (col("_of_year") * 5 + 2) // 153,  # months since March
        "_late": nw.when(col("_moved") >= 10).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64),
        "month": col("_moved") + 3 - col("_late") * 12,
        "day_of_month": col("_of_year") - (col("_moved") * 153 + 2) // 5 + 1,
        "year": col("_year") + col("_era") * 400 + col("_late"),
    }
    return _in_steps(frame, steps)


def with_days_to_next(frame: "nw.LazyFrame[Any]", today: str, name: str) -> "nw.LazyFrame[Any]":
    """Add the days from a day to the next return of ``month`` and ``day_of_month``; 0 on the day itself.

    Parameters
    ----------
    frame : narwhals.LazyFrame
    today : str
        Column of days since 1970-01-01.
    name : str
        Of the new column. 29 February returns on 1 March of a year without one.

    References
    ----------
    .. [1] Hinnant (2021). chrono-compatible low-level date algorithms, ``days_from_civil``.
    """
    whole = frame.with_columns(_month=nw.col("month"), _number=nw.col("day_of_month"))
    whole = with_month_and_day(whole, today)
    for number, ahead in enumerate((0, 1)):
        whole = _with_days_of(whole, nw.col("year") + ahead, f"_return_{number}")
    coming = nw.when(nw.col("_return_0") >= nw.col(today)).then(nw.col("_return_0"))
    return whole.with_columns(**{name: coming.otherwise(nw.col("_return_1")) - nw.col(today)})


def _with_days_of(frame: "nw.LazyFrame[Any]", year: nw.Expr, name: str) -> "nw.LazyFrame[Any]":
    """Add the days since 1970-01-01 of ``_month`` and ``_number`` in a year."""
    col = nw.col
    steps = {
        "_early": nw.when(col("_month") > 2).then(nw.lit(0)).otherwise(nw.lit(1)).cast(nw.Int64),
        "_from_march": year - col("_early"),
        "_era": col("_from_march") // 400,
        "_year": col("_from_march") - col("_era") * 400,
        "_of_year": ((col("_month") + col("_early") * 12 - 3) * 153 + 2) // 5 + col("_number") - 1,
        "_of_era": col("_year") * 365 + col("_year") // 4 - col("_year") // 100 + col("_of_year"),
        name: col("_era") * _ERA_DAYS + col("_of_era") - _SHIFT,
    }
    return _in_steps(frame, steps)


def _in_steps(frame: "nw.LazyFrame[Any]", steps: dict[str, nw.Expr]) -> "nw.LazyFrame[Any]":
    for name, step in steps.items():
        frame = frame.with_columns(**{name: step})
    return frame

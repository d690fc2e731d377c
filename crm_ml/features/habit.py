"""Habit: decayed rates of order days, and the chance that the current silence ends."""

import math
from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, keep_if, ratio, total
from crm_ml.features.past import ROW, Past, snapshot_number

HALF_LIVES_DAYS = (7, 14, 28, 56)
HALF_LIVES_WEEKS = (4, 8)
WINDOWS_DAYS = (28, 56, 84, 182)
_SCALE = 1 << 44  # so fine that an engine which rounds a tie the other way changes less than 1e-13
_RATES = {f"habit_day_rate_h{days}d": days for days in HALF_LIVES_DAYS}
_WEEKS = {f"habit_week_share_h{weeks}w": weeks for weeks in HALF_LIVES_WEEKS}
_DAYS = {f"habit_order_days_{days}d": days for days in WINDOWS_DAYS}
COLUMNS: dict[str, int | None] = (
    dict.fromkeys(_RATES)
    | dict.fromkeys(_WEEKS)
    | dict.fromkeys(_DAYS, 0)
    | {
        "habit_day_share": None,
        "habit_day_share_182d": None,
        "habit_weeks_56d": 0,
        "habit_month_share": None,
        "habit_days_since_third": None,
        "habit_days_since_tenth": None,
        "habit_recent_gap_days": None,
        "habit_recent_gap_share": None,
        "habit_return_rate": None,
        "habit_silent_28d_share": None,
        "habit_silent_14d_share": None,
        "habit_unseen_days": None,
    }
)


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute decayed rates of order days and weeks, and how past silences of the current length ended.

    Days are numbered back from the snapshot, 0 being its last 24 hours; ``history`` is the number of days
    back to the oldest order of any customer of the whole tables, at least 1, see
    `crm_ml.features.snapshot_constants`; shares are so comparable between tables and between customers.

    - ``habit_day_rate_h<h>d``: sum over order days d of .5^(d/h), plus .3, over its largest possible value
      h/ln 2 * (1 - .5^(history/h)), plus 3.
    - ``habit_week_share_h<h>w``: weeks k with an order weighted by .5^(k/h), over all weeks of the history.
    - ``habit_order_days_<w>d``: days with an order in the last w; ``habit_day_share`` and
      ``habit_day_share_182d``: over the days of the history (of 182 at most).
    - ``habit_weeks_56d``: weeks with an order of the last 8; ``habit_month_share``: 28-day blocks with an
      order, over all blocks of the history.
    - ``habit_days_since_third`` and ``_tenth``: days since the third and tenth newest order day.
    - ``habit_recent_gap_days``: mean of the newest five gaps; ``habit_recent_gap_share``: the silence (days
      since the newest order day) over it.
    - ``habit_return_rate``: orders per day in the 28 days after past silences of the current length: (gaps
      that ended in these days + .5) / (such days observed + 43).
    - ``habit_silent_<n>d_share``: share of days preceded by n days without an order, from the start of the
      history for 28 and from the first order for 14, including the day of the snapshot.
    - ``habit_unseen_days``: days of the history before the first order.
    """
    sums = past.once("habit", lambda: _sums(past.order_days))
    return _shares(_with_history(sums, past)).select(ROW, *COLUMNS)


def _with_history(sums: "nw.LazyFrame[Any]", past: Past) -> "nw.LazyFrame[Any]":
    history = [past.constants.history_days(snapshot) for snapshot in past.snapshots]
    rows = [{"_snapshot": number, "history": days} for number, days in enumerate(history)]
    numbered = sums.with_columns(_snapshot=snapshot_number())
    return numbered.join(past.of_snapshots("history", rows), on="_snapshot", how="inner")


def _decay(age: nw.Expr, half_life: int) -> nw.Expr:
    """Return .5^(age / half_life) as an integer number of 1 / _SCALE; sums of integers need no order."""
    return ((age.cast(nw.Float64) * (-math.log(2) / half_life)).exp() * _SCALE).round(0).cast(nw.Int64)


def _is_oldest(length: int) -> nw.Expr:
    """Say whether a day with an order is the oldest of its block of `length` days: they are counted by it."""
    ago, gap = nw.col("days_ago"), nw.col("gap")
    return gap.is_null() | ((ago + gap) // length != ago // length)


def _sums(days: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    ago, gap, rank = nw.col("days_ago"), nw.col("gap"), nw.col("rank")
    beyond = gap - nw.col("silence")  # 1 where the order came on the day that is now the first unseen one
    columns = {name: _decay(ago, days) for name, days in _RATES.items()}
    columns |= {name: count_if(ago < days) for name, days in _DAYS.items()}
    block = ago // 7
    columns |= {name: keep_if(_is_oldest(7), _decay(block, weeks)) for name, weeks in _WEEKS.items()}
    columns |= {
        "habit_weeks_56d": count_if(_is_oldest(7) & (block < 8)),
        "months": count_if(_is_oldest(28)),
        "returned": count_if((beyond > 0) & (beyond <= 28)),
        "watched": keep_if(beyond > 0, beyond) - keep_if(beyond > 28, beyond - 28),
        "over_28": keep_if(gap > 28, gap - 28),
        "over_14": keep_if(gap > 14, gap - 14),
        "third": nw.when(rank == 3).then(ago),
        "tenth": nw.when(rank == 10).then(ago),
        "recent_gap": keep_if(rank <= 5, gap.fill_null(0)),
        "recent_gaps": count_if((rank <= 5) & ~gap.is_null()),
    }
    summed = [name for name in columns if name not in ("third", "tenth")]
    sums = (
        days.with_columns(**columns)
        .group_by(ROW)
        .agg(
            nw.len().alias("order_days"),
            nw.col("silence").min(),
            ago.max().alias("oldest"),
            nw.col("third").min().alias("habit_days_since_third"),
            nw.col("tenth").min().alias("habit_days_since_tenth"),
            *total(*summed),
        )
    )
    return integers(sums)


def _shares(sums: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    history, silence, oldest = nw.col("history"), nw.col("silence"), nw.col("oldest")
    # 182 at most; a column that is 182 everywhere would make Polars multiply by its inverse
    long = history - keep_if(history > 182, history - 182)
    now_over_28 = keep_if(silence > 27, silence - 27)
    now_over_14 = keep_if(silence > 13, silence - 13)
    unseen = history - oldest - 1
    unseen_over_28 = keep_if(unseen > 28, unseen - 28)
    shares = {
        "habit_day_share": ratio(nw.col("order_days"), history),
        "habit_day_share_182d": ratio(nw.col("habit_order_days_182d"), long),
        "habit_month_share": ratio(nw.col("months"), (history + 27) // 28),
        "habit_recent_gap_days": ratio(nw.col("recent_gap"), nw.col("recent_gaps")),
        "habit_recent_gap_share": ratio(silence * nw.col("recent_gaps"), nw.col("recent_gap")),
        "habit_return_rate": (nw.col("returned") + 0.5) / (nw.col("watched") + 43.0),
        "habit_silent_28d_share": ratio(nw.col("over_28") + now_over_28 + unseen_over_28, history),
        "habit_silent_14d_share": ratio(nw.col("over_14") + now_over_14, oldest + 1),
        "habit_unseen_days": unseen,
    }
    return sums.with_columns(
        **shares,
        **{name: _rate(name, days) for name, days in _RATES.items()},
        **{name: _week_share(name, weeks) for name, weeks in _WEEKS.items()},
    )


def _rate(name: str, half_life: int) -> nw.Expr:
    per_day = math.log(2) / half_life
    most = (1.0 - (nw.col("history").cast(nw.Float64) * -per_day).exp()) / per_day
    return (nw.col(name).cast(nw.Float64) / _SCALE + 0.3) / (most + 3.0)


def _week_share(name: str, half_life: int) -> nw.Expr:
    per_week = math.log(2) / half_life
    weeks = ((nw.col("history") + 6) // 7).cast(nw.Float64)
    most = (1.0 - (weeks * -per_week).exp()) / (1.0 - math.exp(-per_week))
    return nw.col(name).cast(nw.Float64) / _SCALE / most

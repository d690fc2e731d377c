"""Habit: decayed rates of order days, and the chance that the current silence ends."""

import math

import narwhals as nw

from crm_ml.features.expressions import count_if, keep_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import DAYS, OLDEST, SILENCE, is_oldest
from crm_ml.features.past import ROW, Past

HALF_LIVES_DAYS = (7, 14, 28, 56)
HALF_LIVES_WEEKS = (4, 8)
WINDOWS_DAYS = (28, 56, 84, 182)
_SCALE = 1 << 44  # so fine that an engine which rounds a tie the other way changes less than 1e-13
_RATES = {f"habit_day_rate_h{days}d": days for days in HALF_LIVES_DAYS}
_WEEKS = {f"habit_week_share_h{weeks}w": weeks for weeks in HALF_LIVES_WEEKS}
_PLACES = {"third": 3, "tenth": 10}
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


def sums_each(past: Past) -> GroupSums:
    """Return decayed rates of order days and weeks, and how past silences of the current length ended.

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
    sums = {name: Sum("order_days", value) for name, value in _values().items()}
    for place in ("third", "tenth"):
        reached = nw.when(nw.col("rank") == _PLACES[place]).then(nw.col("days_ago"))
        sums[f"habit_days_since_{place}"] = Sum("order_days", reached, "min")
    columns = {name: nw.col(name) for name in COLUMNS if name in sums} | _shares(_history(past))
    return GroupSums(sums | DAYS | OLDEST | SILENCE, columns)


def _history(past: Past) -> nw.Expr:
    """Return the days of the history of the snapshot of a row; later snapshots have larger rows.

    By way of the row it is no constant, by which Polars would divide as a product with its inverse.
    """
    first, *others = (past.constants.history_days(snapshot) for snapshot in past.snapshots)
    days = nw.lit(first).cast(nw.Int64)
    for row, history in zip(past.first_rows[1:], others, strict=True):
        days = nw.when(nw.col(ROW) >= row).then(nw.lit(history).cast(nw.Int64)).otherwise(days)
    return nw.col(ROW) * 0 + days


def _decay(age: nw.Expr, half_life: int) -> nw.Expr:
    """Return .5^(age / half_life) as an integer number of 1 / _SCALE; sums of integers need no order."""
    return ((age.cast(nw.Float64) * (-math.log(2) / half_life)).exp() * _SCALE).round(0).cast(nw.Int64)


def _values() -> dict[str, nw.Expr]:
    """Return what is added up over order days."""
    ago, gap, rank = nw.col("days_ago"), nw.col("gap"), nw.col("rank")
    beyond = gap - nw.col("silence")  # 1 where the order came on the day that is now the first unseen one
    block, is_counted = ago // 7, is_oldest(7)
    values = {name: _decay(ago, days) for name, days in _RATES.items()}
    values |= {name: count_if(ago < days) for name, days in _DAYS.items()}
    values |= {name: keep_if(is_counted, _decay(block, weeks)) for name, weeks in _WEEKS.items()}
    return values | {
        "habit_weeks_56d": count_if(is_counted & (block < 8)),
        "habit_months": count_if(is_oldest(28)),
        "habit_returned": count_if((beyond > 0) & (beyond <= 28)),
        "habit_watched": keep_if(beyond > 0, beyond) - keep_if(beyond > 28, beyond - 28),
        "habit_over_28": keep_if(gap > 28, gap - 28),
        "habit_over_14": keep_if(gap > 14, gap - 14),
        "habit_recent_gap": keep_if(rank <= 5, gap.fill_null(0)),
        "habit_recent_gaps": count_if((rank <= 5) & ~gap.is_null()),
    }


def _shares(history: nw.Expr) -> dict[str, nw.Expr]:
    silence, oldest, recent_gap = nw.col("silence"), nw.col("oldest"), nw.col("habit_recent_gap")
    # 182 at most; a column that is 182 everywhere would make Polars multiply by its inverse
    long = history - keep_if(history > 182, history - 182)
    now_over_28 = keep_if(silence > 27, silence - 27)
    now_over_14 = keep_if(silence > 13, silence - 13)
    unseen = history - oldest - 1
    unseen_over_28 = keep_if(unseen > 28, unseen - 28)
    return {
        "habit_day_share": ratio(nw.col("order_days"), history),
        "habit_day_share_182d": ratio(nw.col("habit_order_days_182d"), long),
        "habit_month_share": ratio(nw.col("habit_months"), (history + 27) // 28),
        "habit_recent_gap_days": ratio(recent_gap, nw.col("habit_recent_gaps")),
        "habit_recent_gap_share": ratio(silence * nw.col("habit_recent_gaps"), recent_gap),
        "habit_return_rate": (nw.col("habit_returned") + 0.5) / (nw.col("habit_watched") + 43.0),
        "habit_silent_28d_share": ratio(nw.col("habit_over_28") + now_over_28 + unseen_over_28, history),
        "habit_silent_14d_share": ratio(nw.col("habit_over_14") + now_over_14, oldest + 1),
        "habit_unseen_days": unseen,
        **{name: _rate(name, days, history) for name, days in _RATES.items()},
        **{name: _week_share(name, weeks, history) for name, weeks in _WEEKS.items()},
    }


def _rate(name: str, half_life: int, history: nw.Expr) -> nw.Expr:
    per_day = math.log(2) / half_life
    most = (1.0 - (history.cast(nw.Float64) * -per_day).exp()) / per_day
    return (nw.col(name).cast(nw.Float64) / _SCALE + 0.3) / (most + 3.0)


def _week_share(name: str, half_life: int, history: nw.Expr) -> nw.Expr:
    per_week = math.log(2) / half_life
    weeks = ((history + 6) // 7).cast(nw.Float64)
    most = (1.0 - (weeks * -per_week).exp()) / (1.0 - math.exp(-per_week))
    return nw.col(name).cast(nw.Float64) / _SCALE / most

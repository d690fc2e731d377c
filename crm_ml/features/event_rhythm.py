"""Event rhythm: how often and regularly a customer makes events of declared kinds, and the silence now."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.features.event_rows import AT, events_of, kinds_of
from crm_ml.features.expressions import count_if, day, integers, keep_if, ratio, remainder, total
from crm_ml.features.past import ROW, Past, days_ago
from crm_ml.snapshots import DAY_S

OPT_IN = True  # computed where it is named: its columns follow from the kinds
WINDOWS_DAYS = (7, 28, 84)
RECENT_GAPS = 5
_PARTS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
_HOURS = (*_PARTS, "weekend")
_COUNTS = {f"event_rhythm_{what}_{days}d": 0 for what in ("events", "days") for days in WINDOWS_DAYS}
COLUMNS: dict[str, int | None] = (
    {
        "event_rhythm_days_since": None,
        "event_rhythm_days_since_any": None,
        "event_rhythm_tenure_days": None,
        "event_rhythm_gap_median_days": None,
        "event_rhythm_gap_mean_days": None,
        "event_rhythm_gap_max_days": None,
        "event_rhythm_gap_irregularity": None,
        "event_rhythm_gap_share": None,
        "event_rhythm_recent_gap_share": None,
        "event_rhythm_longer_gap_share": None,
        "event_rhythm_trend_28d": None,
        "event_rhythm_share_84d": None,
        "event_rhythm_kinds_84d": 0,
    }
    | _COUNTS
    | {f"event_rhythm_{name}_share": None for name in _HOURS}
)


def compute_each(past: Past, *, kinds: str | Sequence[str] = ()) -> "nw.LazyFrame[Any] | None":
    """Compute counts, gaps, silence, trend and hours of a customer's events.

    - ``event_rhythm_days_since``: whole days since the newest event, the silence; ``_tenure_days`` since the
      day of the oldest; ``_days_since_any`` since the newest of whatever kind.
    - ``event_rhythm_events_<w>d`` and ``_days_<w>d``: events, and days with one, of the last w days.
    - ``event_rhythm_gap_*_days``: median, mean and longest of the gaps between days with an event;
      ``_gap_irregularity``: their standard deviation over their mean, from two gaps on.
    - ``event_rhythm_gap_share`` and ``_recent_gap_share``: the silence over the mean gap, and over that of
      the newest five gaps; ``_longer_gap_share``: (past gaps longer than the silence + 1) / (gaps + 2).
    - ``event_rhythm_trend_28d``: events of the last 28 days over those of the last 56.
    - ``event_rhythm_share_84d``: the share of the kinds among all events of 84 days; ``_kinds_84d``: how many
      different kinds, of all, the customer had in them.
    - ``event_rhythm_<part of the day>_share`` and ``_weekend_share``: of all events, by the tables' clock.

    Parameters
    ----------
    past
        As for every feature group.
    kinds : str or sequence of str
        Kinds of event that make the rhythm; all by default.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the tables have no events.
    """
    if not past.tables.has("events"):
        return None
    wanted = kinds_of(kinds)
    every = past.once("events", lambda: past.known(events_of(past.tables), AT))
    own = every.filter(nw.col("kind").is_in(wanted)) if wanted else every
    named = ", ".join(wanted)
    sums = past.once(f"rhythm of {named}", lambda: _rhythm(past, own, f"days with {named}"))
    frame = _of_any(past, every, wanted).join(sums, on=ROW, how="left")
    return _shares(frame.join(_hours(past, own), on=ROW, how="left")).select(ROW, *COLUMNS)


def _rhythm(past: Past, own: "nw.LazyFrame[Any]", name: str) -> "nw.LazyFrame[Any]":
    """Sum events, days and gaps by row; a gap is between two days with an event."""
    days = past.days_with(name, own.with_columns(events=nw.lit(1).cast(nw.Int64)), AT, "events")
    ago, gap, events = nw.col("days_ago"), nw.col("gap"), nw.col("events")
    columns = {
        "square": gap * gap,
        "longer": count_if(gap > nw.col("silence")),
        "recent_gap": keep_if(nw.col("rank") <= RECENT_GAPS, gap.fill_null(0)),
        "recent_gaps": count_if((nw.col("rank") <= RECENT_GAPS) & ~gap.is_null()),
        "events_56d": keep_if(ago < 56, events),
    }
    for window in WINDOWS_DAYS:
        columns[f"event_rhythm_events_{window}d"] = keep_if(ago < window, events)
        columns[f"event_rhythm_days_{window}d"] = count_if(ago < window)
    sums = (
        days.with_columns(**columns)
        .group_by(ROW)
        .agg(
            nw.col("silence").min(),
            ago.max().alias("event_rhythm_tenure_days"),
            gap.count().alias("gaps"),
            gap.sum().alias("gap_sum"),
            gap.max().alias("event_rhythm_gap_max_days"),
            gap.median().alias("event_rhythm_gap_median_days"),
            *total(*columns),
        )
    )
    return integers(sums)


def _of_any(past: Past, every: "nw.LazyFrame[Any]", kinds: list[str]) -> "nw.LazyFrame[Any]":
    """Count the events of 84 days by kind, and the days since the newest of any."""
    dated = past.each(every.select("customer", "known_from", "kind", f"{AT}_epoch_s"))
    counted = dated.with_columns(ago=days_ago(AT)).with_columns(recent=count_if(nw.col("ago") < 84))
    by_kind = integers(counted.group_by(ROW, "kind").agg(nw.col("ago").min(), *total("recent")))
    own = nw.col("kind").is_in(kinds) if kinds else nw.lit(True)
    flags = by_kind.with_columns(
        own_recent=keep_if(own, nw.col("recent")), event_rhythm_kinds_84d=count_if(nw.col("recent") > 0)
    )
    sums = flags.group_by(ROW).agg(
        nw.col("ago").min().alias("event_rhythm_days_since_any"),
        *total("recent", "own_recent", "event_rhythm_kinds_84d"),
    )
    return integers(sums)


def _hours(past: Past, own: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Count events by quarter of the day, and those of Saturdays and Sundays; 1970-01-01 was a Thursday."""
    epoch = nw.col(f"{AT}_epoch_s")
    hour = remainder(epoch, DAY_S) // 3600
    flags = {name: count_if((hour >= start) & (hour < end)) for name, (start, end) in _PARTS.items()}
    flags["weekend"] = count_if(remainder(day(epoch) + 3, 7) >= 5)
    counted = own.with_columns(all=nw.lit(1).cast(nw.Int64), **flags)
    new = integers(counted.group_by("customer", "known_from").agg(*total("all", *_HOURS)))
    return integers(past.each(new).group_by(ROW).agg(*total("all", *_HOURS)))


def _shares(sums: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    gaps, gap_sum, silence = nw.col("gaps"), nw.col("gap_sum"), nw.col("silence")
    variance = ratio(gaps * nw.col("square") - gap_sum * gap_sum, gaps * gaps)
    hours = {f"event_rhythm_{name}_share": ratio(nw.col(name), nw.col("all")) for name in _HOURS}
    return sums.with_columns(
        event_rhythm_days_since=silence,
        event_rhythm_gap_mean_days=ratio(gap_sum, gaps),
        event_rhythm_gap_irregularity=nw.when(gaps > 1).then(variance.sqrt() / ratio(gap_sum, gaps)),
        event_rhythm_gap_share=ratio(silence * gaps, gap_sum),
        event_rhythm_recent_gap_share=ratio(silence * nw.col("recent_gaps"), nw.col("recent_gap")),
        event_rhythm_longer_gap_share=ratio(nw.col("longer") + 1, gaps + 2),
        event_rhythm_trend_28d=ratio(nw.col("event_rhythm_events_28d"), nw.col("events_56d")),
        event_rhythm_share_84d=ratio(nw.col("own_recent"), nw.col("recent")),
        **hours,
    )

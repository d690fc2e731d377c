"""The hour at which a message is sent to each customer.

The habit of a customer are the counts n_h of past events and orders in the 168 hours of the local week,
shrunk to the expectation q_h of the segment with the strength s: ``p_h = (n_h + s * q_h) / (n + s)``. The
best hour has the greatest p_h of the hours of the local clock that start in
``[as_of, as_of + within_hours)`` and are not quiet; the earliest among equals. Only hours with an event of
the customer can beat the best hour of the segment, so only these hours are compared, in the engine.

Where all these hours are quiet, the first moment from ``as_of`` on that is not is taken, even beyond them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.actions.contact.contact_frames import from_arrow, lazy, moved
from crm_ml.actions.contact.contact_policy import ContactPolicy, QuietHours, SendTime
from crm_ml.actions.contact.local_clock import HOUR_S, WEEK_HOURS, hour_of_week, hour_starts
from crm_ml.actions.contact.send_hour_habits import Floats, expectations, hour_counts
from crm_ml.actions.contact.time_zones import Zones, zones_of
from crm_ml.errors import ConfigError
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.zones import offset_s

if TYPE_CHECKING:
    import pyarrow as pa

MOST_SEGMENTS = 1000
_NO_SEGMENT = ""
_SCORED = ("customer_id", "send_at_epoch_s", "score")
_LOOK_DAYS = 4  # quiet hours are at most 23 of a day, and a change of the clock adds at most one


def send_times(
    tables: Tables, snapshot: Snapshot, policy: ContactPolicy, customers: Any, segments: Any = None
) -> "nw.LazyFrame[Any] | None":
    """Choose the time of sending for each customer of a list.

    Parameters
    ----------
    tables : Tables
    snapshot : Snapshot
    policy : ContactPolicy
    customers : frame
        Of any engine, with customer_id.
    segments : frame, optional
        customer_id and the feature ``policy.send_time.segment``, of all customers whose habits count for
        their segment.

    Returns
    -------
    narwhals.LazyFrame or None
        On the engine of the tables: customer_id and send_at_epoch_s, a row a customer. None where the policy
        has neither quiet hours nor a learned hour.

    Raises
    ------
    ConfigError
        If the customers have no column of time zones, or the segments are missing or too many.
    """
    settings = policy.send_time
    if settings is None and policy.quiet_hours is None:
        return None
    home = policy.zone_beside(tables.zone)
    zones = zones_of(tables, home, policy.time_zone_column)
    ids = moved(lazy(customers).select("customer_id").unique(["customer_id"]), zones.frame)
    zone = nw.col("zone").fill_null(nw.lit(home))
    who = ids.join(zones.frame, on="customer_id", how="left").with_columns(zone=zone)
    if settings is None:
        moments = {name: first_opening(policy.quiet_hours, name, snapshot.epoch_s) for name in zones.names}
        first = from_arrow(_per_zone(moments), who)
        return who.join(first, on="zone").select("customer_id", "send_at_epoch_s")
    return _Choice(policy, settings, zones, snapshot).best(who, tables, segments)


def first_opening(quiet: QuietHours | None, zone: str, start_s: int) -> int:
    """Return the first moment from `start_s` on that is not quiet in a zone (epoch seconds).

    Examples
    --------
    >>> first_opening(QuietHours(starts=21, ends=9), "Asia/Kolkata", 1717200000)  # 5:30 there
    1717212600
    """
    if not _is_quiet(quiet, hour_of_week(start_s + offset_s(zone, start_s))):
        return start_s
    coming = hour_starts(zone, start_s, start_s + _LOOK_DAYS * DAY_S)
    return next(moment for moment, hour in coming if not _is_quiet(quiet, hour))


def openings(quiet: QuietHours | None, zone: str, start_s: int, within_hours: int) -> dict[int, int]:
    """Return the hours of the week that may be chosen, with the moment at which each starts first.

    They start in ``[start_s, start_s + within_hours * 3600)`` and are not quiet; where there is none, it is
    the first moment that is not.
    """
    first: dict[int, int] = {}
    for moment, hour in hour_starts(zone, start_s, start_s + within_hours * HOUR_S):
        if not _is_quiet(quiet, hour):
            first.setdefault(hour, moment)
    if not first:
        moment = first_opening(quiet, zone, start_s)
        first[hour_of_week(moment + offset_s(zone, moment))] = moment
    return first


@dataclass(frozen=True)
class _Choice:
    policy: ContactPolicy
    settings: SendTime
    zones: Zones
    snapshot: Snapshot

    def best(self, who: "nw.LazyFrame[Any]", tables: Tables, segments: Any) -> "nw.LazyFrame[Any]":
        """Return the best hour of each customer: the segment's, or one at which the customer was seen."""
        of_segment = self._segments(segments, who)
        who = _placed(who, of_segment)
        counts = self._counts(tables)
        expected = expectations(_by_segment(counts, of_segment), self.settings.prior_strength)
        plan, usual = self._plan(expected)
        scored = who.join(from_arrow(usual, who), on=["zone", "segment"]).select(*_SCORED)
        if counts is not None:
            seen = counts.join(who, on="customer_id").join(
                from_arrow(plan, who), on=["zone", "segment", "hour"]
            )
            score = nw.col("n").cast(nw.Float64) + nw.col("score")
            scored = nw.concat([scored, seen.with_columns(score=score).select(*_SCORED)])
        best = scored.filter(nw.col("score") == nw.col("score").max().over("customer_id"))
        result: nw.LazyFrame[Any] = best.group_by("customer_id").agg(nw.col("send_at_epoch_s").min())
        return result

    def _counts(self, tables: Tables) -> "nw.LazyFrame[Any] | None":
        if not (tables.has("events") or self.settings.orders):
            return None
        counts = hour_counts(tables, self.snapshot, self.settings, self.zones)
        if counts is None:
            return None
        place = ("hour_counts", self.snapshot.epoch_s, self.settings, self.policy.time_zone)
        return tables.once((*place, self.policy.time_zone_column), lambda: counts)

    def _segments(self, segments: Any, like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any] | None":
        """Return customer_id and segment on the engine of the tables; None without segments."""
        name = self.settings.segment
        if name is None:
            return None
        if segments is None or name not in lazy(segments).collect_schema().names():
            raise ConfigError(f"contact_policy.send_time.segment: {name!r} is no feature of the customers")
        values = lazy(segments).select("customer_id", segment=nw.col(name).cast(nw.String))
        return moved(values.unique(["customer_id"]), like)

    def _plan(self, expected: Mapping[str, Floats]) -> "tuple[pa.Table, pa.Table]":
        """Return all hours with their scores, and the best, of each zone and segment without a history."""
        import pyarrow as pa

        columns = ("zone", "segment", "hour", "send_at_epoch_s", "score")
        plan, usual = [], []
        for zone in self.zones.names:
            hours = openings(self.policy.quiet_hours, zone, self.snapshot.epoch_s, self.settings.within_hours)
            for segment, shares in expected.items():
                scores = self.settings.prior_strength * shares
                rows = [(zone, segment, h, at, float(scores[h])) for h, at in hours.items()]
                plan += rows
                usual.append(min(rows, key=lambda row: (-row[4], row[3])))
        tables = [
            pa.table(dict(zip(columns, zip(*rows, strict=True), strict=True))) for rows in (plan, usual)
        ]
        return tables[0], tables[1].drop_columns(["hour"])


def _by_segment(
    counts: "nw.LazyFrame[Any] | None", of_segment: "nw.LazyFrame[Any] | None"
) -> dict[str, Floats]:
    """Sum the counts of the customers of each segment; customers without a segment are a segment too."""
    sums_by_segment: dict[str, Floats] = {_NO_SEGMENT: np.zeros(WEEK_HOURS)}
    if of_segment is not None:
        names = of_segment.select("segment").unique(["segment"]).filter(~nw.col("segment").is_null())
        rows = names.collect(backend="pyarrow").rows()
        if len(rows) > MOST_SEGMENTS:
            raise ConfigError(
                f"contact_policy.send_time.segment: it has {len(rows):,} values; take a feature with at most "
                f"{MOST_SEGMENTS:,}"
            )
        sums_by_segment |= {row[0]: np.zeros(WEEK_HOURS) for row in sorted(rows)}
    if counts is None:
        return sums_by_segment
    sums = _placed(counts, of_segment).group_by("segment", "hour").agg(nw.col("n").sum())
    for segment, hour, n in sums.select("segment", "hour", "n").collect(backend="pyarrow").rows():
        sums_by_segment[segment][int(hour)] = float(n)
    return sums_by_segment


def _placed(frame: "nw.LazyFrame[Any]", of_segment: "nw.LazyFrame[Any] | None") -> "nw.LazyFrame[Any]":
    """Add each customer's segment."""
    if of_segment is None:
        return frame.with_columns(segment=nw.lit(_NO_SEGMENT))
    segment = nw.col("segment").fill_null(nw.lit(_NO_SEGMENT))
    return frame.join(of_segment, on="customer_id", how="left").with_columns(segment=segment)


def _per_zone(moments: Mapping[str, int]) -> "pa.Table":
    import pyarrow as pa

    return pa.table({"zone": list(moments), "send_at_epoch_s": list(moments.values())})


def _is_quiet(quiet: QuietHours | None, hour: int) -> bool:
    """Say whether an hour of the week is quiet."""
    return quiet is not None and quiet.is_quiet(hour % 24)

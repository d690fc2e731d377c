"""The hour at which a message is sent to each customer.

The habit of a customer are the counts n_h of past events and orders in the 168 hours of the local week,
shrunk to the expectation q_h of the segment with the strength s: ``p_h = (n_h + s * q_h) / (n + s)``. The
best hour has the greatest p_h of the hours of the local clock that start in
``[as_of, as_of + within_hours)`` and are not quiet; the earliest among equals. Only hours with an event of
the customer can beat the best hour of the segment, so only these hours are compared, in the engine.

Where all these hours are quiet, the first moment from ``as_of`` on that is not is taken, even beyond them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from crm_ml.actions.contact.contact_frames import from_arrow, from_sql
from crm_ml.actions.contact.contact_policy import ContactPolicy, QuietHours, SendTime
from crm_ml.actions.contact.customer_hours import HOURS_FILE, NO_SEGMENT, PLACES_FILE
from crm_ml.actions.contact.local_clock import HOUR_S, hour_of_week, hour_starts
from crm_ml.actions.contact.send_hour_habits import Floats
from crm_ml.snapshots import DAY_S, Snapshot
from crm_ml.tables.sql import parquet_rows
from crm_ml.tables.zones import offset_s

if TYPE_CHECKING:
    import pyarrow as pa

_SCORED = ("customer_id", "send_at_epoch_s", "score")
_LOOK_DAYS = 4  # quiet hours are at most 23 of a day, and a change of the clock adds at most one


def send_times(
    folder: Path,
    snapshot: Snapshot,
    policy: ContactPolicy,
    zone: str,
    customers: "nw.LazyFrame[Any]",
    expected: Mapping[str, Floats],
) -> "nw.LazyFrame[Any] | None":
    """Choose the time of sending for each of some customers of a list.

    Parameters
    ----------
    folder : Path
        Of `crm_ml.actions.contact.customer_hours.write_hours`, with these customers.
    snapshot : Snapshot
    policy : ContactPolicy
    zone : str
        Of the tables.
    customers : narwhals.LazyFrame
        On DuckDB, with customer_id.
    expected : mapping of str to numpy.ndarray, shape (168,)
        Of `crm_ml.actions.contact.customer_hours.expected_hours`.

    Returns
    -------
    narwhals.LazyFrame or None
        customer_id and send_at_epoch_s, a row a customer. None where the policy has neither quiet hours nor
        a learned hour.
    """
    settings, home = policy.send_time, policy.zone_beside(zone)
    if settings is None and policy.quiet_hours is None:
        return None
    places = from_sql(f"FROM {parquet_rows(folder / PLACES_FILE)}", customers)
    who = (
        customers.select("customer_id")
        .unique(["customer_id"])
        .join(places, on="customer_id", how="left")
        .with_columns(zone=nw.col("zone").fill_null(home), segment=nw.col("segment").fill_null(NO_SEGMENT))
    )
    names = who.select("zone").unique(["zone"]).collect(backend="pyarrow")["zone"].to_list()
    if settings is None:
        moments = {name: first_opening(policy.quiet_hours, name, snapshot.epoch_s) for name in sorted(names)}
        first = from_arrow(_per_zone(moments), who)
        return who.join(first, on="zone").select("customer_id", "send_at_epoch_s")
    seen = folder / HOURS_FILE
    counts = from_sql(f"FROM {parquet_rows(seen)}", customers) if seen.is_file() else None
    plan, usual = _plan(policy, settings, snapshot, sorted(names), expected)
    return _best(who, counts, from_arrow(plan, who), from_arrow(usual, who))


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


def _best(
    who: "nw.LazyFrame[Any]",
    counts: "nw.LazyFrame[Any] | None",
    plan: "nw.LazyFrame[Any]",
    usual: "nw.LazyFrame[Any]",
) -> "nw.LazyFrame[Any]":
    """Return the best hour of each customer: the segment's, or one at which the customer was seen."""
    scored = who.join(usual, on=["zone", "segment"]).select(*_SCORED)
    if counts is not None:
        seen = counts.join(who, on="customer_id").join(plan, on=["zone", "segment", "hour"])
        score = nw.col("n").cast(nw.Float64) + nw.col("score")
        scored = nw.concat([scored, seen.with_columns(score=score).select(*_SCORED)])
    best = scored.filter(nw.col("score") == nw.col("score").max().over("customer_id"))
    result: nw.LazyFrame[Any] = best.group_by("customer_id").agg(nw.col("send_at_epoch_s").min())
    return result


def _plan(
    policy: ContactPolicy,
    settings: SendTime,
    snapshot: Snapshot,
    zones: Sequence[str],
    expected: Mapping[str, Floats],
) -> "tuple[pa.Table, pa.Table]":
    """Return all hours with their scores, and the best, of each zone and segment without a history."""
    import pyarrow as pa

    kinds = {"zone": pa.string(), "segment": pa.string(), "hour": pa.int64()}
    schema = pa.schema(kinds | {"send_at_epoch_s": pa.int64(), "score": pa.float64()})
    plan, usual = [], []
    for zone in zones:
        hours = openings(policy.quiet_hours, zone, snapshot.epoch_s, settings.within_hours)
        for segment, shares in expected.items():
            scores = settings.prior_strength * shares
            rows = [(zone, segment, h, at, float(scores[h])) for h, at in hours.items()]
            plan += rows
            usual.append(min(rows, key=lambda row: (-row[4], row[3])))
    tables = [
        pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
        for rows in (plan, usual)
    ]
    return tables[0], tables[1].drop_columns(["hour"])


def _per_zone(moments: Mapping[str, int]) -> "pa.Table":
    import pyarrow as pa

    columns = pa.schema({"zone": pa.string(), "send_at_epoch_s": pa.int64()})
    return pa.table([list(moments), list(moments.values())], schema=columns)


def _is_quiet(quiet: QuietHours | None, hour: int) -> bool:
    """Say whether an hour of the week is quiet."""
    return quiet is not None and quiet.is_quiet(hour % 24)

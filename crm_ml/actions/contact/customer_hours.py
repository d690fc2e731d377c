"""What hours of sending are chosen from: the zone, the segment and the active hours of each customer.

They are written for some customers at a time. What to expect of a segment follows from the sums over all
customers, which are integers: they do not depend on how the customers were dealt to parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.actions.contact.contact_frames import lazy, moved
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.actions.contact.local_clock import WEEK_HOURS
from crm_ml.actions.contact.send_hour_habits import Floats, expectations, hour_counts
from crm_ml.actions.contact.time_zones import Zones, warn_of_strays, zones_of
from crm_ml.errors import ConfigError
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables, write_parquet
from crm_ml.tables.engine import connect_for_frames
from crm_ml.tables.sql import parquet_rows

PLACES_FILE, HOURS_FILE = "places.parquet", "hours.parquet"
MOST_SEGMENTS = 1000
NO_SEGMENT = ""
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HabitSums:
    """Counts of some customers, to be added.

    Parameters
    ----------
    by_segment : mapping of str to numpy.ndarray of int, shape (168,)
        Events and orders in each hour of the week, of every segment that occurs; of customers without one
        under `NO_SEGMENT`.
    missing, unknown : int
        Customers without a time zone, and with a name that is no zone.
    """

    by_segment: Mapping[str, Counts] = field(default_factory=dict)
    missing: int = 0
    unknown: int = 0

    def __add__(self, other: "HabitSums") -> "HabitSums":
        sums = dict(self.by_segment)
        for segment, counts in other.by_segment.items():
            sums[segment] = sums[segment] + counts if segment in sums else counts
        return HabitSums(sums, self.missing + other.missing, self.unknown + other.unknown)


def write_hours(
    tables: Tables, snapshot: Snapshot, policy: ContactPolicy, folder: Path, segments: Any = None
) -> HabitSums:
    """Write what the hours of some customers are chosen from and return their sums.

    Parameters
    ----------
    tables : Tables
        Of these customers.
    snapshot : Snapshot
    policy : ContactPolicy
    folder : Path
        Gets `PLACES_FILE` (customer_id, zone, segment) and, where something happened, `HOURS_FILE`
        (customer_id, hour, n; see `crm_ml.actions.contact.send_hour_habits.hour_counts`).
    segments : frame, optional
        customer_id and the feature ``policy.send_time.segment``, of these customers.

    Raises
    ------
    ConfigError
        If the customers have no column of time zones, or the segments are missing or too many.
    """
    settings = policy.send_time
    zones = zones_of(tables, policy.zone_beside(tables.zone), policy.time_zone_column)
    of_segment = _segments(settings.segment if settings else None, segments, zones)
    write_parquet(_placed(zones, of_segment), folder / PLACES_FILE)
    sums = {NO_SEGMENT: np.zeros(WEEK_HOURS, dtype=np.int64)}
    if settings is not None:
        sums |= {name: np.zeros(WEEK_HOURS, dtype=np.int64) for name in _names(of_segment)}
        counts = hour_counts(tables, snapshot, settings, zones)
        if counts is not None:
            write_parquet(counts, folder / HOURS_FILE)
            for segment, hour, n in _summed(folder):
                sums[segment][hour] = n
    return HabitSums(sums, zones.missing, zones.unknown)


def expected_hours(sums: HabitSums, policy: ContactPolicy, zone: str) -> dict[str, Floats]:
    """Return the share of each hour of the week that is expected in each segment of all customers.

    Parameters
    ----------
    sums : HabitSums
        Of all customers.
    policy : ContactPolicy
    zone : str
        Of the tables.

    Returns
    -------
    dict of str to numpy.ndarray, shape (168,)
        See `crm_ml.actions.contact.send_hour_habits.expectations`; empty where no hour is learned.

    Raises
    ------
    ConfigError
        If there are too many segments.
    """
    warn_of_strays(policy.time_zone_column, sums.missing, sums.unknown, policy.zone_beside(zone))
    if policy.send_time is None:
        return {}
    _check_number(len(sums.by_segment.keys() - {NO_SEGMENT}))
    counts = {segment: counts.astype(np.float64) for segment, counts in sorted(sums.by_segment.items())}
    return expectations(counts, policy.send_time.prior_strength)


def _segments(name: str | None, segments: Any, zones: Zones) -> "nw.LazyFrame[Any] | None":
    """Return customer_id and segment on the engine of the tables; None without segments."""
    if name is None:
        return None
    if segments is None or name not in lazy(segments).collect_schema().names():
        raise ConfigError(f"contact_policy.send_time.segment: {name!r} is no feature of the customers")
    values = lazy(segments).select("customer_id", segment=nw.col(name).cast(nw.String))
    return moved(values.unique(["customer_id"]), zones.frame)


def _placed(zones: Zones, of_segment: "nw.LazyFrame[Any] | None") -> "nw.LazyFrame[Any]":
    """Put each customer's segment beside the zone."""
    if of_segment is None:
        return zones.frame.with_columns(segment=nw.lit(NO_SEGMENT))
    segment = nw.col("segment").fill_null(nw.lit(NO_SEGMENT))
    return zones.frame.join(of_segment, on="customer_id", how="left").with_columns(segment=segment)


def _names(of_segment: "nw.LazyFrame[Any] | None") -> list[str]:
    """Return the segments that occur."""
    if of_segment is None:
        return []
    names = of_segment.select("segment").unique(["segment"]).filter(~nw.col("segment").is_null())
    rows = names.collect(backend="pyarrow").rows()
    _check_number(len(rows))
    return [str(row[0]) for row in rows]


def _check_number(segments: int) -> None:
    if segments > MOST_SEGMENTS:
        raise ConfigError(
            f"contact_policy.send_time.segment: it has at least {segments:,} values; take a feature with at "
            f"most {MOST_SEGMENTS:,}"
        )


def _summed(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Give segment, hour and number of what happened."""
    with connect_for_frames() as connection:
        sums = connection.sql(
            f"SELECT segment, hour, CAST(sum(n) AS BIGINT) FROM {parquet_rows(folder / HOURS_FILE)} "
            f"JOIN {parquet_rows(folder / PLACES_FILE)} USING (customer_id) GROUP BY ALL"
        )
        yield from sums.fetchall()

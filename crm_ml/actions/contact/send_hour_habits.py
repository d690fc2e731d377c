"""At which hours of the week customers are active, and what to expect of customers with few events."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

from crm_ml.actions.contact.contact_frames import from_arrow
from crm_ml.actions.contact.contact_policy import SendTime
from crm_ml.actions.contact.local_clock import HOUR_S, MONDAY_S, WEEK_HOURS
from crm_ml.actions.contact.time_zones import Zones
from crm_ml.features.expressions import remainder
from crm_ml.snapshots import Snapshot
from crm_ml.tables.bundle import Tables
from crm_ml.tables.zones import offset_changes

Floats = npt.NDArray[np.float64]
_TIMES = {"events": "occurred_at", "orders": "ordered_at"}


def hour_counts(
    tables: Tables, snapshot: Snapshot, settings: SendTime, zones: Zones
) -> "nw.LazyFrame[Any] | None":
    """Count events and orders before a snapshot by the hour of the customer's own week.

    Each is placed by the offset that the customer's zone had at that moment.

    Returns
    -------
    narwhals.LazyFrame or None
        customer_id, hour (0 = Monday 0:00 to 167) and n, without hours at which nothing happened. None where
        nothing happened at all.
    """
    parts = [
        _past(tables, snapshot, name)
        for name, wanted in (("events", settings.events), ("orders", settings.orders))
        if wanted and (name == "orders" or tables.has(name))
    ]
    if not parts:
        return None
    times = nw.concat(parts)
    at = nw.col("at_epoch_s")
    span = times.select(first=at.min(), last=at.max()).collect(backend="pyarrow").rows()[0]
    if span[0] is None:
        return None
    placed = times.join(zones.frame, on="customer_id").join(
        _offsets(zones, (int(span[0]), int(span[1])), times), on="zone"
    )
    local = placed.filter((at >= nw.col("starts")) & (at < nw.col("ends"))).select(
        "customer_id", hour=remainder((at + nw.col("offset") + MONDAY_S) // HOUR_S, WEEK_HOURS)
    )
    counts: nw.LazyFrame[Any] = local.group_by("customer_id", "hour").agg(nw.len().alias("n"))
    return counts.with_columns(nw.col("n").cast(nw.Int64))


def expectations(counts: Mapping[str, Floats], strength: float) -> dict[str, Floats]:
    """Return the share of each hour that is expected in each segment, shrunk to the shares of everybody.

    With the counts N of a segment and the shares g of everybody (1/168 without any count) the expectation is
    the posterior mean ``(N_h + strength * g_h) / (N + strength)`` under a Dirichlet prior [1]_.

    Parameters
    ----------
    counts : mapping of str to numpy.ndarray, shape (168,)
        Counts of the segments, which together are everybody.
    strength : float

    Returns
    -------
    dict of str to numpy.ndarray, shape (168,)
        Positive and of sum 1.

    References
    ----------
    .. [1] Gelman et al. (2013). Bayesian data analysis, third edition, section 3.4: the multinomial model.

    Examples
    --------
    >>> few, many = np.zeros(168), np.zeros(168)
    >>> many[[20, 21]] = 30, 10
    >>> shares = expectations({"few": few, "many": many}, 20.0)
    >>> shares["few"][[20, 21]].tolist(), shares["many"][20].tolist()
    ([0.75, 0.25], 0.75)
    """
    everybody = np.sum(list(counts.values()), axis=0)
    total = everybody.sum()
    shares = everybody / total if total else np.full(WEEK_HOURS, 1.0 / WEEK_HOURS)
    return {name: (own + strength * shares) / (own.sum() + strength) for name, own in counts.items()}


def _past(tables: Tables, snapshot: Snapshot, name: str) -> "nw.LazyFrame[Any]":
    rows = snapshot.past(tables.frame(name), at=_TIMES[name])
    rows = rows.filter(nw.col("purchase") == 1) if name == "orders" else rows
    times: nw.LazyFrame[Any] = rows.select(
        "customer_id", at_epoch_s=nw.col(f"{_TIMES[name]}_epoch_s").cast(nw.Int64)
    )
    return times


def _offsets(zones: Zones, span: tuple[int, int], like: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    """Return the offsets of each zone with the moments from which and until before which they hold."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {"zone": [], "starts": [], "ends": [], "offset": []}
    for zone in zones.names:
        changes = offset_changes(zone, *span)
        columns["zone"] += [zone] * len(changes)
        columns["starts"] += [start for start, _ in changes]
        columns["ends"] += [*(start for start, _ in changes[1:]), span[1] + 1]
        columns["offset"] += [offset for _, offset in changes]
    return from_arrow(pa.table(columns), like)

"""Behaviour: visits, depth and sharing of the last 84 days, and who serves the customer, from events."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.features.event_rows import AT, kinds_of
from crm_ml.features.expressions import count_if, integers, ratio
from crm_ml.features.past import ROW, Past, days_ago

OPT_IN = True  # computed where it is named: what is sharing or personal service follows from the options
COLUMNS: dict[str, int | None] = {
    "behaviour_visit_days_84d": 0,
    "behaviour_items_84d": 0,
    "behaviour_shares_84d": 0,
    "behaviour_person_share_84d": None,
}
_DAYS = 84


def compute_each(
    past: Past,
    *,
    sharing: str | Sequence[str] = ("invite", "share"),
    person: str | Sequence[str] = ("chat", "phone", "store"),
) -> "nw.LazyFrame[Any] | None":
    """Compute what customers did in the last 84 days.

    - ``behaviour_visit_days_84d``: days with an event that is no sharing.
    - ``behaviour_items_84d``: depth, the different items that events are about.
    - ``behaviour_shares_84d``: invitations and shares.
    - ``behaviour_person_share_84d``: of the events with a channel the share on one where a person serves; the
      others are self-service. Null without such an event.

    Parameters
    ----------
    past
        As for every feature group.
    sharing : str or sequence of str
        Kinds of event that are sharing.
    person : str or sequence of str
        Channels on which a person serves.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the tables have no events.
    """
    if not past.tables.has("events"):
        return None
    events = past.tables.frame("events")
    present = events.collect_schema().names()
    optional = [name for name in ("item_id", "channel") if name in present]
    known = past.known(events, AT).select("customer", "known_from", "kind", f"{AT}_epoch_s", *optional)
    recent = past.each(known).with_columns(ago=days_ago(AT)).filter(nw.col("ago") < _DAYS)
    is_sharing = nw.col("kind").is_in(kinds_of(sharing))
    sums = {"behaviour_shares_84d": count_if(is_sharing)}
    if "channel" in optional:
        by_person = nw.col("channel").is_in(kinds_of(person))
        sums |= {"by_person": count_if(by_person), "served": count_if(~nw.col("channel").is_null())}
    counted = recent.with_columns(**sums).group_by(ROW).agg(*(nw.col(name).sum() for name in sums))
    joined = integers(counted)
    distinct = {"behaviour_visit_days_84d": (recent.filter(~is_sharing), "ago")}
    if "item_id" in optional:
        distinct["behaviour_items_84d"] = (recent.filter(~nw.col("item_id").is_null()), "item_id")
    for name, (rows, of) in distinct.items():
        pairs = rows.select(ROW, of).unique([ROW, of])
        joined = joined.join(integers(pairs.group_by(ROW).agg(nw.len().alias(name))), on=ROW, how="left")
    if "item_id" not in optional:
        joined = joined.with_columns(behaviour_items_84d=nw.lit(0).cast(nw.Int64))
    if "channel" not in optional:
        joined = joined.with_columns(by_person=nw.lit(0).cast(nw.Int64), served=nw.lit(0).cast(nw.Int64))
    share = ratio(nw.col("by_person"), nw.col("served"))
    return joined.with_columns(behaviour_person_share_84d=share).select(ROW, *COLUMNS)

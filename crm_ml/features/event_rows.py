"""Events of declared kinds, and the terms of subscriptions that begin with them."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.errors import InputError
from crm_ml.snapshots import DAY_S
from crm_ml.tables.bundle import Tables, to_pandas
from crm_ml.tables.cell_shape import shown_labels
from crm_ml.tables.zones import on_clock

AT = "occurred_at"


def kinds_of(kinds: str | Sequence[str]) -> list[str]:
    """Return kinds of event, each once in ascending order; a text is one kind.

    Examples
    --------
    >>> kinds_of("lesson"), kinds_of(("session_start", "lesson", "lesson"))
    (['lesson'], ['lesson', 'session_start'])
    """
    return [kinds] if isinstance(kinds, str) else sorted(set(kinds))


def events_of(tables: Tables, kinds: str | Sequence[str] = ()) -> "nw.LazyFrame[Any]":
    """Return the events of some kinds, all without any.

    Raises
    ------
    InputError
        If the tables have no events.
    """
    events = tables.frame("events")
    wanted = kinds_of(kinds)
    return events.filter(nw.col("kind").is_in(wanted)) if wanted else events


def check_kinds(tables: Tables, kinds: str | Sequence[str]) -> None:
    """Refuse kinds of event that the table does not have.

    Raises
    ------
    InputError
        With the kinds that are absent and those that are there.
    """
    counts = to_pandas(tables.frame("events").select("kind").unique("kind"))["kind"]
    present = sorted(counts.dropna().astype(str))
    absent = sorted(set(kinds_of(kinds)) - set(present))
    if absent:
        raise InputError(f"events: no event of kind {', '.join(absent)}; there are {shown_labels(present)}")


def terms_of(
    tables: Tables, kinds: str | Sequence[str], length_days: int | None = None
) -> "nw.LazyFrame[Any]":
    """Return the terms that begin with events of some kinds: courses or subscriptions with an end.

    Parameters
    ----------
    tables : Tables
    kinds : str or sequence of str
    length_days : int, optional
        Days from the event to the end of its term; without it ``ends_at`` of the event says when it ends.

    Returns
    -------
    narwhals.LazyFrame
        The events, with ``ends_s``, the end in seconds on the clock of the tables; events without an end are
        left out.

    Raises
    ------
    InputError
        If the tables have no events, or their ends are neither declared nor in the table.
    """
    events = events_of(tables, kinds)
    columns = events.collect_schema().names()
    if length_days is not None:
        local = f"{AT}_local_s" if f"{AT}_local_s" in columns else f"{AT}_epoch_s"
        return events.with_columns(ends_s=nw.col(local).cast(nw.Int64) + length_days * DAY_S)
    if "ends_at_epoch_s" not in columns:
        raise InputError(
            "events: no column ends_at says when a term ends; map it, or declare length_days of the renewal"
        )
    ended = on_clock(events, "ends_at").filter(~nw.col("ends_at_epoch_s").is_null())
    return ended.with_columns(ends_s=nw.col("ends_at_epoch_s").cast(nw.Int64))

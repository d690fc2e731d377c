"""Occasions: days to the anniversary of joining, the birthday, the next usual purchase, the end of a term."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.errors import ConfigError, InputError
from crm_ml.features.calendar_days import with_days_to_next, with_month_and_day
from crm_ml.features.event_rows import AT, terms_of
from crm_ml.features.expressions import count_if, day, integers, nothing, ratio
from crm_ml.features.past import ROW, Past
from crm_ml.snapshots import DAY_S

OPT_IN = True  # computed where it is named: what an occasion is follows from the options
COLUMNS: dict[str, int | None] = {
    "occasions_days_to_anniversary": None,
    "occasions_days_to_birthday": None,
    "occasions_days_to_next_purchase": None,
    "occasions_days_to_end": None,
}


def compute_each(
    past: Past,
    *,
    birthday: str = "",
    purpose: str = "",
    kinds: str | Sequence[str] = (),
    length_days: int | None = None,
) -> "nw.LazyFrame[Any]":
    """Compute the days from the snapshot to what comes next.

    - ``occasions_days_to_anniversary``: to the next return of the day of joining, which is the registration,
      or without one the first order; 0 on the day itself, and null where neither is known.
    - ``occasions_days_to_birthday``: to the next birthday, of those who consent to `purpose` at the snapshot;
      null for all others.
    - ``occasions_days_to_next_purchase``: mean gap between order days minus the days since the last one,
      negative where it is overdue; null before the second order day.
    - ``occasions_days_to_end``: whole days to the next end of a term that has begun, such as a course or a
      subscription; null where none runs.

    Parameters
    ----------
    past
        As for every feature group.
    birthday : str
        Declared column of customers with birthdays as ``YYYY-MM-DD`` or ``MM-DD``; none by default.
    purpose : str
        Purpose that customers must have allowed for their birthday to be read. Birthdays are personal, so one
        without a purpose is refused, and tables without consents give none.
    kinds : str or sequence of str
        Kinds of event with which a term begins; all by default.
    length_days : int, optional
        Days of a term; without it ``ends_at`` of the event says when it ends.

    Raises
    ------
    ConfigError
        If a birthday is named without a purpose.
    InputError
        If the column of birthdays is not declared.
    """
    frames = [_anniversary(past), _next_purchase(past)]
    if birthday:
        frames.append(_birthday(past, birthday, purpose))
    if past.tables.has("events") and (length_days is not None or _ends(past)):
        frames.append(_end(past, kinds, length_days))
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join(frame, on=ROW, how="left")
    absent = [name for name in COLUMNS if name not in joined.collect_schema().names()]
    nulls = {name: nothing(nw.col("occasions_days_to_anniversary")) for name in absent}
    return joined.with_columns(**nulls).select(ROW, *COLUMNS)


def _anniversary(past: Past) -> "nw.LazyFrame[Any]":
    """Return every known customer, with the days to the anniversary where the day of joining is known."""
    first = past.orders.group_by(ROW).agg(nw.col("ordered_at_epoch_s").min().alias("first_s"))
    customers = past.tables.frame("customers")
    joined = _registered(past, customers)
    rows = past.each_customer(customers.select("customer_id", nw.lit(1).alias("_one")))
    frame = rows.select(ROW, today=day(nw.col("as_of_epoch_s"))).join(first, on=ROW, how="left")
    ordered = day(nw.col("first_s").cast(nw.Int64))
    if joined is None:
        frame = frame.with_columns(joined=ordered)
    else:
        frame = frame.join(joined, on=ROW, how="left")
        frame = frame.with_columns(
            joined=nw.when(~nw.col("registered").is_null()).then(nw.col("registered")).otherwise(ordered)
        )
    dated = with_days_to_next(with_month_and_day(frame, "joined"), "today", "occasions_days_to_anniversary")
    return integers(dated.select(ROW, "occasions_days_to_anniversary"))


def _registered(past: Past, customers: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any] | None":
    """Return the day of registration of those who had registered by the snapshot."""
    if "registered_at_epoch_s" not in customers.collect_schema().names():
        return None
    known = past.known(customers.filter(~nw.col("registered_at_epoch_s").is_null()), "registered_at")
    dated = known.select(
        "customer", "known_from", registered=day(nw.col("registered_at_epoch_s")).cast(nw.Int64)
    )
    return past.each(dated).select(ROW, "registered")


def _next_purchase(past: Past) -> "nw.LazyFrame[Any]":
    sums = integers(
        past.order_days.group_by(ROW).agg(
            nw.col("gap").sum().alias("gap_sum"),
            nw.col("gap").count().alias("gaps"),
            nw.col("days_ago").min().alias("silence"),
        )
    )
    left = nw.col("gap_sum") - nw.col("silence") * nw.col("gaps")
    return sums.select(ROW, occasions_days_to_next_purchase=ratio(left, nw.col("gaps")))


def _birthday(past: Past, column: str, purpose: str) -> "nw.LazyFrame[Any]":
    """Return the days to the birthday of those who allow it, from the month and day alone."""
    if not purpose:
        raise ConfigError(
            f"features: occasions.birthday {column!r} is personal; name the purpose that customers must have "
            "allowed (occasions.purpose)"
        )
    customers = past.tables.frame("customers")
    if column not in customers.collect_schema().names():
        raise InputError(
            f"customers: there is no column {column!r}; declare it as an attribute in the mapping"
        )
    text = nw.col(column).cast(nw.String)
    born = customers.filter(~nw.col(column).is_null()).select(
        "customer_id",
        month=text.str.tail(5).str.slice(0, 2).cast(nw.Int64),
        day_of_month=text.str.tail(2).cast(nw.Int64),
    )
    rows = past.each_customer(born).join(_allowed(past, purpose), on=ROW, how="inner")
    dated = with_days_to_next(
        rows.with_columns(today=day(nw.col("as_of_epoch_s"))), "today", "occasions_days_to_birthday"
    )
    return integers(dated.select(ROW, "occasions_days_to_birthday"))


def _allowed(past: Past, purpose: str) -> "nw.LazyFrame[Any]":
    """Return the rows whose latest known change for the purpose, of no channel, is a grant.

    Of two changes in the same second the refusal wins, as in `crm_ml.consents.granted`; what is changed after
    the snapshot is not known to a feature.
    """
    if not past.tables.has("consents"):
        return past.each_customer(past.tables.frame("customers").select("customer_id")).select(ROW).head(0)
    consents = past.tables.frame("consents")
    about = consents.filter(nw.col("purpose") == purpose)
    if "channel" in consents.collect_schema().names():
        about = about.filter(nw.col("channel").is_null())
    refusal = count_if(~nw.col("granted"))
    order = nw.col("changed_at_epoch_s").cast(nw.Int64) * 2 + refusal
    changes = past.each(past.known(about, "changed_at").select("customer", "known_from", order=order))
    latest = integers(changes.group_by(ROW).agg(nw.col("order").max()))
    return latest.filter(nw.col("order") // 2 * 2 == nw.col("order")).select(ROW)


def _ends(past: Past) -> bool:
    return "ends_at_epoch_s" in past.tables.frame("events").collect_schema().names()


def _end(past: Past, kinds: str | Sequence[str], length_days: int | None) -> "nw.LazyFrame[Any]":
    terms = past.known(terms_of(past.tables, kinds, length_days), AT).select(
        "customer", "known_from", "ends_s"
    )
    running = past.each(terms).filter(nw.col("ends_s") >= nw.col("as_of_epoch_s"))
    dated = running.with_columns(days=(nw.col("ends_s") - nw.col("as_of_epoch_s")) // DAY_S)
    return integers(dated.group_by(ROW).agg(nw.col("days").min().alias("occasions_days_to_end")))

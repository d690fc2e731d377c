"""Renewal: the term of a customer that runs or ended last, such as a subscription, and those before it."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from crm_ml.features.event_rows import AT, terms_of
from crm_ml.features.expressions import integers, ratio
from crm_ml.features.past import ROW, Past, days_ago
from crm_ml.snapshots import DAY_S

OPT_IN = True  # computed where it is named: its columns follow from the kinds
COLUMNS: dict[str, int | None] = {
    "renewal_days_until_end": None,
    "renewal_days_since_start": None,
    "renewal_term_days": None,
    "renewal_terms": 0,
    "renewal_tenure_days": None,
    "renewal_last_gap_days": None,
    "renewal_gap_max_days": None,
    "renewal_gap_mean_days": None,
}


def compute_each(
    past: Past, *, kinds: str | Sequence[str] = (), length_days: int | None = None
) -> "nw.LazyFrame[Any] | None":
    """Compute when the term ends that ends last, and how the terms so far followed each other.

    - ``renewal_days_until_end``: whole days from the snapshot to the latest end of a term that has begun,
      rounded down, so that it is negative where the term is over; ``_days_since_start`` since the newest
      start, ``_tenure_days`` since the oldest; ``_term_days``: days from the newest start to the latest end.
    - ``renewal_terms``: terms that have begun; all but the first are renewals.
    - ``renewal_last_gap_days``, ``_gap_max_days`` and ``_gap_mean_days``: days from the end of a term to the
      start of the next, negative where it began before; of the newest, the longest, and the mean.

    Parameters
    ----------
    past
        As for every feature group.
    kinds : str or sequence of str
        Kinds of event with which a term begins; all by default.
    length_days : int, optional
        Days of a term; without it ``ends_at`` of the event says when it ends.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the tables have no events, or neither `length_days` nor ``ends_at`` is there.
    """
    tables = past.tables
    if not tables.has("events"):
        return None
    if length_days is None and "ends_at_epoch_s" not in tables.frame("events").collect_schema().names():
        return None
    started = nw.col(f"{AT}_epoch_s").cast(nw.Int64)
    terms = past.known(terms_of(tables, kinds, length_days), AT).select(
        "customer", "known_from", "ends_s", f"{AT}_epoch_s", started=started
    )
    before = nw.col("ends_s").shift(1).over("customer", order_by=("started", "ends_s"))
    followed = terms.with_columns(gap_s=nw.col("started") - before)
    dated = past.each(followed).with_columns(ago=days_ago(AT))
    newest = nw.col("started").max().over(ROW)
    dated = dated.with_columns(last_gap_s=nw.when(nw.col("started") == newest).then(nw.col("gap_s")))
    sums = dated.group_by(ROW).agg(
        nw.col("ago").min().alias("renewal_days_since_start"),
        nw.col("ago").max().alias("renewal_tenure_days"),
        nw.col("started").max(),
        nw.col("ends_s").max(),
        nw.col("as_of_epoch_s").max(),
        nw.len().alias("renewal_terms"),
        nw.col("last_gap_s").max(),
        nw.col("gap_s").max().alias("gap_max_s"),
        nw.col("gap_s").sum().alias("gap_sum_s"),
        nw.col("gap_s").count().alias("gaps"),
    )
    return _in_days(integers(sums)).select(ROW, *COLUMNS)


def _in_days(sums: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    return sums.with_columns(
        renewal_days_until_end=(nw.col("ends_s") - nw.col("as_of_epoch_s")) // DAY_S,
        renewal_term_days=(nw.col("ends_s") - nw.col("started")).cast(nw.Float64) / DAY_S,
        renewal_last_gap_days=nw.col("last_gap_s").cast(nw.Float64) / DAY_S,
        renewal_gap_max_days=nw.col("gap_max_s").cast(nw.Float64) / DAY_S,
        renewal_gap_mean_days=ratio(nw.col("gap_sum_s"), nw.col("gaps") * DAY_S),
    )

"""Cadence: gaps between order days of a customer, compared with the time since the last order."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import count_if, integers, ratio, total
from crm_ml.features.past import ROW, Past

COLUMNS: dict[str, int | None] = {
    "cadence_order_days": 0,
    "cadence_gap_mean_days": None,
    "cadence_gap_max_days": None,
    "cadence_gap_irregularity": None,
    "cadence_last_gap_days": None,
    "cadence_gap_share": None,
    "cadence_gap_max_share": None,
    "cadence_longer_gap_share": None,
}


def compute_each(past: Past) -> "nw.LazyFrame[Any]":
    """Compute the gaps (days) between order days and the current silence relative to them.

    The silence is the time since the newest order day. ``cadence_gap_irregularity`` is the standard deviation
    of the gaps over their mean (0 for regular orders); ``cadence_longer_gap_share`` is the share of past gaps
    longer than the silence, with one gap of each kind added (Laplace smoothing).
    """
    days = past.order_days.with_columns(
        square=nw.col("gap") * nw.col("gap"),
        newest_gap=nw.when(nw.col("days_ago") == nw.col("silence")).then(nw.col("gap")),
        longer=count_if(nw.col("gap") > nw.col("silence")),
    )
    sums = days.group_by(ROW).agg(
        nw.len().alias("cadence_order_days"),
        nw.col("silence").min(),
        nw.col("gap").count().alias("gaps"),
        nw.col("gap").max().alias("cadence_gap_max_days"),
        nw.col("newest_gap").max().alias("cadence_last_gap_days"),
        nw.col("gap").sum().alias("gap_sum"),
        *total("square", "longer"),
    )
    return _shares(integers(sums)).select(ROW, *COLUMNS)


def _shares(sums: "nw.LazyFrame[Any]") -> "nw.LazyFrame[Any]":
    gaps, gap_sum = nw.col("gaps"), nw.col("gap_sum")
    variance = ratio(gaps * nw.col("square") - gap_sum * gap_sum, gaps * gaps)
    return sums.with_columns(
        cadence_gap_mean_days=ratio(gap_sum, gaps),
        cadence_gap_irregularity=nw.when(gaps > 1).then(variance.sqrt() / ratio(gap_sum, gaps)),
        cadence_gap_share=ratio(nw.col("silence") * gaps, gap_sum),
        cadence_gap_max_share=ratio(nw.col("silence"), nw.col("cadence_gap_max_days")),
        cadence_longer_gap_share=ratio(nw.col("longer") + 1, gaps + 2),
    )

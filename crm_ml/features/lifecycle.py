"""Lifecycle: rule-based stage and tenure of a customer."""

from typing import Any

import narwhals as nw

from crm_ml.features.expressions import integers, total
from crm_ml.features.past import ROW, Past

COLUMNS: dict[str, int | str | None] = {"lifecycle_stage": "potential", "lifecycle_tenure_days": None}


def compute_each(
    past: Past,
    *,
    new_within_days: int = 28,
    dormant_after_days: int = 30,
    lost_after_gaps: int = 3,
) -> "nw.LazyFrame[Any]":
    """Compute the stage (potential, new, active, dormant or lost) and days since the first order.

    Parameters
    ----------
    past
        As for every feature group.
    new_within_days : int
        A customer whose first order is this recent is new.
    dormant_after_days : int
        Days without an order after which a customer is dormant.
    lost_after_gaps : int
        A dormant customer is lost after this many mean gaps, each counted as at least `dormant_after_days`.
    """
    days = past.order_days
    sums = days.group_by(ROW).agg(
        nw.col("days_ago").min().alias("silence"),
        nw.col("days_ago").max().alias("lifecycle_tenure_days"),
        nw.col("gap").count().alias("gaps"),
        *total("gap"),
    )
    sums = integers(sums)
    silence, gaps = nw.col("silence"), nw.col("gaps")
    # silence > lost_after_gaps * mean gap, without a division
    beyond_usual = (gaps == 0) | (silence * gaps > lost_after_gaps * nw.col("gap").fill_null(0))
    lost = beyond_usual & (silence > lost_after_gaps * dormant_after_days)
    stage = (
        nw.when(lost)
        .then(nw.lit("lost"))
        .otherwise(
            nw.when(silence > dormant_after_days)
            .then(nw.lit("dormant"))
            .otherwise(
                nw.when(nw.col("lifecycle_tenure_days") < new_within_days)
                .then(nw.lit("new"))
                .otherwise(nw.lit("active"))
            )
        )
    )
    return sums.select(ROW, "lifecycle_tenure_days", lifecycle_stage=stage)

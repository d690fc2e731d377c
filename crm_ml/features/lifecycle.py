"""Lifecycle: rule-based stage and tenure of a customer."""

import narwhals as nw

from crm_ml.features.group_sums import GroupSums
from crm_ml.features.order_totals import GAPS, OLDEST, SILENCE
from crm_ml.features.past import Past

COLUMNS: dict[str, int | str | None] = {"lifecycle_stage": "potential", "lifecycle_tenure_days": None}


def sums_each(
    _: Past,
    *,
    new_within_days: int = 28,
    dormant_after_days: int = 30,
    lost_after_gaps: int = 3,
) -> GroupSums:
    """Return the stage (potential, new, active, dormant or lost) and days since the first order.

    Parameters
    ----------
    _
        The past, as for every feature group.
    new_within_days : int
        A customer whose first order is this recent is new.
    dormant_after_days : int
        Days without an order after which a customer is dormant.
    lost_after_gaps : int
        A dormant customer is lost after this many mean gaps, each counted as at least `dormant_after_days`.
    """
    silence, gaps, oldest = nw.col("silence"), nw.col("gaps"), nw.col("oldest")
    # silence > lost_after_gaps * mean gap, without a division
    beyond_usual = (gaps == 0) | (silence * gaps > lost_after_gaps * nw.col("gap_sum"))
    lost = beyond_usual & (silence > lost_after_gaps * dormant_after_days)
    recent = nw.when(oldest < new_within_days).then(nw.lit("new")).otherwise(nw.lit("active"))
    ordered = nw.when(silence > dormant_after_days).then(nw.lit("dormant")).otherwise(recent)
    stage = nw.when(lost).then(nw.lit("lost")).otherwise(ordered)
    columns = {
        "lifecycle_tenure_days": oldest,
        "lifecycle_stage": nw.when(~silence.is_null()).then(stage),
    }
    return GroupSums(GAPS | OLDEST | SILENCE, columns)

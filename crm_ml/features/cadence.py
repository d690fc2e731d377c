"""Cadence: gaps between order days of a customer, compared with the time since the last order."""

import narwhals as nw

from crm_ml.features.expressions import count_if, ratio
from crm_ml.features.group_sums import GroupSums, Sum
from crm_ml.features.order_totals import DAYS, GAPS, SILENCE
from crm_ml.features.past import Past

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


def sums_each(_: Past) -> GroupSums:
    """Return the gaps (days) between order days and the current silence relative to them.

    The silence is the time since the newest order day. ``cadence_gap_irregularity`` is the standard deviation
    of the gaps over their mean (0 for regular orders); ``cadence_longer_gap_share`` is the share of past gaps
    longer than the silence, with one gap of each kind added (Laplace smoothing).
    """
    gap, newest = nw.col("gap"), nw.col("days_ago") == nw.col("silence")
    sums = {
        "cadence_last_gap": Sum("order_days", nw.when(newest).then(gap), "max"),
        "cadence_squares": Sum("order_days", (gap * gap).fill_null(0)),
        "cadence_longer": Sum("order_days", count_if(gap > nw.col("silence"))),
    }
    silence, gaps, gap_sum = nw.col("silence"), nw.col("gaps"), nw.col("gap_sum")
    variance = ratio(gaps * nw.col("cadence_squares") - gap_sum * gap_sum, gaps * gaps)
    columns = {
        "cadence_order_days": nw.col("order_days"),
        "cadence_gap_max_days": nw.col("gap_max"),
        "cadence_last_gap_days": nw.col("cadence_last_gap"),
        "cadence_gap_mean_days": ratio(gap_sum, gaps),
        "cadence_gap_irregularity": nw.when(gaps > 1).then(variance.sqrt() / ratio(gap_sum, gaps)),
        "cadence_gap_share": ratio(silence * gaps, gap_sum),
        "cadence_gap_max_share": ratio(silence, nw.col("gap_max")),
        "cadence_longer_gap_share": ratio(nw.col("cadence_longer") + 1, gaps + 2),
    }
    return GroupSums(sums | DAYS | GAPS | SILENCE, columns)

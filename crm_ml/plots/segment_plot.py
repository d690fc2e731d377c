"""A metric of each segment, with its interval."""

from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.plots.plot_style import GREY, MODEL, TEXT, axes_or_new, figure_of, tidy
from crm_ml.plots.plotted_rows import check_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ("segment", "metric", "value", "low", "high", "positives", "rows", "small")
_TITLES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log-loss (nats)",
    "ece": "ECE",
}


def segments(
    table: "pd.DataFrame", metric: str = "auc", *, overall: float | None = None, ax: "Axes | None" = None
) -> "Figure":
    """Draw one metric of each segment with its interval; small segments are pale.

    Parameters
    ----------
    table : pandas.DataFrame
        As `crm_ml.evaluation.metric_segments.by_segment` returns it.
    metric : str
    overall : float, optional
        Value over all rows, drawn as a line.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table lacks a column or has no row of the metric.
    """
    check_columns(table, _COLUMNS, "segments", "crm_ml.evaluation.metric_segments.by_segment")
    if metric not in set(table["metric"]):
        raise InputError(
            f"segments: no row of {metric!r}; there are {', '.join(sorted(set(table['metric'])))}"
        )
    rows = table[(table["metric"] == metric) & table["value"].notna()].iloc[::-1]
    axes = axes_or_new(ax, 8.0, 1.6 + 0.45 * max(len(rows), 1))
    for height, row in enumerate(rows.to_dict("records")):
        pale = 0.35 if row["small"] else 1.0
        if np.isfinite(row["low"]):
            axes.plot([row["low"], row["high"]], [height, height], color=MODEL, alpha=pale, linewidth=2)
        axes.plot(row["value"], height, "o", color=MODEL, alpha=pale)
    names = [_segment_name(row) for row in rows.to_dict("records")]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    if overall is not None:
        axes.axvline(overall, color=GREY, linestyle="--", linewidth=1)
        axes.annotate(
            f"all rows {overall:.3f}", (overall, 1), xycoords=("data", "axes fraction"),
            xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", color=TEXT, fontsize=9,
        )  # fmt: skip
    axes.set_ylabel("segment (positives of rows)")
    title = _TITLES.get(metric, metric)
    axes.set_xlabel(f"{title} with 95 % interval; pale: too few rows to rely on")
    axes.set_title(f"{title} by segment", loc="left", pad=20)
    tidy(axes)
    return figure_of(axes)


def _segment_name(row: dict[Any, Any]) -> str:
    return f"{row['segment']}  ({row['positives']:,} of {row['rows']:,})"

"""The tracking plot: cumulative repeat purchases of a cohort, actual and expected, with the hold-out."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.baselines import past_count
from crm_ml.clv.cumulative_purchases import Cumulative, cumulative
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import NAMES, in_units
from crm_ml.clv.totals import Total, total_purchases
from crm_ml.plots.plot_style import (
    ACTUAL,
    GREY,
    MODEL,
    TEXT,
    axes_or_new,
    figure_of,
    legend,
    line_colors,
    tidy,
)
from crm_ml.snapshots import Snapshot, check_data_reach
from crm_ml.tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def cumulative_purchases(
    tables: Tables,
    snapshot: Snapshot,
    summary: "pd.DataFrame",
    models: PurchaseModel | Mapping[str, PurchaseModel],
    *,
    data_ends_at: "str | date | datetime | None" = None,
    rng: np.random.Generator | None = None,
    every_days: int = 7,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw repeat purchases of the customers of a summary, actual and expected, through the hold-out.

    The dashed line at the snapshot is where the data of the fit end. After it the rule without a model stands
    beside: every customer goes on at the past rate.

    Parameters
    ----------
    tables : Tables
        With the orders of the hold-out too.
    snapshot : Snapshot
        Day until which the models were fitted, and the horizon of the hold-out.
    summary : pandas.DataFrame
        Of `crm_ml.clv.summarize` on that day.
    models : PurchaseModel, or mapping of str to PurchaseModel
        Fitted to `summary`.
    data_ends_at : str, date or datetime, optional
        First moment that the data do not cover; by default the end of the day of the newest order.
    rng : numpy.random.Generator, optional
        With it the 95 % interval of the count at the end is drawn for the first model, see
        `crm_ml.clv.totals.total_purchases`.
    every_days : int
        Days between the points of the curves; 1 for daily ones.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the hold-out ends after the data, or `summary` is no valid summary.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). "Counting your customers" the easy way. Marketing Science 24,
       figure 3.
    """
    check_data_reach(tables, snapshot, data_ends_at)
    by_name = models if isinstance(models, Mapping) else {type(models).__name__: models}
    course = cumulative(tables, snapshot, summary, by_name, every_days)
    axes = axes_or_new(ax, 8.0, 5.0)
    _courses(axes, course)
    unit = str(summary.attrs["time_unit"])
    end = course.cut + in_units(snapshot.horizon, unit)
    known = float(np.interp(course.cut, course.times, course.actual))
    more = float(past_count(summary, snapshot.horizon).purchases.sum())
    axes.plot(
        [course.cut, end], [known, known + more], ":", color=GREY, linewidth=2, label="at the past rate"
    )
    if rng is not None:
        first = next(iter(by_name.values()))
        _interval(axes, end, known, total_purchases(first, summary, snapshot.horizon, rng))
    _cut(axes, course)
    axes.set(xlim=(0, end), ylim=(0, None), ylabel="repeat purchases so far (number)")
    axes.set_xlabel(f"time since the cohort began ({NAMES[unit]})")
    axes.set_title(f"Repeat purchases of {len(summary):,} customers", loc="left")
    legend(axes, "upper left")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    tidy(axes)
    return figure_of(axes)


def _courses(axes: "Axes", course: Cumulative) -> None:
    """Draw actual purchases, and those that each model expects."""
    axes.plot(course.times, course.actual, color=ACTUAL, linewidth=3, label="actual")
    for (name, expected), color in zip(
        course.expected.items(), line_colors(len(course.expected)), strict=True
    ):
        axes.plot(course.times, expected, color=color, linewidth=1.6, label=name)


def _interval(axes: "Axes", end: float, known: float, total: Total) -> None:
    """Draw the interval of the count at the end of the hold-out."""
    error = [[total.expected - total.prediction_low], [total.prediction_high - total.expected]]
    axes.errorbar(
        [end], [known + total.expected], yerr=error, fmt="o", color=MODEL, capsize=4, linewidth=1.4,
        clip_on=False, zorder=4, label="expected at the snapshot, 95 % interval",
    )  # fmt: skip


def _cut(axes: "Axes", course: Cumulative) -> None:
    """Draw where the data of the fit end."""
    axes.axvline(course.cut, color=GREY, linestyle="--", linewidth=1)
    early = course.cut < course.times.mean()
    axes.annotate(
        "fit ends, hold-out begins", (course.cut, 0), xycoords=("data", "axes fraction"),
        xytext=(4 if early else -4, 4), va="bottom", textcoords="offset points",
        ha="left" if early else "right", color=TEXT, fontsize=9,
    )  # fmt: skip

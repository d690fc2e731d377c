"""Value of customers: deciles, purchases by frequency, and the distribution of lifetime values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.clv.purchase_histories import Ints
from crm_ml.clv.totals import Total
from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.gains_curves import DECILES, decile_means, mean_intervals
from crm_ml.evaluation.ranking import Floats, as_floats, check_values
from crm_ml.plots.gains_plots import gains
from crm_ml.plots.plot_style import (
    ACTUAL,
    MODEL,
    axes_or_new,
    blank_figure,
    figure_of,
    legend,
    line_colors,
    tidy,
)
from crm_ml.plots.plotted_rows import Scores, shown_model, values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LAST_GROUP = 7
_BARS, _SMALL = 40, 0.01


def deciles(
    y: npt.ArrayLike | BasePredictions,
    p: Scores | None = None,
    *,
    unit: str,
    model: str | None = None,
    customer_id: npt.ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw actual and predicted value by deciles of the customers; a figure of its own has `gains` beside.

    Rows with equal predictions count with the mean of their outcomes, whatever their decile.

    Parameters
    ----------
    y : array-like of float, shape (n,), or ValuePredictions
        Purchases or money, not negative.
    p : array-like of float, shape (n,), or mapping of str to array-like
        Predictions of one model, or of several by name; not with predictions as `y`.
    unit : str
        Of the outcomes, such as ``"purchases in 39 weeks"``.
    model : str, optional
        Its predictions define the deciles, highest first; by default ``"model"``, else the first.
    customer_id : array-like, shape (n,), optional
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no such model, there are fewer than ten rows, no outcome is above zero, or a value is
        none.
    """
    predictions = values(y, p, customer_id)
    name = shown_model(predictions, model)
    rows = len(predictions.y)
    if rows < DECILES or not predictions.y.any():
        raise InputError(
            f"deciles needs ten rows and an outcome above zero, not {rows:,} with sum {predictions.y.sum():g}"
        )
    if ax is None:
        bars, share = blank_figure(11.0, 4.8).subplots(1, 2)
        gains(predictions, model=name, ax=share)
    else:
        bars = axes_or_new(ax, 0, 0)
    _tenths(bars, *decile_means(predictions.y, predictions.p[name]), name)
    bars.set(xlabel="decile of the customers, highest prediction first")
    bars.set_ylabel(f"mean of a customer\n({unit})")
    bars.set_title(f"Value by deciles, {rows:,} customers", loc="left")
    legend(bars, "upper right", reverse=True)
    tidy(bars)
    return figure_of(bars)


def _tenths(axes: "Axes", actual: Floats, predicted: Floats, model: str) -> None:
    """Draw the means of the deciles."""
    places = np.arange(1, DECILES + 1)
    axes.bar(places, actual, color=MODEL, alpha=0.45, label="actual")
    axes.plot(
        places, predicted, "o-", color=ACTUAL, markersize=4, linewidth=1.4, label=f"predicted by {model}"
    )
    axes.set_xticks(places)


def purchases_by_frequency(
    frequency: npt.ArrayLike,
    y: npt.ArrayLike,
    p: Scores,
    *,
    horizon: str,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw mean hold-out purchases, actual and expected, by the number of earlier repeat purchases.

    Parameters
    ----------
    frequency : array-like of int, shape (n,)
        Repeat purchases of each customer up to the end of the fit; 7 and more make one group.
    y : array-like of float, shape (n,)
        Purchases in the hold-out.
    p : array-like of float, shape (n,), or mapping of str to array-like
        Expected purchases of one model, or of several by name.
    horizon : str
        Length of the hold-out, such as ``"39 weeks"``.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no model, lengths differ, a value is negative, NaN or infinite, or a frequency is no
        whole number.

    Notes
    -----
    Intervals of the mean are Student's; a group of one customer has none.
    """
    counts, actual = check_values(frequency, y)
    models = p if isinstance(p, Mapping) else {"model": p}
    if not models or (counts != np.floor(counts)).any():
        raise InputError("purchases_by_frequency needs a model and whole numbers of repeat purchases")
    group = np.minimum(counts, _LAST_GROUP).astype(int)
    groups = np.unique(group)
    rows = [np.flatnonzero(group == number) for number in groups]
    expected = {name: check_values(actual, each)[1] for name, each in models.items()}
    axes = axes_or_new(ax, 8.0, 5.0)
    _means(axes, groups, rows, actual, expected)
    names = [f"{number}{'+' if number == _LAST_GROUP else ''}" for number in groups.tolist()]
    axes.set_xticks(groups, [f"{n}\n{len(part):,}" for n, part in zip(names, rows, strict=True)])
    axes.set(xlabel="repeat purchases before (below: number of customers)", ylim=(0, None))
    axes.set_ylabel(f"mean purchases in the next {horizon}")
    axes.set_title(f"Calibration by frequency, {len(actual):,} customers", loc="left")
    legend(axes)
    tidy(axes)
    return figure_of(axes)


def _means(axes: "Axes", groups: Ints, rows: list[Ints], actual: Floats, expected: dict[str, Floats]) -> None:
    """Draw the means of groups of rows, actual and expected by each model."""
    for (name, each), color in zip(expected.items(), line_colors(len(expected)), strict=True):
        line = [each[part].mean() for part in rows]
        axes.plot(groups, line, "o-", color=color, markersize=4, linewidth=1.6, label=name)
    means, half = mean_intervals(actual, rows)
    axes.errorbar(
        groups, means, yerr=[np.minimum(half, means), half], fmt="s", color=ACTUAL, capsize=4, linewidth=1.4,
        markersize=6, label="actual, 95 % interval of the mean", zorder=3,
    )  # fmt: skip


def clv_distribution(
    values: "pd.DataFrame | npt.ArrayLike", *, unit: str, total: Total | None = None, ax: "Axes | None" = None
) -> "Figure":
    """Draw how lifetime values spread over the customers, with their total and its interval.

    The scale is logarithmic, since few customers hold much. The first bar holds all below too (1 %), and
    values of 0 are counted in the title.

    Parameters
    ----------
    values : pandas.DataFrame or array-like of float, shape (n,)
        Values of the customers, or a frame with the column ``clv``, such as that of
        `crm_ml.clv.value_with_interval`.
    unit : str
        Such as ``"USD in 12 months"``.
    total : Total, optional
        Of `crm_ml.clv.totals.total_value`; without it the total has no interval.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the frame has no column ``clv``, a value is negative, NaN or infinite, or none is above zero.
    """
    each = _clv(values)
    above = each[each > 0]
    axes = axes_or_new(ax, 8.0, 4.6)
    low, high = float(np.quantile(above, _SMALL)), float(above.max())
    edges = np.geomspace(low, high if high > low else 2 * low, _BARS + 1)
    axes.hist(np.maximum(above, low), bins=list(edges), color=MODEL, alpha=0.75, label="customers")
    for name, value, style in (("median", float(np.median(each)), ":"), ("mean", float(each.mean()), "--")):
        if value > 0:
            axes.axvline(value, color=ACTUAL, linestyle=style, linewidth=1.4, label=f"{name} {value:,.2f}")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.6g}")
    axes.set(xlabel=f"lifetime value of a customer ({unit}, logarithmic)", ylabel="customers (number)")
    zeros = f", {len(each) - len(above):,} of them 0" if len(above) < len(each) else ""
    axes.set_title(f"Lifetime value of {len(each):,} customers{zeros}", loc="left")
    axes.plot([], [], " ", label=_total_text(each, total))
    legend(axes, "upper right")
    tidy(axes)
    return figure_of(axes)


def _clv(values: "pd.DataFrame | npt.ArrayLike") -> Floats:
    columns = getattr(values, "columns", None)
    if columns is not None and "clv" not in columns:
        names = ", ".join(map(str, columns))
        raise InputError(f"values has no column clv but {names}; give the frame of value_with_interval")
    each = as_floats("clv", values if columns is None else values["clv"])  # type: ignore[call-overload,index]
    check_values(each, each)
    if not each.any():
        raise InputError(f"clv is 0 for all of {len(each):,} customers, so there is nothing to draw")
    return each


def _total_text(each: Floats, total: Total | None) -> str:
    """Return the total with its interval, and what the best tenth of the customers holds."""
    top = np.sort(each)[::-1][: max(1, len(each) // 10)].sum() / each.sum()
    share = f"the best tenth holds {top:.0%}"
    if total is None:
        return f"total {each.sum():,.0f}\n{share}"
    ends = f"{total.prediction_low:,.0f} to {total.prediction_high:,.0f}"
    return f"total {total.expected:,.0f}\n95 % of what will come: {ends}\n{share}"

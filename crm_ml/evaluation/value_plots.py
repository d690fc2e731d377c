"""Figures of predicted purchases and money; each function returns a matplotlib Figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.gains_curves import DECILES, decile_means, gains_curve, mean_intervals
from crm_ml.evaluation.plot_style import (
    ACTUAL,
    GREY,
    MODEL,
    TEXT,
    blank_figure,
    line_colors,
    model_colors,
    tidy,
)
from crm_ml.evaluation.ranking import Floats, as_floats, check_probabilities, check_values
from crm_ml.evaluation.value_predictions import ValuePredictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LAST_GROUP = 7
_CONTOURS = (0.1, 0.25, 0.5, 0.75, 0.9)


def frequency_plot(
    frequency: npt.ArrayLike, y: npt.ArrayLike, p: Mapping[str, npt.ArrayLike], horizon: str
) -> "Figure":
    """Draw mean hold-out purchases, actual and expected, by the number of earlier repeat purchases.

    Parameters
    ----------
    frequency : array-like of int, shape (n,)
        Repeat purchases of each customer up to the end of the fit; 7 and more make one group.
    y : array-like of float, shape (n,)
        Purchases in the hold-out.
    p : mapping of str to array-like of float, shape (n,)
        Expected purchases by model name.
    horizon : str
        Length of the hold-out, such as "39 weeks".

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
    if not p or (counts != np.floor(counts)).any():
        raise InputError("frequency_plot needs a model and whole numbers of repeat purchases")
    group = np.minimum(counts, _LAST_GROUP).astype(int)
    groups = np.unique(group)
    rows = [np.flatnonzero(group == number) for number in groups]
    means, half = mean_intervals(actual, rows)
    figure = blank_figure(8.0, 5.0)
    axes = figure.subplots()
    for (name, values), color in zip(p.items(), line_colors(len(p)), strict=True):
        expected = check_values(actual, values)[1]
        line = [expected[part].mean() for part in rows]
        axes.plot(groups, line, "o-", color=color, markersize=4, linewidth=1.6, label=name)
    axes.errorbar(
        groups, means, yerr=[np.minimum(half, means), half], fmt="s", color=ACTUAL, capsize=4, linewidth=1.4,
        markersize=6, label="actual, 95 % interval of the mean", zorder=3,
    )  # fmt: skip
    names = [f"{number}{'+' if number == _LAST_GROUP else ''}" for number in groups.tolist()]
    axes.set_xticks(groups, [f"{n}\n{len(part):,}" for n, part in zip(names, rows, strict=True)])
    axes.set(xlabel="repeat purchases before (below: number of customers)", ylim=(0, None))
    axes.set_ylabel(f"mean purchases in the next {horizon}")
    axes.set_title(f"Calibration by frequency, {len(actual):,} customers", loc="left")
    axes.legend(loc="best", frameon=False)
    tidy(axes)
    return figure


def cumulative_plot(
    times: npt.ArrayLike, actual: npt.ArrayLike, expected: Mapping[str, npt.ArrayLike], cut: float, unit: str
) -> "Figure":
    """Draw cumulative repeat purchases of the cohort, actual and expected by models.

    Parameters
    ----------
    times : array-like of float, shape (k,)
        Ascending, from the start of the cohort.
    actual : array-like of float, shape (k,)
        Repeat purchases of all customers up to each time.
    expected : mapping of str to array-like of float, shape (k,)
        By model name.
    cut : float
        Time at which the data of the fit end.
    unit : str
        Of `times` and `cut`, such as "weeks".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If lengths differ, a value is negative, NaN or infinite, or times do not ascend.
    """
    moments, bought = check_values(times, actual)
    if (np.diff(moments) <= 0).any():
        raise InputError("times must ascend, each above the one before")
    figure = blank_figure(8.0, 5.0)
    axes = figure.subplots()
    axes.plot(moments, bought, color=ACTUAL, linewidth=3, label="actual")
    for (name, values), color in zip(expected.items(), line_colors(len(expected)), strict=True):
        axes.plot(moments, check_values(bought, values)[1], color=color, linewidth=1.6, label=name)
    axes.axvline(cut, color=GREY, linestyle="--", linewidth=1)
    early = cut < moments.mean()
    axes.annotate(
        "fit ends", (cut, 1), xycoords=("data", "axes fraction"), xytext=(4 if early else -4, -2), va="top",
        textcoords="offset points", ha="left" if early else "right", color=TEXT, fontsize=9,
    )  # fmt: skip
    axes.set(xlim=(min(moments[0], 0), moments[-1]), ylim=(0, None))
    axes.set(xlabel=f"time since the cohort began ({unit})", ylabel="repeat purchases so far (number)")
    axes.set_title("Repeat purchases of the cohort", loc="left")
    axes.legend(loc="lower right", frameon=False)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    tidy(axes)
    return figure


def alive_heat_map(
    frequency: npt.ArrayLike, recency: npt.ArrayLike, p_alive: npt.ArrayLike, unit: str, age: float
) -> "Figure":
    """Draw the probability that a customer is alive by number and time of the repeat purchases.

    Parameters
    ----------
    frequency : array-like of float, shape (f,)
        Ascending numbers of repeat purchases, the columns of the map.
    recency : array-like of float, shape (r,)
        Ascending times from the first to the last purchase, the rows of the map.
    p_alive : array-like of float, shape (r, f)
        NaN cells, such as impossible combinations, stay blank.
    unit : str
        Of `recency` and `age`, such as "weeks".
    age : float
        Time T from the first purchase to now, the same for all cells.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the shape is not (r, f), an axis does not ascend, or a value is outside [0, 1].

    Notes
    -----
    Contour lines leave out customers without a repeat purchase: they have no recency, and some models hold
    them alive for certain.
    """
    from matplotlib.ticker import MaxNLocator

    x, y = as_floats("frequency", frequency), as_floats("recency", recency)
    alive = as_floats("p_alive", p_alive)
    if alive.shape != (len(y), len(x)) or min(alive.shape) < 2:
        raise InputError(
            f"p_alive has shape {alive.shape}; it needs a row for each of {len(y)} recencies and a column "
            f"for each of {len(x)} frequencies, two at least"
        )
    if (np.diff(x) <= 0).any() or (np.diff(y) <= 0).any():
        raise InputError("frequency and recency must ascend")
    check_probabilities(alive[~np.isnan(alive)], "p_alive")
    figure = blank_figure(7.4, 5.6)
    axes = figure.subplots()
    mesh = axes.pcolormesh(x, y, alive, vmin=0, vmax=1, cmap="viridis", shading="nearest", rasterized=True)
    _contours(axes, x[x > 0], y, alive[:, x > 0])
    figure.colorbar(mesh, ax=axes, label="P(alive) (0 to 1)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="repeat purchases (number)", ylabel=f"recency, first to last purchase ({unit})")
    axes.set_title(f"P(alive) of a customer first seen T = {age:.4g} {unit} ago", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def decile_plot(predictions: ValuePredictions, model: str, unit: str) -> "Figure":
    """Draw actual and predicted value by deciles of the customers, beside the gains curve of value.

    Rows with equal predictions count with the mean of their outcomes, whatever their decile.

    Parameters
    ----------
    predictions : ValuePredictions
    model : str
        Its predictions define the deciles, highest first; the other models are drawn on the right.
    unit : str
        Of the outcomes, such as "purchases in 39 weeks".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the model is not in the predictions, there are fewer than ten rows, or no outcome is above zero.
    """
    alone = predictions.only(model)
    rows = len(alone.y)
    if rows < DECILES or not alone.y.any():
        raise InputError(
            f"decile_plot needs ten rows and an outcome above zero, not {rows:,} with sum {alone.y.sum():g}"
        )
    actual, predicted = decile_means(alone.y, alone.p[model])
    figure = blank_figure(11.0, 4.8)
    bars, share = figure.subplots(1, 2)
    places = np.arange(1, DECILES + 1)
    bars.bar(places, actual, color=MODEL, alpha=0.45, label="actual")
    bars.plot(
        places, predicted, "o-", color=ACTUAL, markersize=4, linewidth=1.4, label=f"predicted by {model}"
    )
    bars.set_xticks(places)
    bars.set(xlabel="decile of the customers, highest prediction first")
    bars.set_ylabel(f"mean of a customer\n({unit})")
    bars.set_title(f"Value by deciles, {rows:,} customers", loc="left")
    bars.legend(loc="upper right", frameon=False, reverse=True)
    _shares(share, predictions, model)
    tidy(bars, share)
    return figure


def _shares(share: "Axes", predictions: ValuePredictions, model: str) -> None:
    for name, color in model_colors(predictions.models, model).items():
        taken, gained = gains_curve(predictions.y, predictions.p[name])
        share.plot(
            100 * taken, 100 * gained, color=color, linewidth=2.2 if name == model else 1.3, label=name
        )
    share.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="at random", zorder=3)
    share.set(xlim=(0, 100), ylim=(0, 101), ylabel="value found (% of all)")
    share.set(xlabel="customers taken, highest prediction first (%)")
    share.set_title("Share of all value found", loc="left")
    share.legend(loc="lower right", frameon=False)


def _contours(axes: "Axes", x: Floats, y: Floats, alive: Floats) -> None:
    from matplotlib.patheffects import withStroke

    known = alive[~np.isnan(alive)]
    levels = [level for level in _CONTOURS if known.size and known.min() < level < known.max()]
    if levels and len(x) > 1:
        lines = axes.contour(x, y, alive, levels=levels, colors="white", linewidths=1.2)
        for label in axes.clabel(lines, fmt="%.2g", fontsize=9):
            label.set_path_effects([withStroke(linewidth=2.5, foreground=ACTUAL)])

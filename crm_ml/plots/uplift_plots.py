"""Uplift: Qini curves beside their controls, deciles, and the value of rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.uplift_curves import qini_curve
from crm_ml.evaluation.uplift_predictions import RANDOM, UpliftPredictions
from crm_ml.plots.plot_style import (
    ACTUAL,
    BASELINES,
    GREY,
    MODEL,
    TEXT,
    axes_or_new,
    figure_of,
    legend,
    model_colors,
    tidy,
)
from crm_ml.plots.plotted_rows import check_columns, effects, shown_model

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DRAWS = 200
_DECILE = ("tenth", "rows", "predicted", "uplift", "low", "high")
_POLICY = ("policy", "treated", "difference", "difference_low", "difference_high")


def qini(
    y: npt.ArrayLike | UpliftPredictions,
    p: Mapping[str, npt.ArrayLike] | None = None,
    treatment: npt.ArrayLike | None = None,
    *,
    model: str | None = None,
    customer_id: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw what treating the best share would add, beside the order of a response model and a random one.

    Parameters
    ----------
    y : array-like of float, shape (n,), or UpliftPredictions
        Outcomes of a randomised trial, not negative.
    p : mapping of str to array-like of float, shape (n,)
        Uplift scores by model; ``"response"``, a model of the outcome that ignores the effect, must be there,
        ``"random"`` is added. Not with predictions as `y`.
    treatment : array-like of {0, 1}, shape (n,)
    model : str, optional
        The one with the 95 % band; by default ``"model"``, else the first that is no control.
    customer_id : array-like, shape (n,), optional
        By default each row is a customer.
    rng : numpy.random.Generator, optional
        Draws whole customers for the band; a fixed one by default.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the response control, scores or arms are missing, lengths differ, or a value is none.

    References
    ----------
    .. [1] Radcliffe (2007). Using control groups to target on predicted lift. Direct Marketing Analytics
       Journal 1.
    """
    predictions = effects(y, p, treatment, customer_id)
    name = shown_model(predictions, model)
    axes = axes_or_new(ax, 7.2, 5.0)
    share, low, high = _band(predictions, name, rng or np.random.default_rng(0))
    axes.fill_between(share, low, high, color=MODEL, alpha=0.15, linewidth=0, label=f"{name}, 95 % band")
    end = 0.0
    for other, color in model_colors(predictions.models, name).items():
        _, curve = qini_curve(predictions.y, predictions.p[other], predictions.treatment)
        end = float(curve[0, -1])
        style = ":" if other == RANDOM else "-"
        axes.plot(share, curve[0], style, color=color, linewidth=1.8 if other == name else 1.3, label=other)
    axes.plot([0, 1], [0, end], "--", color=GREY, linewidth=1, label="straight line")
    axes.set(xlabel="share of customers treated, highest score first", xlim=(0, 1))
    axes.set_ylabel("added to the mean outcome")
    axes.set_title(f"Qini curve, {len(predictions.y):,} rows", loc="left")
    legend(axes)
    tidy(axes)
    return figure_of(axes)


def uplift_deciles(
    table: "pd.DataFrame", *, model: str = "model", average: float | None = None, ax: "Axes | None" = None
) -> "Figure":
    """Draw the observed uplift of each decile with its interval, beside the predicted one.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.evaluation.uplift_curves.uplift_by_decile`.
    model : str
        Its name in the legend.
    average : float, optional
        Average effect; by default the mean of the deciles, each with its rows.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table lacks a column or has no row.
    """
    check_columns(table, _DECILE, "uplift_deciles", "crm_ml.evaluation.uplift_curves.uplift_by_decile")
    axes = axes_or_new(ax, 7.2, 4.4)
    gap = table["uplift"].to_numpy()
    rows = table["rows"].to_numpy()
    mean = float(np.average(gap, weights=rows)) if average is None else average
    error = [gap - table["low"].to_numpy(), table["high"].to_numpy() - gap]
    axes.axhline(0, color=TEXT, linewidth=0.8)
    axes.axhline(mean, color=GREY, linestyle="--", linewidth=1, label=f"average effect {mean:.4g}")
    axes.bar(table["tenth"], gap, color=MODEL, alpha=0.55, label="observed, 95 % interval")
    axes.errorbar(table["tenth"], gap, yerr=error, fmt="none", ecolor=ACTUAL, capsize=3, linewidth=1)
    axes.plot(table["tenth"], table["predicted"], "o", color=BASELINES[0], label=f"predicted by {model}")
    axes.set(xlabel="decile of the customers, highest score first", ylabel="uplift (of the mean outcome)")
    axes.set_xticks(table["tenth"].tolist())
    axes.set_title(f"Uplift by decile, {int(rows.sum()):,} rows", loc="left")
    legend(axes)
    tidy(axes)
    return figure_of(axes)


def policies(table: "pd.DataFrame", unit: str, *, ax: "Axes | None" = None) -> "Figure":
    """Draw the value of each policy against that of the first, with 95 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.evaluation.policy_value.value_table`.
    unit : str
        Such as ``"cents a customer"``.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table lacks a column or has no row.
    """
    check_columns(table, _POLICY, "policies", "crm_ml.evaluation.policy_value.value_table")
    axes = axes_or_new(ax, 7.2, 0.6 * len(table) + 1.4)
    place = np.arange(len(table))[::-1]
    gain = table["difference"].to_numpy()
    error = [gain - table["difference_low"].to_numpy(), table["difference_high"].to_numpy() - gain]
    axes.axvline(0, color=TEXT, linewidth=0.8)
    axes.errorbar(gain, place, xerr=error, fmt="o", color=MODEL, capsize=3, linewidth=1.4)
    shares = table["treated"].map("{:.0%}".format)
    names = [f"{name} ({share})" for name, share in zip(table["policy"], shares, strict=True)]
    axes.set_yticks(place, names)
    axes.set(xlabel=f"{unit}, against {table['policy'].iloc[0]}", ylim=(-0.6, len(table) - 0.4))
    axes.set_ylabel("rule (share treated)")
    axes.set_title("Value of rules, doubly robust", loc="left")
    tidy(axes)
    return figure_of(axes)


def _band(
    predictions: UpliftPredictions, model: str, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    customers, customer = np.unique(predictions.customer_id, return_inverse=True)
    draws = rng.multinomial(len(customers), np.full(len(customers), 1 / len(customers)), size=_DRAWS)
    weights = draws[:, customer].astype(float)
    share, band = qini_curve(predictions.y, predictions.p[model], predictions.treatment, weights)
    low, high = np.percentile(band, [2.5, 97.5], axis=0)
    return share, low, high

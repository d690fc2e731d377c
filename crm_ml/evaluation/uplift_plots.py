"""Figures of uplift; each function returns a matplotlib Figure without changing global state."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.evaluation.plot_style import ACTUAL, GREY, MODEL, TEXT, blank_figure, model_colors, tidy
from crm_ml.evaluation.uplift_curves import qini_curve
from crm_ml.evaluation.uplift_predictions import RANDOM, UpliftPredictions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_DRAWS = 200


def qini_plot(predictions: UpliftPredictions, model: str, rng: np.random.Generator) -> "Figure":
    """Draw the Qini curves of all models, with a 95 % band of one, and the line of a random order.

    Parameters
    ----------
    predictions : UpliftPredictions
    model : str
        The model whose band is drawn.
    rng : numpy.random.Generator
        Draws whole customers for the band.
    """
    figure = blank_figure(7.2, 5.0)
    axes = figure.subplots()
    y, t = predictions.y, predictions.treatment
    customers, customer = np.unique(predictions.customer_id, return_inverse=True)
    draws = rng.multinomial(len(customers), np.full(len(customers), 1 / len(customers)), size=_DRAWS)
    share, band = qini_curve(y, predictions.p[model], t, draws[:, customer].astype(float))
    low, high = np.percentile(band, [2.5, 97.5], axis=0)
    axes.fill_between(share, low, high, color=MODEL, alpha=0.15, linewidth=0, label=f"{model}, 95 % band")
    end = 0.0
    for name, colour in model_colors(predictions.models, model).items():
        _, curve = qini_curve(y, predictions.p[name], t)
        end = float(curve[0, -1])
        style = ":" if name == RANDOM else "-"
        axes.plot(share, curve[0], style, color=colour, linewidth=1.8 if name == model else 1.3, label=name)
    axes.plot([0, 1], [0, end], "--", color=GREY, linewidth=1, label="straight line")
    axes.set(xlabel="share of customers treated, highest score first", xlim=(0, 1))
    axes.set_ylabel("added to the mean outcome")
    axes.set_title(f"Qini curve, {len(y):,} rows", loc="left")
    axes.legend(loc="best", frameon=False)
    tidy(axes)
    return figure


def uplift_decile_plot(table: "pd.DataFrame", model: str, average: float) -> "Figure":
    """Draw the observed uplift of each decile with its interval, beside the predicted one.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.evaluation.uplift_curves.uplift_by_decile`.
    model : str
    average : float
        Average effect.
    """
    figure = blank_figure(7.2, 4.4)
    axes = figure.subplots()
    gap = table["uplift"].to_numpy()
    error = [gap - table["low"].to_numpy(), table["high"].to_numpy() - gap]
    axes.axhline(0, color=TEXT, linewidth=0.8)
    axes.axhline(average, color=GREY, linestyle="--", linewidth=1, label=f"average effect {average:.4g}")
    axes.bar(table["tenth"], gap, color=MODEL, alpha=0.55, label="observed, 95 % interval")
    axes.errorbar(table["tenth"], gap, yerr=error, fmt="none", ecolor=ACTUAL, capsize=3, linewidth=1)
    axes.plot(table["tenth"], table["predicted"], "o", color="#d9822b", label=f"predicted by {model}")
    axes.set(xlabel="decile of the customers, highest score first", ylabel="uplift")
    axes.set_xticks(table["tenth"].tolist())
    axes.set_title(f"Uplift by decile, {int(table['rows'].sum()):,} rows", loc="left")
    axes.legend(loc="best", frameon=False)
    tidy(axes)
    return figure


def policy_plot(table: "pd.DataFrame", unit: str) -> "Figure":
    """Draw the value of each policy against that of the first, with 95 % intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.evaluation.policy_value.value_table`.
    unit : str
        Such as ``"cents a customer"``.
    """
    figure = blank_figure(7.2, 0.6 * len(table) + 1.4)
    axes = figure.subplots()
    place = np.arange(len(table))[::-1]
    gain = table["difference"].to_numpy()
    error = [gain - table["difference_low"].to_numpy(), table["difference_high"].to_numpy() - gain]
    axes.axvline(0, color=TEXT, linewidth=0.8)
    axes.errorbar(gain, place, xerr=error, fmt="o", color=MODEL, capsize=3, linewidth=1.4)
    shares = table["treated"].map("{:.0%}".format)
    names = [f"{name} ({share})" for name, share in zip(table["policy"], shares, strict=True)]
    axes.set_yticks(place, names)
    axes.set(xlabel=f"{unit}, against {table['policy'].iloc[0]}", ylim=(-0.6, len(table) - 0.4))
    axes.set_title("Value of rules, doubly robust (share treated)", loc="left")
    tidy(axes)
    return figure

"""Figures of binary predictions; each function returns a matplotlib Figure without changing global state."""

from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.evaluation.gains_curves import gains_curve, mean_of_ties
from crm_ml.evaluation.plot_style import GREY, MODEL, TEXT, Z95, blank_figure, model_colors, tidy
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_TITLES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log-loss (nats)",
    "ece": "ECE",
}
_BINS = 10


def calibration_plot(predictions: Predictions, model: str) -> "Figure":
    """Draw observed shares against predicted probabilities in ten bins, above a histogram of the scores.

    Parameters
    ----------
    predictions : Predictions
    model : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the model is not in the predictions.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference. JASA 22,
       for the 95 % binomial intervals.
    """
    alone = predictions.only(model)
    predicted, true, low, high = _bins(alone.y, alone.p[model])
    figure = blank_figure(6.4, 6.4)
    upper, strip = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    limit = min(1.0, 1.08 * max(float(high.max()), float(predicted.max())))
    upper.plot([0, limit], [0, limit], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    upper.errorbar(
        predicted, true, yerr=[true - low, high - true], fmt="o-", color=MODEL, capsize=3, linewidth=1.4,
        label=f"{model}, {len(predicted)} bins of equal mass, 95 % interval",
    )  # fmt: skip
    upper.set(xlim=(0, limit), ylim=(0, limit), ylabel="observed share (0 to 1)")
    upper.set_title(f"Calibration of {model}, {len(alone.y):,} rows", loc="left")
    upper.legend(loc="upper left", frameon=False)
    strip.hist(np.minimum(alone.p[model], limit), bins=np.linspace(0, limit, 41), color=MODEL, alpha=0.75)
    beyond = "; the last bar holds all above" if (alone.p[model] > limit).any() else ""
    strip.set(xlabel=f"predicted probability (0 to 1{beyond})", ylabel="rows")
    tidy(upper, strip)
    return figure


def gains_plot(predictions: Predictions, model: str) -> "Figure":
    """Draw the share of all positives reached, and the lift, against the share of customers, best first.

    The other models of the predictions are drawn as baselines. Rows with equal scores are taken together.
    Parameters, raises: as `calibration_plot`.
    """
    predictions.only(model)
    figure = blank_figure(11.0, 4.8)
    gains, lift = figure.subplots(1, 2)
    for name, color in model_colors(predictions.models, model).items():
        taken, gained = gains_curve(predictions.y, predictions.p[name])
        style = {"color": color, "linewidth": 2.2 if name == model else 1.3, "label": name}
        gains.plot(100 * taken, 100 * gained, **style)
        tail = taken >= 0.01
        lift.plot(100 * taken[tail], gained[tail] / taken[tail], **style)
    gains.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="at random")
    lift.axhline(1, color=GREY, linestyle="--", linewidth=1, label="at random")
    gains.set(xlim=(0, 100), ylim=(0, 101), ylabel="positives found (% of all)")
    lift.set(xlim=(0, 100), ylim=(0, None), ylabel="lift (times the base rate)")
    gains.set_title(f"Gains, {len(predictions.y):,} rows", loc="left")
    lift.set_title(f"Lift, base rate {100 * predictions.y.mean():.1f} %", loc="left")
    for axes, place in ((gains, "lower right"), (lift, "upper right")):
        axes.set_xlabel("rows taken, highest score first (%)")
        axes.legend(loc=place, frameon=False)
    tidy(gains, lift)
    return figure


def segment_plot(segments: "pd.DataFrame", metric: str, overall: float | None = None) -> "Figure":
    """Draw one metric of each segment with its interval; small segments are pale.

    Parameters
    ----------
    segments : pandas.DataFrame
        As `crm_ml.evaluation.metric_segments.by_segment` returns it.
    metric : str
    overall : float, optional
        Value over all rows, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = segments[(segments["metric"] == metric) & segments["value"].notna()].iloc[::-1]
    figure = blank_figure(8.0, 1.6 + 0.45 * max(len(rows), 1))
    axes = figure.subplots()
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
    axes.set_xlabel(f"{_TITLES.get(metric, metric)} with 95 % interval; pale: too few rows to rely on")
    tidy(axes)
    return figure


def _bins(y: Floats, p: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean score, share of positives and its Wilson limits for bins of equal mass that share ties."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    predicted = np.array([p[part].mean() for part in parts])
    shared = mean_of_ties(y, p)
    true = np.array([shared[part].mean() for part in parts])
    count = np.array([len(part) for part in parts])
    spread = 1 + Z95**2 / count
    middle = (true + Z95**2 / (2 * count)) / spread
    half = Z95 / spread * np.sqrt(true * (1 - true) / count + Z95**2 / (4 * count**2))
    return predicted, true, np.minimum(middle - half, true), np.maximum(middle + half, true)


def _segment_name(row: dict[Any, Any]) -> str:
    return f"{row['segment']}  ({row['positives']:,} of {row['rows']:,})"

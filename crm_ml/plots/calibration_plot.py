"""Calibration: observed shares against predicted probabilities, with intervals and the guard's verdict."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.calibration_check import CalibrationCheck, check_calibration
from crm_ml.evaluation.gains_curves import mean_of_ties
from crm_ml.evaluation.predictions import Predictions
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.plots.plot_style import GREY, MODEL, TEXT, axes_or_new, blank_figure, figure_of, legend, tidy
from crm_ml.plots.plotted_rows import Scores, probabilities, shown_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 10
_LEAST_ECE = 0.01  # a proven error below it is none that matters


def calibration(
    y: npt.ArrayLike | BasePredictions,
    p: Scores | None = None,
    *,
    model: str | None = None,
    customer_id: npt.ArrayLike | None = None,
    check: CalibrationCheck | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw observed shares against predicted probabilities in ten bins of equal mass.

    Bins have 95 % intervals (Wilson). The text is the guard: the expected calibration error (ECE) beside that
    of a calibrated model on the same rows, and whether the rows show more. A figure of its own has a
    histogram of the scores below.

    Parameters
    ----------
    y : array-like of {0, 1}, shape (n,), or Predictions
    p : array-like of float, shape (n,), or mapping of str to array-like
        Probabilities of one model, or of several by name; not with predictions as `y`.
    model : str, optional
        The one that is drawn; by default ``"model"``, else the first.
    customer_id : array-like, shape (n,), optional
        Rows of a customer go together in the guard; by default each row is a customer.
    check : CalibrationCheck, optional
        Of the same model, where it is known; computed otherwise.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no such model, lengths differ, a label is neither 0 nor 1, or a value is no probability.

    Examples
    --------
    >>> calibration([1, 0, 0, 1], [0.9, 0.2, 0.4, 0.6]).axes[0].get_ylabel()
    'observed share (0 to 1)'
    """
    predictions = probabilities(y, p, customer_id)
    name = shown_model(predictions, model)
    upper, strip = _panels(ax)
    scores = predictions.p[name]
    limit = _reliability(upper, predictions, name)
    guard = check or check_calibration(predictions, name, np.random.default_rng(0))
    upper.text(0.97, 0.04, _verdict(guard), transform=upper.transAxes, ha="right", va="bottom", color=TEXT)
    legend(upper, "upper left")
    lowest = upper if strip is None else strip
    if strip is not None:
        strip.hist(np.minimum(scores, limit), bins=list(np.linspace(0, limit, 41)), color=MODEL, alpha=0.75)
        strip.set(ylabel="rows")
        tidy(strip)
    beyond = "; the last bar holds all above" if strip is not None and (scores > limit).any() else ""
    lowest.set_xlabel(f"predicted probability (0 to 1{beyond})")
    tidy(upper)
    return figure_of(upper)


def _panels(ax: "Axes | None") -> "tuple[Axes, Axes | None]":
    if ax is not None:
        return axes_or_new(ax, 0, 0), None
    upper, strip = blank_figure(6.4, 6.4).subplots(2, 1, sharex=True, height_ratios=(4, 1))
    return upper, strip


def _reliability(axes: "Axes", predictions: Predictions, model: str) -> float:
    """Draw the bins and the diagonal, and return the end of both axes."""
    predicted, true, low, high = _bins(predictions.y, predictions.p[model])
    limit = min(1.0, 1.08 * max(float(high.max()), float(predicted.max())))
    axes.plot([0, limit], [0, limit], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.errorbar(
        predicted, true, yerr=[true - low, high - true], fmt="o-", color=MODEL, capsize=3, linewidth=1.4,
        label=f"{model}, {len(predicted)} bins of equal mass, 95 % interval",
    )  # fmt: skip
    axes.set(xlim=(0, limit), ylim=(0, limit), ylabel="observed share (0 to 1)")
    axes.set_title(f"Calibration of {model}, {len(predictions.y):,} rows", loc="left")
    return limit


def _verdict(check: CalibrationCheck) -> str:
    shown = not check.within(_LEAST_ECE)
    end = f"an error of at least {check.least:.3f} is shown" if shown else "no error is shown"
    return f"ECE {check.ece:.3f}; a calibrated model has {check.expected:.3f}\np {check.p_value:.3f}: {end}"


def _bins(y: Floats, p: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean score, share of positives and its Wilson limits for bins of equal mass that share ties."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    predicted = np.array([p[part].mean() for part in parts])
    shared = mean_of_ties(y, p)
    true = np.array([shared[part].mean() for part in parts])
    return predicted, true, *wilson_interval(true, [len(part) for part in parts])

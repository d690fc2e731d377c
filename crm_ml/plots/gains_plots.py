"""Gains and lift: how much of all positives, or of all value, the highest scores reach."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.evaluation.base_predictions import BasePredictions
from crm_ml.evaluation.gains_curves import gains_band, gains_curve
from crm_ml.evaluation.ranking import Floats
from crm_ml.evaluation.value_predictions import ValuePredictions
from crm_ml.plots.plot_style import (
    GREY,
    MODEL,
    axes_or_new,
    blank_figure,
    figure_of,
    legend,
    model_colors,
    tidy,
)
from crm_ml.plots.plotted_rows import Scores, ranked, shown_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST_SHARE = 0.01  # below it a lift is one of few rows
_DRAWS, _DRAWN_ROWS = (50, 200), 20_000_000  # of a band: fewer draws where each has very many rows


def gains(
    y: npt.ArrayLike | BasePredictions,
    p: Scores | None = None,
    *,
    model: str | None = None,
    customer_id: npt.ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the share of all positives, or of all value, against the share of rows, highest score first.

    Other models are drawn as baselines, beside the line of a random order. Rows with equal scores are taken
    together.

    Parameters
    ----------
    y : array-like of float, shape (n,), or Predictions or ValuePredictions
        Labels 0 and 1, or counts or money, not negative.
    p : array-like of float, shape (n,), or mapping of str to array-like
        Predictions of one model, or of several by name; not with predictions as `y`.
    model : str, optional
        The one with the 95 % band; by default ``"model"``, else the first.
    customer_id : array-like, shape (n,), optional
        Drawn whole for the band; by default each row is a customer.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no such model, no outcome above zero, lengths differ, or a value is none.

    Examples
    --------
    >>> gains([1, 0, 0, 1], [0.9, 0.2, 0.4, 0.3]).axes[0].get_ylabel()
    'positives found (% of all)'
    """
    predictions, name = _checked(y, p, model, customer_id)
    axes = axes_or_new(ax, 6.4, 4.8)
    grid, low, high = _band(predictions, name)
    axes.fill_between(
        100 * grid, 100 * low, 100 * high, color=MODEL, alpha=0.15, linewidth=0, label=f"{name}, 95 % band"
    )
    for other, taken, gained, style in _curves(predictions, name):
        axes.plot(100 * taken, 100 * gained, label=other, **style)
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="at random")
    found = "value" if isinstance(predictions, ValuePredictions) else "positives"
    axes.set(xlim=(0, 100), ylim=(0, 101), ylabel=f"{found} found (% of all)")
    axes.set_xlabel("rows taken, highest score first (%)")
    axes.set_title(f"Gains, {len(predictions.y):,} rows", loc="left")
    legend(axes, "lower right")
    tidy(axes)
    return figure_of(axes)


def lift(
    y: npt.ArrayLike | BasePredictions,
    p: Scores | None = None,
    *,
    model: str | None = None,
    customer_id: npt.ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw how many times more than a random order the highest scores find; all else as `gains`.

    Lines begin at one percent of the rows: above are too few to tell.
    """
    predictions, name = _checked(y, p, model, customer_id)
    axes = axes_or_new(ax, 6.4, 4.8)
    grid, low, high = _band(predictions, name)
    shown = grid >= _LEAST_SHARE
    least, most = (end[shown] / grid[shown] for end in (low, high))
    axes.fill_between(
        100 * grid[shown], least, most, color=MODEL, alpha=0.15, linewidth=0, label=f"{name}, 95 % band"
    )
    for other, taken, gained, style in _curves(predictions, name):
        tail = taken >= _LEAST_SHARE
        axes.plot(100 * taken[tail], gained[tail] / taken[tail], label=other, **style)
    axes.axhline(1, color=GREY, linestyle="--", linewidth=1, label="at random")
    is_value, mean = isinstance(predictions, ValuePredictions), float(predictions.y.mean())
    rate = "mean" if is_value else "base rate"
    axes.set(xlim=(0, 100), ylim=(0, None), ylabel=f"lift (times the {rate})")
    axes.set_xlabel("rows taken, highest score first (%)")
    axes.set_title(f"Lift, {rate} {f'{mean:.4g}' if is_value else f'{100 * mean:.1f} %'}", loc="left")
    legend(axes, "upper right")
    tidy(axes)
    return figure_of(axes)


def gains_and_lift(predictions: BasePredictions, *, model: str | None = None) -> "Figure":
    """Draw `gains` beside `lift`."""
    figure = blank_figure(11.0, 4.8)
    left, right = figure.subplots(1, 2)
    gains(predictions, model=model, ax=left)
    return lift(predictions, model=model, ax=right)


def _checked(
    y: npt.ArrayLike | BasePredictions, p: Scores | None, model: str | None, ids: npt.ArrayLike | None
) -> tuple[BasePredictions, str]:
    predictions = ranked(y, p, ids)
    name = shown_model(predictions, model)
    if not predictions.y.any():
        raise InputError(
            f"gains: no outcome above zero in {len(predictions.y):,} rows, so there is nothing to find"
        )
    return predictions, name


def _band(predictions: BasePredictions, model: str) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(0)  # of the band alone: equal rows, equal bytes
    draws = int(np.clip(_DRAWN_ROWS // len(predictions.y), *_DRAWS))
    return gains_band(predictions.y, predictions.p[model], predictions.customer_id, rng, draws)


def _curves(predictions: BasePredictions, model: str) -> list[tuple[str, Floats, Floats, dict[str, Any]]]:
    """Return name, shares of rows and of outcomes, and style of each model, in the order of drawing."""
    return [
        (
            name,
            *gains_curve(predictions.y, predictions.p[name]),
            {"color": color, "linewidth": 2.2 if name == model else 1.3},
        )
        for name, color in model_colors(predictions.models, model).items()
    ]

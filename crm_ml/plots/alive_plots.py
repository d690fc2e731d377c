"""P(alive) of a customer over time, and what a model says of each frequency and recency."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.clv.alive_path import alive_path
from crm_ml.clv.purchase_histories import Floats, Ints, check_summary, plain_names
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import NAMES, Horizon
from crm_ml.plots.heat_map import heat_map
from crm_ml.plots.plot_style import ACTUAL, GREY, MODEL, axes_or_new, figure_of, legend, tidy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = 60  # of a matrix
_LEAST_COLUMNS, _SHARE = 5, 0.99
_CONTOURS = (0.1, 0.25, 0.5, 0.75, 0.9)


def p_alive_path(
    model: PurchaseModel,
    orders: Any,
    customer_id: str,
    as_of: "str | date | datetime",
    *,
    days_ahead: int = 0,
    covariates: Mapping[str, Any] | None = None,
    ax: "Axes | None" = None,
) -> "Figure":
    """Draw the probability that a customer is alive, day by day from the first purchase on.

    Each day knows the purchases until then. The band is the 95 % interval from the errors of the parameters;
    there is none where no error is known, as of a fitter of lifetimes without its data.

    Parameters
    ----------
    model : PurchaseModel
        Fitted to a summary that names its unit of time.
    orders : Tables, or frame of DuckDB, pandas, Polars or narwhals
        As `crm_ml.clv.summarize` takes them.
    customer_id : str
    as_of : str, date or datetime
        Only purchases before it are known.
    days_ahead : int
        Days after it for which P(alive) is drawn as if no purchase came.
    covariates : mapping of str to value, optional
        Of the customer, see `crm_ml.clv.alive_path`, which has the figures.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the customer has no purchase before `as_of`, the unit of time is not known, `days_ahead` is no
        whole number from 0 on, or orders are refused.
    """
    path = alive_path(model, orders, customer_id, as_of, days_ahead=days_ahead, covariates=covariates)
    axes = axes_or_new(ax, 8.0, 4.4)
    if model.errors_known_:
        ends = path["p_alive_low"], path["p_alive_high"]
        axes.fill_between(path.index, *ends, color=MODEL, alpha=0.15, linewidth=0, label="95 % interval")
    days, count = path.index.to_numpy().astype("datetime64[D]"), int(path["purchase"].sum())
    bought, known = np.flatnonzero(path["purchase"]), int(path["known"].sum()) - 1
    _path(axes, days, path["p_alive"].to_numpy(), bought, known)
    axes.set_title(f"P(alive) of customer {customer_id}, {count:,} days with a purchase", loc="left")
    legend(axes, "lower left")
    tidy(axes)
    return figure_of(axes)


def _path(axes: "Axes", days: Any, alive: Floats, bought: Ints, known: int) -> None:
    """Draw P(alive) until the last known day and after it, and the purchases."""
    axes.plot(days[: known + 1], alive[: known + 1], color=MODEL, linewidth=1.8, label="P(alive)")
    axes.vlines(days[bought], 0, 1, color=ACTUAL, linewidth=0.7, alpha=0.5, label="purchase")
    if len(days) > known + 1:
        axes.plot(days[known:], alive[known:], "--", color=MODEL, linewidth=1.8, label="if no purchase comes")
        axes.axvline(days[known], color=GREY, linestyle="--", linewidth=1)
    axes.set(ylim=(0, 1.02), xlim=(days[0], days[-1]), ylabel="probability alive (0 to 1)", xlabel="day")


def p_alive_matrix(model: PurchaseModel, summary: "pd.DataFrame", *, ax: "Axes | None" = None) -> "Figure":
    """Draw the probability of being alive by number and time of the repeat purchases.

    All cells are of a customer as old as the oldest one of the summary. Contours leave out customers without
    a repeat purchase: they have no recency, and some models hold them alive for certain. Covariates of the
    model, if any, are the means of its customers.

    Parameters
    ----------
    model : PurchaseModel
        Fitted.
    summary : pandas.DataFrame
        Of `crm_ml.clv.summarize`, in the model's unit of time; frequencies reach to its 99th percentile.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the model is not fitted, or `summary` is no valid summary.
    """
    grid, shape, axis = _grid(model, summary)
    alive = model.typical().probability_alive(grid).to_numpy().reshape(shape)
    axes = axes_or_new(ax, 7.4, 5.6)
    title = f"P(alive) of a customer first seen T = {axis.age:.4g} {axis.unit} ago"
    heat_map(axes, axis.frequency, axis.recency, alive, "P(alive) (0 to 1)", title, _CONTOURS, (0, 1))
    return _named(axes, axis)


def purchases_matrix(
    model: PurchaseModel, summary: "pd.DataFrame", horizon: Horizon, *, ax: "Axes | None" = None
) -> "Figure":
    """Draw the expected purchases within a horizon by number and time of the repeat purchases.

    Parameters
    ----------
    model, summary, ax
        As of `p_alive_matrix`.
    horizon : timedelta or float
        A time, or a number in the unit of the summary.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the model is not fitted, `summary` is no valid summary, or the horizon is not positive.

    References
    ----------
    .. [1] Fader, Hardie and Lee (2005). RFM and CLV: using iso-value curves for customer base analysis.
       Journal of Marketing Research 42, figure 2.
    """
    grid, shape, axis = _grid(model, summary)
    expected = model.typical().expected_purchases(grid, horizon).to_numpy().reshape(shape)
    axes = axes_or_new(ax, 7.4, 5.6)
    span = f"{horizon.days} days" if isinstance(horizon, timedelta) else f"{horizon:.4g} {axis.unit}"
    title = f"Purchases in {span} of a customer first seen {axis.age:.4g} {axis.unit} ago"
    top = float(expected.max())
    label = "expected purchases (number)"
    heat_map(axes, axis.frequency, axis.recency, expected, label, title, _levels(top), (0.0, top))
    return _named(axes, axis)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Axes of a matrix: frequencies, recencies and the age of all cells, in a unit of time."""

    frequency: Ints
    recency: Floats
    age: float
    unit: str


def _grid(model: PurchaseModel, summary: "pd.DataFrame") -> "tuple[pd.DataFrame, tuple[int, int], _Grid]":
    """Return customers of the largest age over frequency and recency, the shape of the matrix, its axes."""
    import pandas as pd

    summary = plain_names(summary)
    check_summary(summary)
    unit = model.unit_for(summary)
    age = float(summary["T"].max())
    columns = max(int(summary["frequency"].quantile(_SHARE)), _LEAST_COLUMNS) + 1
    frequency, recency = np.arange(columns), np.linspace(0, age, _ROWS)
    cells = {
        "frequency": np.tile(frequency, _ROWS),
        "recency": np.where(np.tile(frequency, _ROWS) == 0, 0.0, np.repeat(recency, columns)),
        "T": age,
    }
    grid = pd.DataFrame(cells)
    grid.attrs["time_unit"] = unit
    return grid, (_ROWS, columns), _Grid(frequency, recency, age, NAMES.get(unit or "", "units of time"))


def _levels(top: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten between a fiftieth of the top and the top."""
    power = int(np.floor(np.log10(top))) if top > 0 else 0
    steps = [step * 10.0**p for p in range(power - 2, power + 1) for step in (1, 2, 5)]
    return [step for step in steps if top / 50 < step < top]


def _named(axes: "Axes", axis: _Grid) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="repeat purchases (number)", ylabel=f"recency, first to last purchase ({axis.unit})")
    tidy(axes, grid=False)
    return figure_of(axes)

"""P(alive) of a customer over time, and what a model says of each frequency and recency."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.clv.order_days import checked_lines, purchase_days, snapshot_of
from crm_ml.clv.purchase_histories import Floats, Histories, Ints, check_summary, plain_names
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.time_units import DAYS, NAMES, Horizon
from crm_ml.errors import InputError
from crm_ml.evaluation.wilson import Z95
from crm_ml.plots.heat_map import heat_map
from crm_ml.plots.plot_style import ACTUAL, GREY, MODEL, axes_or_new, figure_of, legend, tidy
from crm_ml.tables.bundle import to_pandas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = 60  # of a matrix
_LEAST_COLUMNS, _SHARE = 5, 0.99
_CONTOURS = (0.1, 0.25, 0.5, 0.75, 0.9)
_TINY = 1e-12


def p_alive_path(
    model: PurchaseModel,
    orders: Any,
    customer_id: str,
    as_of: "str | date | datetime",
    *,
    days_ahead: int = 0,
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
    if not isinstance(days_ahead, int | np.integer) or days_ahead < 0:
        raise InputError(f"days_ahead is {days_ahead!r}; it must be a whole number of days, 0 or more")
    if model.time_unit_ is None:
        raise InputError('the model has no unit of time; fit it to a summary with attrs["time_unit"]')
    snapshot = snapshot_of(orders, as_of)
    ago = _days_ago(orders, customer_id, as_of)
    known = int(ago.max())
    bought = known - np.sort(ago)[::-1]  # days since the first purchase
    at = np.arange(known + days_ahead + 1)
    alive, low, high = _alive(model, bought, at)
    first = snapshot.as_of.date() - timedelta(days=known + 1)
    days = np.datetime64(first, "D") + at
    axes = axes_or_new(ax, 8.0, 4.4)
    if model.errors_known_:
        axes.fill_between(days, low, high, color=MODEL, alpha=0.15, linewidth=0, label="95 % interval")
    _path(axes, days, alive, bought, known)
    axes.set_title(f"P(alive) of customer {customer_id}, {len(bought):,} days with a purchase", loc="left")
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


def _days_ago(orders: Any, customer_id: str, as_of: "str | date | datetime") -> Ints:
    """Return the days before `as_of` on which a customer bought."""
    snapshot = snapshot_of(orders, as_of)
    lines = snapshot.past(checked_lines(orders).frame, at="ordered_at")
    of_customer = lines.filter(nw.col("customer_id") == str(customer_id))
    days = to_pandas(purchase_days(of_customer, snapshot).select("days_ago"))
    if not len(days):
        known = f"no purchase before {snapshot}; name another customer or a later day"
        raise InputError(f"customer {customer_id!r} has {known}")
    return np.asarray(days["days_ago"], dtype=np.int64)


def _alive(model: PurchaseModel, bought: Ints, at: Ints) -> tuple[Floats, Floats, Floats]:
    """Return P(alive) with its 95 % interval on some days after the first purchase.

    The interval is symmetric in the log-odds, by the delta method.
    """
    import pandas as pd
    from scipy.special import expit, logit

    unit = DAYS[str(model.time_unit_)]
    count = np.searchsorted(bought, at, side="right") - 1
    days = pd.DataFrame({"frequency": count, "recency": bought[count] / unit, "T": at / unit})
    histories = Histories.of(days)
    alive, slopes = model.alive_with_slopes(model.theta_, histories)
    inner = np.clip(alive, _TINY, 1 - _TINY)
    slopes = slopes / (1 - inner)  # of the log-odds, from those of the logarithm
    half = Z95 * np.sqrt(model.variance_along(slopes))
    ends = [expit(logit(inner) + side) for side in (-half, half)]
    sure = alive > 1 - _TINY
    low, high = (np.where(sure, 1.0, end) for end in ends)
    return histories.for_each(alive), histories.for_each(low), histories.for_each(high)

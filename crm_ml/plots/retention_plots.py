"""Retention of cohorts: the heat map by cohort and age, and the curve over all of them."""

from typing import TYPE_CHECKING

import numpy as np

from crm_ml.clv.purchase_histories import Ints
from crm_ml.errors import InputError
from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.plots.heat_map import PALETTE, scale
from crm_ml.plots.plot_style import GREY, MODEL, axes_or_new, figure_of, legend, tidy
from crm_ml.plots.plotted_rows import check_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ("cohort", "age", "customers", "active", "share")
_MOST_NUMBERED = 14
_BRIGHT = 0.6
_LONGEST = 16.0  # inches of a side


def retention(table: "pd.DataFrame", *, ax: "Axes | None" = None) -> "Figure":
    """Draw the share of customers who buy by the time since their first purchase, over all cohorts.

    The band is the 95 % interval (Wilson) of the pooled share; each cohort is a pale line. Ages that a cohort
    has not reached count neither in it nor in the pool.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.clv.retention`.
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table lacks a column, has no share, or a cohort is no day.
    """
    from matplotlib.ticker import MaxNLocator

    known = _known(table)
    axes = axes_or_new(ax, 7.2, 4.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for number, (_, rows) in enumerate(known.groupby("cohort")):
        label = "each cohort" if number == 0 else None
        axes.plot(rows["age"], 100 * rows["share"], color=GREY, linewidth=0.7, alpha=0.6, label=label)
    pooled = known.groupby("age")[["active", "customers"]].sum().astype(float)
    share = (pooled["active"] / pooled["customers"]).to_numpy()
    low, high = wilson_interval(share, pooled["customers"].to_numpy())
    age = pooled.index.to_numpy()
    axes.fill_between(age, 100 * low, 100 * high, color=MODEL, alpha=0.15, linewidth=0, label="95 % interval")
    axes.plot(age, 100 * share, "o-", color=MODEL, markersize=4, linewidth=2, label="all cohorts")
    axes.set(xlabel=f"{_period(table)} since the first purchase", ylabel="customers who buy (%)")
    axes.set(ylim=(0, 102), xlim=(0, max(int(age.max()), 1)))
    cohorts = known.drop_duplicates("cohort")
    title = f"Retention of {int(cohorts['customers'].sum()):,} customers in {len(cohorts):,} cohorts"
    axes.set_title(title, loc="left")
    legend(axes, "upper right")
    tidy(axes)
    return figure_of(axes)


def retention_matrix(table: "pd.DataFrame", *, ax: "Axes | None" = None) -> "Figure":
    """Draw the share of customers who buy by cohort and age; ages not reached are blank.

    The colours reach to the largest share after age 0, which is 100 % by definition. Cells of very many
    cohorts or ages are small, and only some are named. Parameters, raises: as `retention`.
    """
    known = _known(table)
    share = 100 * known.pivot_table(index="cohort", columns="age", values="share", aggfunc="first")
    size = known.drop_duplicates("cohort").set_index("cohort")["customers"]
    rows, height = _side(len(share), cell=0.34, beside=1.4)
    columns, width = _side(share.shape[1], cell=0.62, beside=1.8)
    axes = axes_or_new(ax, width, height)
    values = share.to_numpy()
    after = values[:, 1:]
    top = float(np.nanmax(after)) if np.isfinite(after).any() else 100.0
    mesh = axes.imshow(values, vmin=0, vmax=top or 1.0, cmap=PALETTE, aspect="auto", interpolation="nearest")
    if share.shape[1] <= _MOST_NUMBERED and len(rows) == len(share):
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            ink = "black" if value > _BRIGHT * top else "white"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=8)
    axes.set_xticks(columns, [str(age) for age in share.columns[columns]])
    axes.set_yticks(rows, [f"{day:%Y-%m-%d}  ({size[day]:,})" for day in share.index[rows]])
    axes.set(xlabel=f"{_period(table)} since the first purchase", ylabel="first purchase (customers)")
    axes.set_title("Customers who buy, by cohort", loc="left")
    scale(axes, mesh, "customers who buy (%)")
    tidy(axes, grid=False)
    return figure_of(axes)


def _known(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of periods that had ended; a cohort is a day, also as a file of text holds it."""
    import pandas as pd

    check_columns(table, _COLUMNS, "retention", "crm_ml.clv.retention")
    ended = table[table["share"].notna()]
    if not len(ended):
        raise InputError("retention: the table has no share; make it with crm_ml.clv.retention")
    days = pd.to_datetime(ended["cohort"], format="ISO8601", errors="coerce")
    if days.isna().any():
        rows = f"{int(days.isna().sum()):,} of {len(ended):,} rows"
        raise InputError(f"retention: cohort is no day, such as 2024-01-01, in {rows}")
    return ended.assign(cohort=days)


def _side(cells: int, cell: float, beside: float) -> tuple[Ints, float]:
    """Return which cells along a side are named, and its inches, which end where no screen would follow."""
    step = int(np.ceil(cells * cell / (_LONGEST - beside)))
    return np.arange(0, cells, step), min(beside + cells * cell, _LONGEST)


def _period(table: "pd.DataFrame") -> str:
    return str(table.attrs.get("period", "periods"))

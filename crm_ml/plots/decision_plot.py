"""What acting on scores earns at each cost of the action, beside acting on everybody and on nobody."""

from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.evaluation.decision_curve import EVERYBODY, NOBODY
from crm_ml.plots.plot_style import GREY, MODEL, TEXT, axes_or_new, figure_of, legend, model_colors, tidy
from crm_ml.plots.plotted_rows import check_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ("model", "cost", "value", "low", "high")


def decision_curve(
    table: Any, *, model: str | None = None, unit: str | None = None, ax: "Axes | None" = None
) -> "Figure":
    """Draw the value of each model against the cost of the action.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `crm_ml.evaluation.decision_curve.decision_curve`.
    model : str, optional
        The one with the 95 % band; by default the first.
    unit : str, optional
        Of gain and costs, such as "EUR".
    ax : matplotlib.axes.Axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If columns are missing or there is no such model.

    Examples
    --------
    >>> import crm_ml.evaluation.decision_curve as curves
    >>> from crm_ml.evaluation import Predictions
    >>> rows = Predictions(list("abcd"), ["june"] * 4, [1, 0, 1, 0], {"m": [0.9, 0.3, 0.4, 0.1]})
    >>> decision_curve(curves.decision_curve(rows, 10, [2, 4])).axes[0].get_ylabel()
    'earned a customer'
    """
    check_columns(table, _COLUMNS, "table", "crm_ml.evaluation.decision_curve.decision_curve")
    models = [name for name in table["model"].unique() if name not in (EVERYBODY, NOBODY)]
    shown = model or (models[0] if models else "")
    if shown not in models:
        raise InputError(f"no model {shown!r}; there are {', '.join(models)}")
    axes = axes_or_new(ax, 6.4, 4.8)
    for name, color in {EVERYBODY: GREY, NOBODY: TEXT, **model_colors(models, shown)}.items():
        line = table[table["model"] == name].sort_values("cost")
        axes.plot(
            line["cost"], line["value"], color=color, label=name, linestyle="-" if name in models else "--"
        )
        if name == shown:
            axes.fill_between(line["cost"], line["low"], line["high"], color=MODEL, alpha=0.15, linewidth=0)
    in_unit = f" ({unit})" if unit else ""
    best = table.loc[table["model"] != EVERYBODY, "high"].max()
    if best > 0:
        axes.set_ylim(-0.25 * best, None)  # everybody falls without end
    axes.set(xlabel=f"cost of the action{in_unit}", ylabel=f"earned a customer{in_unit}")
    axes.set_title("What acting on the scores earns", loc="left")
    legend(axes, "upper right")
    tidy(axes)
    return figure_of(axes)

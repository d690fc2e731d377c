"""Colours, sizes and axes that all plots share; no global state is changed."""

from collections.abc import Iterable
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from crm_ml.errors import InputError
from crm_ml.extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from crm_ml.plots.plot_figure import PlotFigure

INK = "black"
MODEL, ACTUAL, GREY, TEXT = "#1f5fa8", "#222222", "#9a9a9a", "#555555"
# of Okabe and Ito: told apart also by readers who can't tell red from green
BASELINES = ("#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def blank_figure(width: float, height: float) -> "PlotFigure":
    """Return a figure of a size in inches, independent of pyplot."""
    require("matplotlib", "a plot")
    from crm_ml.plots.plot_figure import PlotFigure

    return PlotFigure(width, height)


def axes_or_new(ax: "Axes | None", width: float, height: float) -> "Axes":
    """Return the axes to draw on: those given, or those of a new figure of a size in inches.

    Raises
    ------
    InputError
        If `ax` are not axes, such as an array of them.
    """
    if ax is None:
        return blank_figure(width, height).subplots()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise InputError(f"ax is {type(ax).__name__}; give one matplotlib Axes, such as axes[0]")
    return ax


def figure_of(axes: "Axes") -> "Figure":
    """Return the whole figure that axes stand in."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def tidy(*many: "Axes", grid: bool = True) -> None:
    """Give axes a white ground, no upper and right spine, and a pale grid below the data.

    On figures of ours all text is dark too; around axes of a caller it follows the caller's style.
    """
    for axes in many:
        axes.set_facecolor("white")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
        if grid:
            axes.grid(True, color="#e6e6e6", linewidth=0.7)
        if is_ours(axes):
            axes.tick_params(which="both", colors=INK)
            axes.spines[:].set_color(INK)
            for text in (axes.xaxis.label, axes.yaxis.label):
                text.set_color(INK)
            axes.set_title(axes.get_title("left"), loc="left", color=INK)


def legend(axes: "Axes", place: str = "best", *, reverse: bool = False) -> None:
    """Draw the legend without a frame, dark on the white ground."""
    options: dict[str, Any] = {"loc": place, "frameon": False, "labelcolor": INK, "reverse": reverse}
    axes.legend(**options)


def is_ours(axes: "Axes") -> bool:
    """Whether axes stand in a figure that a plot made."""
    from crm_ml.plots.plot_figure import PlotFigure

    return isinstance(figure_of(axes), PlotFigure)


def model_colors(models: Iterable[str], model: str) -> dict[str, str]:
    """Return the colour of each model in the order of drawing: `model` last, so that it lies on top."""
    others = [name for name in models if name != model]
    return {**dict(zip(others, line_colors(len(others) + 1)[1:], strict=True)), model: MODEL}


def line_colors(lines: int) -> list[str]:
    """Return the colours of a number of lines, that of the model first."""
    return [MODEL, *islice(cycle(BASELINES), lines)][:lines]

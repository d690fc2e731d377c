"""Colours, sizes and axes that all figures share; no global state is changed."""

from collections.abc import Iterable
from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODEL, ACTUAL, GREY, TEXT = "#1f5fa8", "#222222", "#9a9a9a", "#555555"
BASELINES = ("#d9822b", "#4d9a6a", "#8a5fa8", "#b0485a", "#7a6a4f")
Z95 = 1.959963984540054


def blank_figure(width: float, height: float) -> "Figure":
    """Return a figure of a size in inches, independent of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def tidy(*many: "Axes") -> None:
    """Remove the upper and right spines and draw a pale grid below the data."""
    for axes in many:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e6e6e6", linewidth=0.7)
        axes.set_axisbelow(True)


def model_colors(models: Iterable[str], model: str) -> dict[str, str]:
    """Return the colour of each model in the order of drawing: `model` last, so that it lies on top."""
    others = [name for name in models if name != model]
    return {**dict(zip(others, line_colors(len(others) + 1)[1:], strict=True)), model: MODEL}


def line_colors(lines: int) -> list[str]:
    """Return the colours of a number of lines, that of the model first."""
    return [MODEL, *islice(cycle(BASELINES), lines)][:lines]

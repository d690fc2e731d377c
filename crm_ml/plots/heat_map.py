"""A matrix of numbers over two axes, with a scale and labelled contours."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crm_ml.evaluation.ranking import Floats
from crm_ml.plots.plot_style import ACTUAL, INK, figure_of, is_ours, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.image import AxesImage

PALETTE = "viridis"  # even in lightness, also for readers who can't tell red from green


def heat_map(
    axes: "Axes",
    x: npt.NDArray[Any],
    y: Floats,
    values: npt.NDArray[Any],
    label: str,
    title: str,
    levels: Iterable[float] = (),
    ends: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Draw values over two ascending axes; NaN cells stay blank, contours leave out x = 0.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x : numpy.ndarray, shape (f,)
    y : numpy.ndarray, shape (r,)
    values : numpy.ndarray, shape (r, f)
    label : str
        Of the scale, with its unit.
    title : str
    levels : iterable of float
        Of contours; those outside the values are left out.
    ends : tuple of float
        Of the scale.
    """
    low, high = ends
    mesh = axes.pcolormesh(
        x, y, values, vmin=low, vmax=high, cmap=PALETTE, shading="nearest", rasterized=True
    )
    _contours(axes, x[x > 0], y, values[:, x > 0], levels)
    scale(axes, mesh, label)
    axes.set_title(title, loc="left")
    tidy(axes, grid=False)


def scale(axes: "Axes", mesh: "QuadMesh | AxesImage", label: str) -> None:
    """Draw the scale of a matrix beside it."""
    bar = figure_of(axes).colorbar(mesh, ax=axes)
    if is_ours(axes):
        bar.set_label(label, color=INK)
        bar.ax.tick_params(colors=INK)
        bar.outline.set_edgecolor(INK)
    else:
        bar.set_label(label)


def _contours(
    axes: "Axes", x: npt.NDArray[Any], y: Floats, values: npt.NDArray[Any], levels: Iterable[float]
) -> None:
    from matplotlib.patheffects import withStroke

    known = values[~np.isnan(values)]
    inside = [level for level in levels if known.size and known.min() < level < known.max()]
    if inside and len(x) > 1:
        lines = axes.contour(x, y, values, levels=inside, colors="white", linewidths=1.2)
        for text in axes.clabel(lines, fmt="%.2g", fontsize=9):
            text.set_path_effects([withStroke(linewidth=2.5, foreground=ACTUAL)])

"""What holds of every plot: labels, given axes, no state left behind, white ground, the same bytes again."""

import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from crm_ml import plots
from crm_ml.errors import InputError
from crm_ml.plots.plot_style import BASELINES, MODEL

ONE_PANEL = sorted({*plots.__all__} - {"gains_and_lift"})
QUICK = ("calibration", "clv_distribution", "retention_matrix")
QUICK_OR_SLOW = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ONE_PANEL]
# of Machado, Oliveira and Fernandes (2009), for linear RGB: no red, no green, no blue receptor
BLIND = {
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}  # fmt: skip


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    return file.getvalue()


def test_every_public_plot_is_drawn_here(drawings):
    assert sorted(drawings) == ONE_PANEL


@pytest.mark.parametrize("name", QUICK_OR_SLOW)
def test_a_plot_names_its_axes_and_is_the_same_under_a_dark_style(name, drawings):
    before = dict(mpl.rcParams)
    figure = drawings[name]()
    main = figure.axes[0]
    assert main.get_title("left")
    assert main.get_ylabel()
    assert any(axes.get_xlabel() for axes in figure.axes)
    bright = png(figure)
    assert dict(mpl.rcParams) == before
    with mpl.rc_context(fname=mpl.get_data_path() + "/stylelib/dark_background.mplstyle"):
        assert png(drawings[name]()) == bright


@pytest.mark.parametrize("name", ONE_PANEL)
def test_a_plot_draws_on_given_axes_and_returns_their_figure(name, drawings):
    figure = Figure()
    _, right = figure.subplots(1, 2)
    assert drawings[name](ax=right) is figure
    assert right.get_title("left")
    assert not figure.axes[0].has_data()


def test_axes_that_are_none_are_refused(drawings):
    with pytest.raises(InputError, match=r"ax is ndarray; give one matplotlib Axes"):
        drawings["gains"](ax=Figure().subplots(1, 2))


def test_pyplot_is_never_loaded():
    draw = "from crm_ml import plots; plots.gains([1, 0], [0.9, 0.1])"
    tell = "import sys; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{draw}; {tell}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_files_hold_no_date_and_notebooks_get_a_picture(drawings):
    figure = drawings["exposure"]()
    for kind in ("svg", "pdf"):
        first, again = io.BytesIO(), io.BytesIO()
        figure.savefig(first, format=kind)
        figure.savefig(again, format=kind)
        assert first.getvalue() == again.getvalue()
        assert b"Date" not in first.getvalue()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_colours_are_told_apart_by_readers_who_lack_a_receptor():
    colours = [np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for code in (MODEL, *BASELINES)]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in colours]
    for seen in BLIND.values():
        points = [lab(np.array(seen) @ colour) for colour in linear]
        apart = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
        assert min(apart) > 15  # the house's former palette had 2.7


def lab(rgb):
    """Return CIE L*a*b* of a linear colour."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

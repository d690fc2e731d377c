"""The gallery shows every plot, and its pictures are what its own lines draw."""

import ast
import re

import numpy as np
import pytest
from draw_gallery import MOST_BYTES, PAGE, blocks, draw
from PIL import Image

from crm_ml import plots
from crm_ml.front.model_plots import PLOTS

FOLDER = PAGE.parent


def test_every_plot_is_on_the_page_and_every_picture_has_its_lines():
    page = PAGE.read_text(encoding="utf-8")
    shown = {picture: code for code, picture in blocks(page) if picture}
    assert page.count("](pictures/") == len(shown)
    assert sorted(shown) == sorted(
        path.relative_to(FOLDER).as_posix() for path in (FOLDER / "pictures/gallery").iterdir()
    )
    drawn = set()
    for picture, code in shown.items():
        last = ast.parse(code).body[-1]
        assert isinstance(last, ast.Expr), picture
        assert ast.unparse(last).startswith("plots."), picture
        drawn |= {name for name in plots.__all__ if f"plots.{name}(" in code}
    assert drawn == {*plots.__all__}


def test_the_page_names_the_plots_of_each_family():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = {family: set(re.findall(r"`(\w+)`", text)) for family, text in rows}
    assert named == {family: set(of_family) for family, of_family in PLOTS.items()}


def test_pictures_are_small():
    sizes = [path.stat().st_size for path in (FOLDER / "pictures/gallery").iterdir()]
    assert max(sizes) <= MOST_BYTES
    assert sum(sizes) < 1_000_000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_lines_of_the_page_draw_its_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_ML_DATA", str(tmp_path / "data"))
    for path in draw(PAGE.read_text(encoding="utf-8"), tmp_path):
        drawn, committed = (
            np.asarray(Image.open(folder / path.relative_to(tmp_path)).convert("RGB"), dtype=float)
            for folder in (tmp_path, FOLDER)
        )
        assert drawn.shape == committed.shape, path.name
        assert np.abs(drawn - committed).mean() < 1.5, f"{path.name}: run python docs/draw_gallery.py"

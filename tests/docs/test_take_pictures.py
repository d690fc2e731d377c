"""The experiment of the README is drawn of logged test rows, and its pictures are small."""

import numpy as np
import pandas as pd
from PIL import Image
from take_pictures import FOLDER, NAMES, draw_experiment


def test_an_experiment_is_drawn_of_its_test_rows(tmp_path):
    rng = np.random.default_rng(0)
    scores = {f"p.{name}": rng.random(200) for name in NAMES}
    rows = pd.DataFrame({"customer": np.arange(200), "fold": "june", "y": rng.integers(0, 2, 200), **scores})
    draw_experiment(rows, tmp_path / "experiment.png")
    with Image.open(tmp_path / "experiment.png") as drawn, Image.open(FOLDER / "experiment.png") as committed:
        assert drawn.size == committed.size


def test_the_pictures_of_the_readme_are_small():
    for name in ("experiment.png", "list_page.png"):
        assert (FOLDER / name).stat().st_size < 250_000

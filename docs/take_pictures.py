"""Take the pictures of the README: the page of a list in a browser, and a churn experiment.

``python docs/take_pictures.py`` after ``make run``; it needs Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from draw_gallery import save
from matplotlib.axes import Axes
from PIL import Image

from crm_ml import plots
from crm_ml.evaluation import Evaluation, Predictions, evaluate
from crm_ml.plots.plot_style import MODEL, TEXT, blank_figure, tidy
from crm_ml.storage.paths import data_folder
from crm_ml.train.compare.stores import find_runs

FOLDER = Path(__file__).with_name("pictures")
WIDTH, HEIGHT, MARGIN = 1280, 1086, 96
NAMES = {
    "model": "boosted trees",
    "plain_lightgbm": "plain LightGBM",
    "logistic": "logistic",
    "recency_rule": "recency rule",
    "cadence_rule": "rhythm rule",
}
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1"
)


def take_page(page: Path, picture: Path) -> None:
    """Write the top of a list's page as a reader's browser shows it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed; it shows the page")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "page.png"
        place = [f"--user-data-dir={folder}/user", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={whole}"]
        subprocess.run([chromium, *SWITCHES.split(), *place, page.as_uri()], check=True, capture_output=True)
        with Image.open(whole) as shown:
            part = shown.convert("RGB").crop((MARGIN, 0, WIDTH - MARGIN, HEIGHT))
            part.quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def draw_experiment(rows: pd.DataFrame, picture: Path) -> None:
    """Write gains, calibration and AUC of an experiment, each beside baselines or with intervals."""
    scores = {NAMES[name.removeprefix("p.")]: rows[name] for name in rows.columns if name.startswith("p.")}
    predictions = Predictions(rows["customer"], rows["fold"], rows["y"], scores)
    figure = blank_figure(13.0, 4.4)
    gains, calibration, area = figure.subplots(1, 3, width_ratios=(1, 1, 0.85))
    plots.gains(predictions, model=NAMES["model"], ax=gains)
    plots.calibration(predictions, model=NAMES["model"], ax=calibration)
    for axes in (gains, calibration):
        for text in axes.get_legend().get_texts():
            text.set_fontsize(8)
    draw_areas(area, evaluate(predictions, np.random.default_rng(0), ["auc"], 300, ["pooled"]))
    save(figure, picture)


def draw_areas(axes: Axes, judged: Evaluation) -> None:
    """Draw the AUC of each model with its interval, the best at the top."""
    values = {name: judged.interval(name, "auc") for name in judged.models}
    for height, name in enumerate(sorted(values, key=lambda name: values[name].value)):
        interval, color = values[name], MODEL if name == NAMES["model"] else TEXT
        axes.plot([interval.low, interval.high], [height, height], color=color, linewidth=2.4)
        axes.plot(interval.value, height, "o", color=color)
        label = f"{name}  {interval.value:.3f}"
        axes.text(interval.low - 0.008, height, label, color=color, va="center", ha="right", fontsize=9)
    axes.set_yticks([])
    least = min(interval.low for interval in values.values())
    axes.set(xlim=(least - 0.18, None), ylim=(-0.6, len(values) - 0.4), xlabel="AUC with 95 % interval")
    axes.set_title("AUC beside baselines", loc="left")
    tidy(axes)


def main() -> None:
    """Take both pictures of what ``make run`` left."""
    pages = (data_folder() / "lists" / "grocer").glob("*/page.html")
    take_page(max(pages, key=lambda path: path.stat().st_mtime).resolve(), FOLDER / "list_page.png")
    (run,) = find_runs(["churn@champion"])
    (rows,) = run.rows.frames.values()
    draw_experiment(rows, FOLDER / "experiment.png")


if __name__ == "__main__":
    main()

"""Runs: what tracking adds, what cached features save, twelve monthly backtests, and how long imports take.

``python experiments/performance/runs.py`` runs each case in a process of its own, in folders of its own, and
writes the table and runs.json.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from measured import HERE, machine_text

RUNS = ("churn/lightgbm", "clv/bg_nbd", "propensity/coupon", "uplift/simulated", "recommend/two_heads")
# of twelve monthly snapshots these test, each by a model of up to four before it; 01-25 and 02-22 train only
MONTHS = ["03-22", "04-19", "05-17", "06-14", "07-12", "08-09", "09-06", "10-04", "11-01", "11-29"]
BACKTEST = (
    f"split.test=[{', '.join(f'2017-{day}' for day in MONTHS)}]",
    "split.training_snapshots=4",
    "split.every_days=28",
    "split.earliest=2017-01-18",
    "calibration.methods=[]",
)
HEADER = ("what", "figure", "target", "verdict")
REPEATS = 5
Floats = npt.NDArray[np.float64]


def main() -> None:
    """Measure all and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", nargs="*", default=list(RUNS), help="runs whose tracking is measured")
    parser.add_argument("--set", action="append", default=[], help="override of all runs")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(run_once(options.case, options.set)))
        return
    measured: dict[str, Any] = {
        "import_s": seconds(["-c", "import crm_ml"]),
        "help_s": seconds(["-m", "crm_ml.train", "--help"]),
    }
    with tempfile.TemporaryDirectory() as folder:
        measured["tracking"] = {name: case(name, options.set, folder) for name in options.runs}
        again = [*options.set, "model.name=logistic"]
        measured["second"] = case("churn/lightgbm", again, folder)
        shutil.rmtree(f"{folder}/data/features")  # the tables stay clean
        measured["backtest"] = case("churn/lightgbm", [*options.set, *BACKTEST], folder)
    report(options.readme, measured)


def seconds(arguments: list[str]) -> float:
    """Return the median of the seconds that a fresh process takes."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def case(name: str, overrides: list[str], folder: str) -> dict[str, float]:
    """Run once in a process of its own and return its seconds."""
    sets = [part for override in overrides for part in ("--set", override)]
    folders = {"CRM_ML_RUNS": f"{folder}/runs", "CRM_ML_DATA": f"{folder}/data"}
    done = subprocess.run(
        [sys.executable, __file__, "--case", name, *sets],
        check=True, stdout=subprocess.PIPE, text=True, env=os.environ | folders,
    )  # fmt: skip
    spent: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {spent}", file=sys.stderr)
    return spent


def run_once(name: str, overrides: list[str]) -> dict[str, float]:
    """Run an experiment and return the seconds of the whole, of features, and of tracking: wall and CPU."""
    from crm_ml import features
    from crm_ml.churn import snapshot_rows
    from crm_ml.train import experiment

    spent = {part: np.zeros(2) for part in ("run", "execute", "tables", "features")}
    experiment.execute = timed(experiment.execute, spent["execute"])
    experiment.load_tables = timed(experiment.load_tables, spent["tables"])
    snapshot_rows.matrix = timed(features.matrix, spent["features"])
    timed(experiment.run, spent["run"])(name, overrides)
    spent |= {"tracking": spent["run"] - spent["execute"] - spent["tables"]}
    return {
        f"{part}_{kind}": float(seconds[n])
        for part, seconds in spent.items()
        for n, kind in enumerate(("wall_s", "cpu_s"))
    }


def timed(call: Callable[..., Any], spent: Floats) -> Callable[..., Any]:
    """Return the call, whose wall and CPU seconds are added up."""

    def measured(*arguments: Any, **named: Any) -> Any:
        started = np.array([time.perf_counter(), time.process_time()])
        try:
            return call(*arguments, **named)
        finally:
            spent[:] += np.array([time.perf_counter(), time.process_time()]) - started

    return measured


def report(readme: Path, measured: dict[str, Any]) -> None:
    """Write the table and runs.json."""
    from study import markdown, save, show, write_between

    backtest = "backtest over twelve monthly snapshots, ten of them tests, s"
    rows = [
        row("`import crm_ml`", measured["import_s"], 0.3),
        row("`python -m crm_ml.train --help`", measured["help_s"], 1.5),
        *(tracking_row(name, seconds) for name, seconds in measured["tracking"].items()),
        cached_row(measured["tracking"].get("churn/lightgbm"), measured["second"]),
        row(backtest, measured["backtest"]["run_wall_s"], 60.0),
    ]
    facts = machine_text("mlflow", "lightgbm", "duckdb").capitalize()
    save(readme.parent / "runs.json", measured)
    write_between(readme, "runs", f"{markdown(HEADER, rows)}\n\n{facts}.")
    show("runs", HEADER, rows)


def tracking_row(name: str, seconds: dict[str, float]) -> tuple[str, str, str, str]:
    """Return the line of what tracking adds to a run: at most 5 % of the rest, or 2 s."""
    whole, added = seconds["run_wall_s"], seconds["tracking_wall_s"]
    what = f"tracking of {name}, s of {whole:.0f} (CPU {seconds['tracking_cpu_s']:.1f})"
    return row(what, added, max(2.0, 0.05 * (whole - added)))


def cached_row(first: dict[str, float] | None, second: dict[str, float]) -> tuple[str, str, str, str]:
    """Return the line of the features of a second run, beside those of the first."""
    beside = "" if first is None else f" (the first run: {first['features_wall_s']:.0f})"
    return row(f"features of another model on the same snapshots, s{beside}", second["features_wall_s"], 2.0)


def row(what: str, figure: float, target: float) -> tuple[str, str, str, str]:
    """Return a line of the table."""
    from study import verdict

    return what, f"{figure:.2f}", f"{target:.1f}", verdict(figure <= target)


if __name__ == "__main__":
    main()

"""Runs: ``make run`` stage by stage, tracking, features that are cached, twelve backtests, imports.

``python experiments/performance/runs.py`` runs each command in a process of its own, in folders of its own
that are empty before, and writes the tables and runs.json. ``--small`` runs small commands alone, ``--small
2`` so many of them by chance, as `.ci/run` does, and prints their total beside the committed one of the same
commands; ``--write`` commits it.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measured import HERE, machine_text, resources_of

COMMANDS = (
    ["crm_ml.train"], ["crm_ml.score"], ["crm_ml.score", "score/simulated"],
    ["crm_ml.train", "churn/december", "clv/december"], ["crm_ml.score", "score/december"],
    ["crm_ml.score.realised", "score/december", "--as-of", "2018-01-01"], ["crm_ml.score.play_out"],
)  # fmt: skip
SMALL = {
    "churn/lightgbm": ["split.training_snapshots=8", "split.test=[2017-10-25]", "replicates=100"],
    "clv/bg_nbd": ["candidates=[{purchases: beta_geo}]", "interval_replicates=20", "replicates=100"],
    "propensity/coupon": ["split.test_until=2017-08-10", "target.kinds=[Type A]", "replicates=100"],
    "uplift/simulated": ["data.options={customers: 3000, seed: 0}", "others=[]", "replicates=100"],
    "recommend/two_heads": [
        "target.level=category",
        "model.options={windows: 2, rounds: 20}",
        "baselines=[{name: popularity}]",
    ],
}
# of twelve monthly snapshots these test, each by a model of up to four before it; 01-25 and 02-22 train only
MONTHS = ["03-22", "04-19", "05-17", "06-14", "07-12", "08-09", "09-06", "10-04", "11-01", "11-29"]
BACKTEST = (
    f"split.test=[{', '.join(f'2017-{day}' for day in MONTHS)}]",
    "split.training_snapshots=4",
    "split.every_days=28",
    "split.earliest=2017-01-18",
    "calibration.methods=[]",
)
LIMIT_CPU_S, LIMIT_WALL_S = 360.0, 240.0
# CPU seconds that each section may take
TARGETS = {
    "churn/lightgbm": 80.0, "clv/bg_nbd": 35.0, "propensity/coupon": 30.0, "uplift/simulated": 60.0,
    "recommend/two_heads": 150.0, "score": 20.0,
}  # fmt: skip
STAGE_HEADER = ("command", "stage", "CPU s", "share", "wall s", "peak GB", "target", "verdict")
HEADER = ("what", "figure", "target", "verdict")
REPEATS = 5
Spent = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Measure all and write down, or the small runs alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--small", nargs="?", type=int, choices=range(1, len(SMALL) + 1), const=len(SMALL), metavar="COUNT",
        help="small runs alone, all or so many by chance: print their total",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="with --small: commit what all of them take")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and runs.json stand")
    options = parser.parse_args()
    if options.small:
        drawn = random.sample(list(SMALL), options.small)
        small(options.folder, list(SMALL) if options.write else drawn, options.write)
        return
    with tempfile.TemporaryDirectory() as folder:
        sections = merged([command(arguments, folder) for arguments in COMMANDS])
        other = {
            "second": command(["crm_ml.train", "churn/lightgbm", *sets(["model.name=logistic"])], folder),
            "backtest": command(["crm_ml.train", "churn/lightgbm", *sets(BACKTEST)], f"{folder}/backtest"),
            "import_s": seconds(["-c", "import crm_ml"]),
            "help_s": seconds(["-m", "crm_ml.train", "--help"]),
        }
    report(options.folder, sections, other)


def sets(overrides: Sequence[str]) -> list[str]:
    """Return overrides as arguments of a command."""
    return [part for override in overrides for part in ("--set", override)]


def seconds(arguments: list[str]) -> float:
    """Return the median of the seconds that a fresh process takes."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def command(arguments: Sequence[str], folder: str) -> dict[str, Any]:
    """Run a command; return seconds by section and stage, peaks of memory, and those of the process."""
    folders = {"CRM_ML_RUNS": f"{folder}/runs", "CRM_ML_DATA": f"{folder}/data"}
    output, process = resources_of([str(HERE / "stages.py"), *arguments], folders, codes=(0, 3))
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    print(f"{' '.join(arguments)}: {process}", file=sys.stderr)
    return result | {"process": process}


def merged(commands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sections of all commands together, with the sums of their processes."""
    together: dict[str, Any] = {"stages": {}, "peak_gb": {}, "cpu_s": 0.0, "wall_s": 0.0}
    for measured in commands:
        together["stages"] |= measured["stages"]
        together["peak_gb"] |= measured["peak_gb"]
        for name in ("cpu_s", "wall_s"):
            together[name] += measured["process"][name]
    return together


def small(folder: Path, names: Sequence[str], write: bool) -> None:
    """Run small commands and print their total beside the committed one, and beside a reference."""
    from study import save, saved

    with tempfile.TemporaryDirectory() as parent:
        spent = {}
        for number, name in enumerate(names):
            run = command(["crm_ml.train", name, *sets(SMALL[name])], f"{parent}/{number}")
            spent[name] = run["process"]["cpu_s"]
    measured = {"cpu_s": spent, "reference_cpu_s": reference_cpu_s()}
    path = folder / "runs_small.json"
    here, before = (total(taken, names) for taken in (measured, saved(path, measured)))
    print(f"small runs ({', '.join(names)}): {here}; committed: {before}")
    if write:
        save(path, measured)


def total(taken: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the CPU seconds of commands together, also as a multiple of the reference, as text."""
    cpu = sum(taken["cpu_s"][name] for name in names)
    return f"{cpu:.0f} CPU s, {cpu / taken['reference_cpu_s']:.1f} times the reference"


def reference_cpu_s(rows: int = 50_000) -> float:
    """Return the CPU seconds of work that this project does not change: boosting, sorting, adding."""
    code = (
        "import sys, time, numpy as np, lightgbm\n"
        "rng = np.random.default_rng(0)\n"
        "X, started = rng.normal(size=(int(sys.argv[1]), 40)), time.process_time()\n"
        "options = {'num_threads': 1, 'verbose': -1, 'deterministic': True, 'force_row_wise': True}\n"
        "lightgbm.train(options, lightgbm.Dataset(X, X[:, 0] + X[:, 1]), 200)\n"
        "for column in X.T: (np.argsort(np.repeat(column, 10)), np.exp(column).cumsum())\n"
        "print(time.process_time() - started)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(rows)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def report(folder: Path, sections: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Write the tables and runs.json."""
    from study import markdown, save, show, write_between

    facts = f"Machine: {machine_text('mlflow', 'lightgbm', 'duckdb')}"
    save(folder / "runs.json", {"make_run": sections, **other})
    for marker, header, rows in (
        ("make run", STAGE_HEADER, list(stage_rows(sections))),
        ("runs", HEADER, list(other_rows(sections, other))),
    ):
        write_between(folder / "README.md", marker, f"{markdown(header, rows)}\n\n{facts}.")
        show(marker, header, rows)


def stage_rows(sections: Mapping[str, Any]) -> "list[Sequence[str]]":
    """Return a line for each section, its stages below it, and one for all."""
    total, stages = sections["cpu_s"], sections["stages"]
    rows = [total_row("make run", sections["cpu_s"], sections["wall_s"], max(sections["peak_gb"].values()))]
    for section, parts in stages.items():
        cpu, wall = (sum(part[name] for part in parts.values()) for name in ("cpu_s", "wall_s"))
        peak, target = sections["peak_gb"][section], TARGETS.get(section)
        rows.append((section, "", *figures(cpu, total, wall), f"{peak:.2f}", *judged(cpu, target)))
        for stage, part in sorted(parts.items(), key=lambda item: -item[1]["cpu_s"]):
            if part["cpu_s"] >= 0.005 * total:
                rows.append(("", stage, *figures(part["cpu_s"], total, part["wall_s"]), "", "", ""))
    return rows


def total_row(name: str, cpu: float, wall: float, peak: float) -> Sequence[str]:
    """Return the line of all commands together."""
    from study import verdict

    met = verdict(cpu <= LIMIT_CPU_S and wall <= LIMIT_WALL_S)
    return (
        name, "", *figures(cpu, cpu, wall), f"{peak:.2f}", f"{LIMIT_CPU_S:.0f}, wall {LIMIT_WALL_S:.0f}", met,
    )  # fmt: skip


def figures(cpu: float, total: float, wall: float) -> tuple[str, str, str]:
    """Return CPU seconds, their share of all and wall seconds as text."""
    return f"{cpu:.1f}", f"{cpu / total:.0%}", f"{wall:.1f}"


def judged(cpu: float, target: float | None) -> tuple[str, str]:
    """Return a target and its verdict, empty where there is none."""
    from study import verdict

    return ("", "") if target is None else (f"{target:.0f}", verdict(cpu <= target))


def other_rows(sections: Mapping[str, Any], other: Mapping[str, Any]) -> "list[Sequence[str]]":
    """Return the lines of imports, of tracking run by run, of cached features and of the backtest."""
    stages, second = sections["stages"], other["second"]["stages"]["churn/lightgbm"]
    rows = [
        row("`import crm_ml`", other["import_s"], 0.3),
        row("`python -m crm_ml.train --help`", other["help_s"], 1.5),
    ]
    for name in (section for section in stages if section in SMALL):
        whole = sum(part["wall_s"] for part in stages[name].values())
        added = stages[name]["tracking"]["wall_s"]
        rows.append(row(f"tracking of {name}, s of {whole:.0f}", added, max(2.0, 0.05 * (whole - added))))
    first = stages["churn/lightgbm"]["features"]["wall_s"]
    again = second["features"]["wall_s"]
    backtest = other["backtest"]["process"]["wall_s"]
    return [
        *rows,
        row(f"features of another model on the same snapshots, s (the first run: {first:.0f})", again, 2.0),
        row("backtest over twelve monthly snapshots, ten tests, with cleaning, s", backtest, 60.0),
    ]


def row(what: str, figure: float, target: float) -> Sequence[str]:
    """Return a line of the table."""
    from study import verdict

    return what, f"{figure:.2f}", f"{target:.1f}", verdict(figure <= target)


if __name__ == "__main__":
    main()

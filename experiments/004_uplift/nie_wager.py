"""Nie and Wager's four settings: error of each learner's effects beside a constant one.

``python experiments/004_uplift/nie_wager.py`` writes nie_wager.json and the table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from effect_study import CANDIDATES
from nie_wager_settings import Setting, simulate
from rich.progress import Progress
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.evaluation.uplift import pehe
from crm_ml.evaluation.wilson import Z95
from crm_ml.uplift.learners import create

SETTINGS: tuple[Setting, ...] = get_args(Setting)
CONSTANT = "constant effect"
# the settings have a thousand rows of six features, where leaves of the runs' size would hold everybody
SMALL_LEAVES = {
    "outcome_options": {"min_data_in_leaf": 20, "lambda_l2": 5.0},
    "effect_options": {"min_data_in_leaf": 40, "lambda_l2": 20.0},
}
SEED = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Fit each learner on draws of each setting; return the exit code."""
    command = parser(__file__, "PEHE of each learner where effects are known.", "nie_wager.json")
    command.add_argument("--draws", type=int, default=50, help="of each setting")
    command.add_argument("--rows", type=int, default=1000, help="of a draw; twice as many test")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:
        drawn = {name: errors(name, arguments.draws, arguments.rows, progress) for name in SETTINGS}
    _report(drawn, arguments.folder)


def errors(setting: Setting, draws: int, rows: int, progress: Progress) -> dict[str, list[float]]:
    """Return the PEHE of every learner on each draw."""
    names = [name for name in CANDIDATES if "learner" in name]
    drawn: dict[str, list[float]] = {name: [] for name in [*names, CONSTANT]}
    for draw in progress.track(range(draws), description=f"setting {setting}"):
        rng = np.random.default_rng([SEED, ord(setting), draw])
        past, now = simulate(setting, rows, rng), simulate(setting, 2 * rows, rng)
        for name in drawn:
            part = CANDIDATES.get(name)
            options = {} if part is None else dict(part.options)
            options |= {} if options.get("base") == "logistic" else SMALL_LEAVES
            options |= {"num_threads": 1}  # so few rows are no work for two
            learner = create("constant_effect" if part is None else part.name, **options)
            learner.fit(past.X, past.y, treatment=past.treatment.astype(int))
            drawn[name].append(pehe(now.effect, learner.predict(now.X)))
    return drawn


def _report(drawn: dict[Setting, dict[str, list[float]]], folder: Path) -> None:
    header = ["learner", *(f"{setting}: PEHE" for setting in drawn), *(f"{s}: - constant" for s in drawn)]
    names = list(drawn[SETTINGS[0]])
    order = sorted(names, key=lambda name: np.mean([np.mean(drawn[setting][name]) for setting in drawn]))
    rows, content = [], {}
    for name in order:
        each = [np.array(drawn[setting][name]) for setting in drawn]
        paired = [np.array(drawn[setting][name]) - np.array(drawn[setting][CONSTANT]) for setting in drawn]
        cells = [] if name == CONSTANT else list(map(_mean, paired))
        rows.append((name, *map(_mean, each), *(cells or [""] * len(drawn))))
        content[name] = {setting: float(np.mean(drawn[setting][name])) for setting in drawn}
    save(folder / "nie_wager.json", content)
    write_between(folder / "README.md", "nie_wager", markdown(header, rows))
    show("Nie and Wager", header, rows)


def _mean(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> str:
    """Return the mean over draws with the half width of its 95 % interval."""
    half = Z95 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return f"{values.mean():.3f} ± {half:.3f}"


if __name__ == "__main__":
    sys.exit(main())

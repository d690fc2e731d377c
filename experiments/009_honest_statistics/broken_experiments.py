"""How often the check of a draw refuses fair draws, and how often it finds broken ones.

``python experiments/009_honest_statistics/broken_experiments.py`` writes its JSON file and README's tables.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from broken_draws import BROKEN, FAIR, Rows, shifted
from rich.progress import Progress
from study import Table, parser, run, save, shown_progress, write_tables

from crm_ml.evaluation.detectable_effect import smallest_effect
from crm_ml.evaluation.draw_check import check_draw
from crm_ml.evaluation.randomisation_checks import average_effect, sample_ratio

CASES = ("promo_confounded_null.csv.gz", "promo_opened_null.csv.gz")
SHIFTS, SIZES = (0.1, 0.2, 0.3), {1_000: 100, 4_000: 50, 16_000: 20}
SEED = 23


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, check and count; return the exit code."""
    command = parser(__file__, "The check of a draw on fair and on broken ones.", "broken_experiments.json")
    command.add_argument("--draws", type=int, default=200, help="fair ones of each kind")
    command.add_argument("--cases", type=Path, help="folder of files of promotions without effect")
    return run(_study, command.parse_args(argv))


def _study(arguments: argparse.Namespace) -> None:
    share = min(1.0, arguments.draws / 200)
    with shown_progress() as progress:
        fair = {name: _alarms(make, arguments.draws, progress, name) for name, make in FAIR.items()}
        power = _power(share, progress)
        broken = {name: _caught(make(np.random.default_rng([SEED, 1]))) for name, make in BROKEN.items()}
        found = _found(int(1_000 * share), progress)
    cases = _cases(arguments.cases)
    content = {"fair": fair, "power": power, "broken": broken, "cases": cases, "smallest": found}
    save(arguments.folder / "broken_experiments.json", content)
    write_tables(arguments.folder, _tables(content))


def _refused(rows: Rows) -> tuple[bool, str]:
    """Return whether counts or columns refuse the draw, and the reason."""
    check = check_draw(rows.X, rows.treated, rows.chance, rows.stratum, rows.customer_id)
    share = rows.declared
    counts = sample_ratio(
        rows.treated.astype(int).astype(str), {"1": share, "0": 1 - np.asarray(share)}, rows.stratum
    )
    reasons = ([] if counts.holds else [f"counts: {counts}"]) + ([] if check.holds else [str(check)])
    return bool(reasons), "; ".join(reasons)


def _alarms(
    make: Callable[[np.random.Generator], Rows], draws: int, progress: Progress, name: str
) -> dict[str, int]:
    numbers = progress.track(range(draws), description=f"fair: {name}")
    refused = [_refused(make(np.random.default_rng([SEED, 0, number])))[0] for number in numbers]
    return {"draws": draws, "refused": int(np.sum(refused))}


def _power(share: float, progress: Progress) -> dict[str, dict[str, Any]]:
    """Return the share of draws refused, by rows and the standardised difference of one column of eight."""
    cells: dict[str, dict[str, Any]] = {}
    for rows, draws in SIZES.items():
        count = max(2, int(draws * share))
        for shift in SHIFTS:
            numbers = progress.track(range(count), description=f"power: {rows:,} rows, {shift}")
            refused = [
                _refused(shifted(rows, shift, np.random.default_rng([SEED, 2, n])))[0] for n in numbers
            ]
            cells[f"{rows} {shift}"] = {"draws": count, "refused": float(np.mean(refused))}
    return cells


def _caught(rows: Rows) -> dict[str, Any]:
    refused, reason = _refused(rows)
    return {"rows": len(rows.X), "refused": refused, "reason": reason}


def _cases(folder: Path | None) -> dict[str, Any]:
    files = [] if folder is None else [folder / name for name in CASES if (folder / name).is_file()]
    caught = {}
    for path in files:
        file = pd.read_csv(path)
        columns = [f"V{number}" for number in range(1, 8)]
        caught[path.name] = _caught(Rows(file[columns], (file["Promotion"] == "Yes").to_numpy(), 0.5))
    return caught


def _found(draws: int, progress: Progress) -> dict[str, float]:
    """Return how often an effect is found as large as the smallest of an earlier trial of that size."""
    rng, rows = np.random.default_rng([SEED, 3]), 4_000
    before = average_effect(*_trial(rows, 0.0, rng))
    effect = smallest_effect(before)
    found = [
        average_effect(*_trial(rows, effect, rng)).low > 0
        for _ in progress.track(range(draws), description="smallest effect")
    ]
    return {"draws": draws, "effect": effect, "found": float(np.mean(found))}


def _trial(
    rows: int, effect: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    treated = (rng.random(rows) < 0.5).astype(float)
    return (rng.random(rows) < 0.1 + effect * treated).astype(float), treated


def _tables(content: dict[str, Any]) -> dict[str, Table]:
    fair = [(name, str(cell["draws"]), str(cell["refused"])) for name, cell in content["fair"].items()]
    power = [
        (f"{rows:,}", *(f"{content['power'][f'{rows} {shift}']['refused']:.2f}" for shift in SHIFTS))
        for rows in SIZES
    ]
    every = content["broken"] | content["cases"]
    broken = [(name, f"{cell['rows']:,}", _shown(cell)) for name, cell in every.items()]
    return {
        "fair draws": (("fair draw", "draws", "refused"), fair),
        "power of the check": (("rows", *(f"{shift} sd" for shift in SHIFTS)), power),
        "broken draws": (("broken draw", "rows", "refused by"), broken),
    }


def _shown(cell: dict[str, Any]) -> str:
    """Return the first sentence of the reason."""
    return cell["reason"].partition("; leave out")[0] if cell["refused"] else "**not refused**"


if __name__ == "__main__":
    sys.exit(main())

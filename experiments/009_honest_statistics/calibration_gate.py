"""How often the gate of calibration fails a calibrated model, and one that is not.

``python experiments/009_honest_statistics/calibration_gate.py`` writes JSON and its table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.evaluation.calibration_check import check_calibration
from crm_ml.evaluation.calibrators import logit
from crm_ml.evaluation.predictions import Predictions

Floats = npt.NDArray[np.float64]
ROWS, LIMIT, SEED, DAYS = (552, 1_000, 3_000, 9_000), 0.03, 21, 3
WORLDS = {
    "calibrated": (0.0, 1.0),
    "calibrated, one customer on three days": (0.0, 1.0),
    "a little too high (true ECE .03)": (0.13, 1.0),
    "too high (.06)": (0.27, 1.0),
    "much too high (.12)": (0.55, 1.0),
    "too extreme (slope .6)": (0.0, 1 / 0.6),
}
HEADER = ("model", "rows", "true ECE", "ECE", "debiased", "p < .05", "fails before", "fails now")


def draw(world: str, rows: int, rng: np.random.Generator) -> dict[str, float]:
    """Judge one set of test rows: the check, and what the limit alone said before."""
    days = DAYS if "days" in world else 1
    customers = rows // days
    right = np.tile(rng.beta(2, 3, customers), days)
    own, luck = np.tile(rng.random(customers), days), rng.random(customers * days)
    y = np.where(rng.random(len(luck)) < 0.8, own, luck) < right if days > 1 else luck < right
    shift, stretch = WORLDS[world]
    p = np.asarray(1 / (1 + np.exp(-(stretch * logit(right) + shift))))
    ids, fold = np.tile(np.arange(customers), days), np.repeat(np.arange(days), customers)
    check = check_calibration(Predictions(ids, fold, y, {"model": p}), "model", rng, 199)
    return {
        "true": float(np.abs(p - right).mean()),
        "ece": check.ece,
        "debiased": check.debiased,
        "rejected": float(check.p_value < 0.05),
        "before": float(check.ece > LIMIT),
        "now": float(not check.within(LIMIT)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "calibration_gate.json")
    command.add_argument("--draws", type=int, default=250, help="of each model and number of rows")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    content, cells = [], [(world, rows) for world in WORLDS for rows in ROWS]
    with shown_progress() as progress:
        task = progress.add_task("models", total=len(cells))
        for place, (world, rows) in enumerate(cells):
            rngs = (np.random.default_rng([SEED, place, number]) for number in range(arguments.draws))
            draws = [draw(world, rows, rng) for rng in rngs]
            means = {name: float(np.mean([drawn[name] for drawn in draws])) for name in draws[0]}
            content.append({"model": world, "rows": rows, "draws": len(draws), **means})
            progress.advance(task)
    save(arguments.folder / "calibration_gate.json", content)
    lines = [_line(cell) for cell in content]
    text = (
        f"Means over {arguments.draws:,} draws of test rows, rate .4; the limit is {LIMIT}. Before, the ECE "
        "itself had to be within the limit.\n\n"
        f"{markdown(HEADER, lines)}"
    )
    write_between(arguments.folder / "README.md", "calibration gate", text)
    show("calibration gate", HEADER, lines)


def _line(cell: dict[str, object]) -> tuple[str, ...]:
    errors = (f"{cell[name]:.3f}" for name in ("true", "ece", "debiased"))
    shares = (f"{cell[name]:.1%}" for name in ("rejected", "before", "now"))
    return (str(cell["model"]), f"{cell['rows']:,}", *errors, *shares)


if __name__ == "__main__":
    sys.exit(main())

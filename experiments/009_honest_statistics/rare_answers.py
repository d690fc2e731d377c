"""How often 95 % intervals of values hold the truth where answers are rare, and how wide they are.

``python experiments/009_honest_statistics/rare_answers.py`` writes its JSON file and a table of README.md.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.errors import InputError
from crm_ml.evaluation.direct_outcomes import direct_outcomes
from crm_ml.evaluation.incremental import increment
from crm_ml.evaluation.off_policy import off_policy
from crm_ml.evaluation.policy_value import LoggedExperiment
from crm_ml.evaluation.significance import Interval
from crm_ml.learning.calibration_of_value import share_interval

Floats = npt.NDArray[np.float64]
RATES, ROWS = (0.001, 0.003, 0.01, 0.02), (300, 600, 2_000)
KINDS = {
    "equal": "half of the rows in each arm",
    "unequal": "arms drawn with .1 to .9",
    "money": "lognormal amounts",
}
FOLDS, SEED, TARGET = 5, 19, 0.93
NAMES = ("IPS", "SNIPS", "DR", "policy value", "effect")
HEADER = ("arms", "rows", "rate", "events expected", *NAMES, "nothing said", "IPS / exact width")


def draw(kind: str, rows: int, rate: float, rng: np.random.Generator) -> dict[str, float]:
    """Estimate all from one log without effect: whether each interval holds the truth, and the width."""
    x = rng.normal(0, 1, rows)
    treated = 1 / (1 + np.exp(-1.2 * x)) if kind == "unequal" else np.full(rows, 0.5)
    arm = (rng.random(rows) < treated).astype(int)
    p = np.where(arm == 1, treated, 1 - treated)
    y = (rng.random(rows) < rate) * (rng.lognormal(0, 0.8, rows) if kind == "money" else 1.0)
    truth = rate * (np.exp(0.32) if kind == "money" else 1.0)
    target = np.ones(rows, dtype=int)
    direct = direct_outcomes(y, arm, target, x[:, None], np.arange(rows) % FOLDS)
    value = off_policy(y, arm, p, (arm == 1).astype(float), direct)
    logged = LoggedExperiment(
        arm, y, np.column_stack([1 - treated, treated]), np.zeros((rows, 2)), np.zeros(2)
    )
    ends = {"IPS": value.ips, "SNIPS": value.snips, "DR": value.dr, "policy value": logged.value(target)}
    if np.isinf(value.ips.high):
        return {"silent": 1.0}
    drawn = {name: float(holds(end, truth)) for name, end in ends.items() if end is not None}
    drawn |= _effect(y, arm) if kind != "unequal" else {}
    exact = _exact(int((y[arm == 1] > 0).sum()), int(arm.sum()))
    return drawn | {"silent": 0.0, "wider": (value.ips.high - value.ips.low) / (exact.high - exact.low)}


def holds(interval: Interval, truth: float) -> bool:
    """Say whether the truth lies within."""
    return interval.low <= truth <= interval.high


def _effect(y: Floats, arm: npt.NDArray[np.int64]) -> dict[str, float]:
    try:
        return {"effect": float(holds(increment(y, arm).plain, 0.0))}
    except InputError:
        return {}


def _exact(hits: int, rows: int) -> Interval:
    """Return the interval of a share by Clopper and Pearson."""
    from scipy.stats import beta

    low = beta.ppf(0.025, hits, rows - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, rows - hits) if hits < rows else 1.0
    return Interval(hits / rows, float(low), float(high))


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "rare_answers.json")
    command.add_argument("--draws", type=int, default=1000, help="of each kind, number of rows and rate")
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    content, cells = [], [(kind, rows, rate) for kind in KINDS for rows in ROWS for rate in RATES]
    with shown_progress() as progress:
        task = progress.add_task("logs", total=len(cells))
        for place, (kind, rows, rate) in enumerate(cells):
            rngs = (np.random.default_rng([SEED, place, number]) for number in range(arguments.draws))
            draws = [draw(kind, rows, rate, rng) for rng in rngs]
            content.append({"kind": kind, "rows": rows, "rate": rate, **_counted(draws)})
            progress.advance(task)
    save(arguments.folder / "rare_answers.json", content)
    lines = [_line(cell) for cell in content]
    text = (
        f"Share of {arguments.draws:,} simulated logs without effect whose 95 % interval holds the truth, "
        "with its own 95 % interval; bold where it is below .93. Among logs of which something is said: "
        "without any answer in either arm the ends are infinite. The width is that of IPS beside the exact "
        "interval of Clopper and Pearson for the answers of the target arm, median of the logs; of unequal "
        "weights and of amounts there is no exact interval.\n\n"
        f"{markdown(HEADER, lines)}"
    )
    write_between(arguments.folder / "README.md", "rare answers", text)
    show("rare answers", HEADER, lines)


def _counted(draws: Sequence[dict[str, float]]) -> dict[str, object]:
    counted: dict[str, object] = {"draws": len(draws), "silent": float(np.mean([d["silent"] for d in draws]))}
    for name in NAMES:
        held = [drawn[name] for drawn in draws if name in drawn]
        counted[name] = {"held": int(sum(held)), "of": len(held)}
    wider = [drawn["wider"] for drawn in draws if "wider" in drawn]
    return counted | {"wider": float(np.median(wider)) if wider else None}


def _line(cell: dict[str, object]) -> Iterable[str]:
    rows, rate = int(str(cell["rows"])), float(str(cell["rate"]))
    shares = [_share(**cell[name]) for name in NAMES]  # type: ignore[arg-type]
    wider = f"{cell['wider']:.2f}" if cell["kind"] == "equal" and cell["wider"] else "-"
    first = (KINDS[str(cell["kind"])], f"{rows:,}", f"{rate:g}", f"{rows * rate / 2:g}")
    return (*first, *shares, f"{cell['silent']:.1%}", wider)


def _share(held: int, of: int) -> str:
    if not of:
        return "-"
    end = share_interval(held, of)
    shown = f"{end.value:.3f}" if end.value >= TARGET else f"**{end.value:.3f}**"
    return f"{shown} [{end.low:.3f}, {end.high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())

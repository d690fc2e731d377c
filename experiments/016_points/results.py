"""How well the liability of points is told, in made-up worlds whose future is known, and what it takes.

``python experiments/016_points/results.py`` writes results.json and the tables of README.md.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
from simulated_ledger import AS_OF, LIFE_DAYS, simulate
from study import markdown, parser, run, save, show, shown_progress, verdict, write_between

from crm_ml.evaluation.wilson import wilson_interval
from crm_ml.membership import liability, lots_of
from crm_ml.membership.point_lots import day_number

SIZES = (3_000, 20_000)
RULES = ("liability", "last year's points", "half of what is held")


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the liability beside two rules; return the exit code."""
    command = parser(__file__, "Points that will be spent, beside the truth.", "results.json")
    command.add_argument("--worlds", type=int, default=200, help="of each size")
    command.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="members")
    return run(_judge, command.parse_args(argv))


def _judge(arguments: argparse.Namespace) -> None:
    rows, content = [], {}
    with shown_progress() as progress:
        for size in arguments.sizes:
            seeds = progress.track(range(arguments.worlds), description=f"{size:,} members")
            worlds = [_world(size, seed) for seed in seeds]
            content[size] = _figures(worlds)
            rows += _rows(size, content[size])
    header = ["members", "way", "mean error", "bias", "intervals that hold", "mean width", "CPU s"]
    save(arguments.folder / "results.json", content)
    write_between(arguments.folder / "README.md", "points", markdown(header, rows))
    show("points spent within a year", header, rows)


def _world(members: int, seed: int) -> dict[str, float]:
    world, day = simulate(members, seed), day_number(AS_OF)
    whole = lots_of(world.ledger, LIFE_DAYS)
    held = whole.outstanding(day)
    truth = float(np.minimum(whole.spent_between(day, day + 365), held).sum())
    start = time.process_time()
    known = lots_of(world.before(AS_OF), LIFE_DAYS)
    owed = liability(known, AS_OF, 1.0)
    spent = time.process_time() - start
    return {
        "liability": owed.redeemed.value / truth - 1,
        "last year's points": float(known.spent_between(day - 365, day).sum()) / truth - 1,
        "half of what is held": owed.outstanding / 2 / truth - 1,
        "holds": float(owed.redeemed.low <= truth <= owed.redeemed.high),
        "width": (owed.redeemed.high - owed.redeemed.low) / truth,
        "cpu": spent,
    }


def _figures(worlds: list[dict[str, float]]) -> dict[str, float]:
    figures = {"worlds": float(len(worlds))}
    for name in RULES:
        errors = np.array([world[name] for world in worlds])
        figures |= {f"{name}: error": float(np.abs(errors).mean()), f"{name}: bias": float(errors.mean())}
    return figures | {
        name: float(np.mean([world[name] for world in worlds])) for name in ("holds", "width", "cpu")
    }


def _rows(size: int, figures: dict[str, float]) -> list[tuple[str, ...]]:
    rows = []
    for name in RULES:
        own = name == RULES[0]
        error = figures[f"{name}: error"]
        shown = f"{error:.1%}" + (
            f", at most 5 %: {verdict(error <= 0.05)}" if own and size == max(SIZES) else ""
        )
        low, high = (float(end) for end in wilson_interval(figures["holds"], figures["worlds"]))
        holds = f"{figures['holds']:.2f} [{low:.2f}, {high:.2f}] of .90" if own else ""
        rest = (f"{figures['width']:.0%}", f"{figures['cpu']:.2f}") if own else ("", "")
        rows.append((f"{size:,}", name, shown, f"{figures[f'{name}: bias']:+.1%}", holds, *rest))
    return rows


if __name__ == "__main__":
    sys.exit(main())

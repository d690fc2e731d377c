"""Recovery of known effects of covariates that change over time, and coverage of their intervals.

``python experiments/002_clv/timeline_coverage.py`` simulates customers week by week, whose purchases follow
from a season and from campaigns of their own and whose dropping out follows from the season, fits Pareto/NBD
with these covariates, and counts how often the 95 % interval of a parameter covers the truth; it writes
timeline_coverage.json and a table of README.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
import pandas as pd
from coverage_table import wilson
from study import markdown, parser, run, save, show, shown_progress, verdict, write_between

from crm_ml.clv import DynamicParetoNBD
from crm_ml.clv.covariate_timeline import Pieces, Timeline

SEED, CUSTOMERS, WORLDS, TARGET, WEEKS = 2_028, 1_000, 600, 0.93, 78
TRUTH = {"r": 0.9, "alpha": 9.0, "s": 0.8, "beta": 20.0}
EFFECTS = {"purchases.season": 0.6, "purchases.mailed": 0.3, "dropout.season": 0.8}
NAMES = ("season", "mailed")
HEADER = ("parameter", "truth", "mean estimate", "sd", "mean standard error", "coverage", "target")


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "timeline_coverage.json")
    command.add_argument("--worlds", type=int, default=WORLDS)
    return run(_study, command.parse_args(argv))


def _study(arguments: argparse.Namespace) -> None:
    with shown_progress() as progress:
        worlds = progress.track(range(arguments.worlds), description="Pareto/NBD over time")
        fits = [
            DynamicParetoNBD(["season", "mailed"], ["season"]).fit(
                simulate(CUSTOMERS, np.random.default_rng([SEED, world]))
            )
            for world in worlds
        ]
    rows, cells = [], []
    for what, truth in (TRUTH | EFFECTS).items():
        place = fits[0].NAMES.index(what)
        intervals = [fit.confidence_intervals()[what] for fit in fits]
        covered = sum(low <= truth <= high for low, high in intervals)
        low, high = wilson(covered, len(fits))
        estimates = np.array([fit.theta_[place] for fit in fits])
        errors = np.sqrt([fit.covariance_[place, place] for fit in fits])
        searched = truth if what in EFFECTS else float(np.log(truth))
        figures = (searched, estimates.mean(), estimates.std(ddof=1), float(np.nanmean(errors)))
        share = covered / len(fits)
        keys = ("truth", "mean_estimate", "sd", "mean_standard_error")
        row = {key: float(f"{value:.6g}") for key, value in zip(keys, figures, strict=True)}
        rows.append({"parameter": what, **row, "coverage": share, "without": int(np.isnan(errors).sum())})
        numbers = (f"{value:.3f}" for value in figures)
        cells.append((what, *numbers, f"{share:.1%} [{low:.1%}, {high:.1%}]", verdict(share >= TARGET)))
    setting = {"seed": SEED, "customers": CUSTOMERS, "worlds": arguments.worlds, "weeks": WEEKS}
    save(arguments.folder / "timeline_coverage.json", {**setting, "target": TARGET, "rows": rows})
    missed = sum(row["coverage"] < TARGET for row in rows)
    text = f"{markdown(HEADER, cells)}\n\n{_facts(arguments, missed)}"
    write_between(arguments.folder / "README.md", "timelines", text)
    show("Recovery of effects that change over time", HEADER, cells)


def _facts(arguments: argparse.Namespace, missed: int) -> str:
    return (
        f"{arguments.worlds} worlds of {CUSTOMERS:,} customers who join within 26 of {WEEKS} weeks; 16 weeks "
        "of each 52 are the season, and in 30 % of four weeks a customer is in a campaign; seed "
        f"{SEED}. Truth, estimates and errors are of logarithms for r, alpha, s and beta. Target: a coverage "
        f"of {TARGET:.0%} or more; below it: {missed} of {len(TRUTH | EFFECTS)}."
    )


def simulate(customers: int, rng: np.random.Generator) -> Timeline:
    """Return simulated customers with the covariates of each week."""
    joined = rng.integers(0, 26, customers)
    mailed = rng.random((customers, WEEKS // 4 + 1)) < 0.3  # four weeks each
    owner = np.repeat(np.arange(customers), WEEKS - joined)
    week = np.concatenate([np.arange(first, WEEKS) for first in joined])
    table = np.array([week % 52 >= 36, mailed[owner, week // 4]], dtype=float)
    effect = {name: table[NAMES.index(name.partition(".")[2])] * size for name, size in EFFECTS.items()}
    buying = np.exp(effect["purchases.season"] + effect["purchases.mailed"])
    leaving = np.exp(effect["dropout.season"])
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers)
    ending = rng.gamma(TRUTH["s"], 1 / TRUTH["beta"], customers)
    start = (week - joined[owner]).astype(float)
    left = _end(ending[owner] * leaving, owner, start, customers, rng)
    count = rng.poisson(rate[owner] * buying)
    at = np.repeat(np.arange(len(owner)), count)
    time = start[at] + rng.random(len(at))
    kept = time <= left[owner[at]]
    at, time = at[kept], time[kept]
    last = np.zeros(customers)
    np.maximum.at(last, owner[at], time)
    bought = np.array([np.bincount(owner[at], row[at], minlength=customers) for row in table])
    patterns, pattern = np.unique(table.T, axis=0, return_inverse=True)
    pattern = pattern.reshape(-1)
    fresh = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(pattern, prepend=-1) != 0))
    lengths = np.add.reduceat(np.ones(len(owner)), fresh)
    pieces = Pieces(owner[fresh], pattern[fresh], start[fresh], lengths)
    frequency = np.bincount(owner[at], minlength=customers)
    age = (WEEKS - joined).astype(float)
    return Timeline(
        pd.RangeIndex(customers), "W", frequency, last, age, NAMES, patterns.T.copy(), bought, pieces
    )


def _end(
    hazard: np.ndarray, owner: np.ndarray, start: np.ndarray, customers: int, rng: np.random.Generator
) -> np.ndarray:
    """Return when each customer drops out, infinite if later than all weeks."""
    due = rng.standard_exponential(customers)
    total = np.cumsum(hazard)
    before = np.concatenate([[0.0], np.cumsum(np.bincount(owner, hazard, minlength=customers))])[:-1]
    passed = total - before[owner]
    inside = (passed >= due[owner]) & (passed - hazard < due[owner])
    ends = np.full(customers, np.inf)
    ends[owner[inside]] = (start + 1 - (passed - due[owner]) / hazard)[inside]
    return ends


if __name__ == "__main__":
    sys.exit(main())

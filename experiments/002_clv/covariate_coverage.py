"""Recovery of known effects of covariates, and coverage of their intervals.

``python experiments/002_clv/covariate_coverage.py`` simulates customers whose rates follow from a channel and
a number, fits Pareto/NBD and BG/NBD with covariates, and counts how often the 95 % interval of a parameter
covers the truth; it writes covariate_coverage.json and a table of README.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
import pandas as pd
from coverage_simulation import follow, waiting_time
from coverage_table import wilson
from study import markdown, parser, run, save, show, shown_progress, verdict, write_between

from crm_ml.clv import BetaGeo, ParetoNBD, WithCovariates
from crm_ml.clv.purchase_model import PurchaseModel

SEED, CUSTOMERS, WORLDS, TARGET = 2_026, 2_000, 1_000, 0.93
WEEKS = (30.0, 60.0)
MODELS: dict[str, tuple[type[PurchaseModel], dict[str, float]]] = {
    "Pareto/NBD": (ParetoNBD, {"r": 0.8, "alpha": 8.0, "s": 0.7, "beta": 14.0}),
    "BG/NBD": (BetaGeo, {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.4}),
}
EFFECTS = {"purchases.app": 0.5, "purchases.age": 0.2, "dropout.app": -0.6}
HEADER = ("model", "parameter", "truth", "mean estimate", "sd", "mean standard error", "coverage", "target")


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "covariate_coverage.json")
    command.add_argument("--worlds", type=int, default=WORLDS)
    command.add_argument("--customers", type=int, default=CUSTOMERS)
    return run(_study, command.parse_args(argv))


def _study(arguments: argparse.Namespace) -> None:
    rows = []
    with shown_progress() as progress:
        for number, (name, (kind, truth)) in enumerate(MODELS.items()):
            worlds = progress.track(range(arguments.worlds), description=name)
            fits = [
                WithCovariates(kind(), ["app", "age"], ["app"]).fit(
                    simulate(truth, arguments.customers, np.random.default_rng([SEED, number, world]))
                )
                for world in worlds
            ]
            rows += [_row(name, fits, what, value) for what, value in (truth | EFFECTS).items()]
    setting = {"seed": SEED, "customers": arguments.customers, "worlds": arguments.worlds, "weeks": WEEKS}
    save(arguments.folder / "covariate_coverage.json", {**setting, "target": TARGET, "rows": rows})
    cells = [_cells(row) for row in rows]
    text = f"{markdown(HEADER, cells)}\n\n{_facts(arguments, rows)}"
    write_between(arguments.folder / "README.md", "covariates", text)
    show("Recovery of known effects of covariates", HEADER, cells)


def _facts(arguments: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> str:
    missed = sum(row["coverage"] < TARGET for row in rows)
    return (
        f"{arguments.worlds:,} worlds of {arguments.customers:,} customers, seen for {WEEKS[0]:.0f} to "
        f"{WEEKS[1]:.0f} weeks, 40 % of them from the app, age standardised; seed {SEED}. Truth, estimates "
        "and their errors are of logarithms for r, alpha, s, beta, a and b. Wald intervals of 95 %. Target: "
        f"a coverage of {TARGET:.0%} or more; below it: {missed} of {len(rows)}."
    )


def simulate(truth: Mapping[str, float], customers: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the summary of simulated customers in weeks, with app and age."""
    app, age = rng.random(customers) < 0.4, rng.standard_normal(customers)
    seen = rng.uniform(*WEEKS, customers)
    more = np.exp(EFFECTS["purchases.app"] * app + EFFECTS["purchases.age"] * age)
    out = np.exp(EFFECTS["dropout.app"] * app)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], customers) * more
    ends, coin = seen, np.zeros(customers)
    if "s" in truth:
        leaving = rng.gamma(truth["s"], 1 / truth["beta"], customers) * out
        ends = np.minimum(seen, waiting_time(leaving, rng))
    else:
        coin = rng.beta(truth["a"] * np.sqrt(out), truth["b"] / np.sqrt(out))
    x, last = follow(rate, coin, ends, False, rng)
    frame = pd.DataFrame({"frequency": x, "recency": last, "T": seen, "app": app, "age": age})
    frame.attrs["time_unit"] = "W"
    return frame


def _row(name: str, fits: Sequence[WithCovariates], what: str, truth: float) -> dict[str, Any]:
    place = fits[0].NAMES.index(what)
    intervals = [fit.confidence_intervals()[what] for fit in fits]
    covered = sum(low <= truth <= high for low, high in intervals)
    estimates = np.array([fit.theta_[place] for fit in fits])
    errors = np.sqrt([fit.covariance_[place, place] for fit in fits])
    numbers = {
        "mean_estimate": float(estimates.mean()),
        "sd": float(estimates.std(ddof=1)),
        "mean_standard_error": float(np.nanmean(errors)),
        "coverage": covered / len(fits),
    }
    row = {"model": name, "parameter": what, "truth": truth}
    row |= {"searched": truth if what in EFFECTS else float(f"{np.log(truth):.6g}")}
    row |= {key: float(f"{value:.6g}") for key, value in numbers.items()}
    return row | {"coverage_interval": [float(f"{end:.6g}") for end in wilson(covered, len(fits))]}


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = row["coverage_interval"]
    numbers = (f"{row[key]:.3f}" for key in ("searched", "mean_estimate", "sd", "mean_standard_error"))
    met = row["coverage"] >= TARGET
    share = f"{row['coverage']:.1%} [{low:.1%}, {high:.1%}]"
    return (row["model"], row["parameter"], *numbers, share, verdict(met))


if __name__ == "__main__":
    sys.exit(main())

"""What weak priors do for small cohorts: the total of the next year with and without them.

``python experiments/002_clv/small_cohorts.py`` draws cohorts of known parameters, fits them with and without
the prior, and compares the expected purchases of the next 52 weeks of all customers with those that the true
parameters expect of the same histories; it writes small_cohorts.json and a table of README.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
from study import markdown, parser, run, save, show, shown_progress, write_between

from crm_ml.clv import BetaGeo, ParetoNBD, generate
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.errors import InputError

SEED, WORLDS, SIZES, HORIZON = 2_027, 200, (50, 150, 500, 2_000), 52.0
WEEKS = (13.0, 39.0)
MODELS: dict[str, tuple[type[PurchaseModel], dict[str, float]]] = {
    "BG/NBD": (BetaGeo, {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}),
    "Pareto/NBD": (ParetoNBD, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}),
}
HEADER = ("model", "customers", "fit", "no maximum", "at a bound", "median error", "90th percentile")


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, fit and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "small_cohorts.json")
    command.add_argument("--worlds", type=int, default=WORLDS)
    return run(_study, command.parse_args(argv))


def _study(arguments: argparse.Namespace) -> None:
    rows = []
    with shown_progress() as progress:
        for place, (name, (kind, truth)) in enumerate(MODELS.items()):
            for size in SIZES:
                worlds = progress.track(range(arguments.worlds), description=f"{name}, {size:,}")
                pairs = [_world(kind, truth, size, [SEED, place, size, world]) for world in worlds]
                for number, how in enumerate(("likelihood alone", "weak prior")):
                    rows.append(
                        {"model": name, "customers": size, "fit": how} | _row([p[number] for p in pairs])
                    )
    content = {"seed": SEED, "worlds": arguments.worlds, "weeks": WEEKS, "horizon_weeks": HORIZON}
    save(arguments.folder / "small_cohorts.json", {**content, "rows": rows})
    cells = [_cells(row) for row in rows]
    text = f"{markdown(HEADER, cells)}\n\n{_facts(arguments)}"
    write_between(arguments.folder / "README.md", "priors", text)
    show("Weak priors of small cohorts", HEADER, cells)


def _facts(arguments: argparse.Namespace) -> str:
    return (
        f"{arguments.worlds} cohorts of each size, seen for {WEEKS[0]:.0f} to {WEEKS[1]:.0f} weeks, with the "
        f"published parameters of CDNOW; seed {SEED}. Error: the absolute logarithm of the total of 52 weeks "
        "over that by the true parameters; fits without a maximum count as the largest."
    )


def _world(
    kind: type[PurchaseModel], truth: Mapping[str, float], size: int, seed: list[int]
) -> list[tuple[float, bool] | None]:
    """Return error and whether a parameter is at a bound, without and with the prior; None without a fit."""
    rng, known = np.random.default_rng(seed), kind.of_params(truth, "W")
    summary = generate(known, rng.uniform(*WEEKS, size), rng).summary
    wanted = float(known.expected_purchases(summary, HORIZON).sum())
    results: list[tuple[float, bool] | None] = []
    for model in (kind(), kind(prior="weak")):
        try:
            model.fit(summary)
        except InputError:  # nobody repeats, or there is no maximum
            results.append(None)
            continue
        total = float(model.expected_purchases(summary, HORIZON).sum())
        results.append((abs(float(np.log(total / wanted))), bool(model.record_.at_bound)))
    return results


def _row(results: Sequence[tuple[float, bool] | None]) -> dict[str, Any]:
    errors = np.array([np.inf if each is None else each[0] for each in results])
    known = [each for each in results if each is not None]
    return {
        "no_maximum": len(results) - len(known),
        "at_bound": sum(bound for _, bound in known),
        "median_error": float(f"{np.median(errors):.6g}"),
        "error_90": float(f"{np.quantile(errors, 0.9, method='higher'):.6g}"),
    }


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["model"], f"{row['customers']:,}", row["fit"], f"{row['no_maximum']}", f"{row['at_bound']}",
        f"{row['median_error']:.3f}", f"{row['error_90']:.3f}",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

"""Recovery of the parameters of simulated customers, and coverage of the intervals.

``python experiments/002_clv/interval_coverage.py`` simulates by coverage_simulation.py, fits by
coverage_fits.py, and counts by coverage_table.py how often an interval covers the truth; it writes
coverage.json and a table of README.md.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from coverage_fits import STUDIES, Estimate, simulate_and_fit
from coverage_table import report, summarise
from study import parser, run, shown_progress

SEED, CUSTOMERS = 2_026, 3_000


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, count and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "coverage.json")
    command.add_argument("--simulations", type=int, default=200)
    command.add_argument("--bootstrap-simulations", type=int, default=100)
    command.add_argument("--customers", type=int, default=CUSTOMERS)
    command.add_argument("--seed", type=int, default=SEED)
    command.add_argument("--processes", type=int, default=2, choices=(1, 2))
    return run(_simulate, command.parse_args(argv))


def _simulate(arguments: argparse.Namespace) -> None:
    counts = {
        name: arguments.bootstrap_simulations if study.replicates else arguments.simulations
        for name, study in STUDIES.items()
    }
    jobs = [
        (name, arguments.customers, arguments.seed, number)
        for name, count in counts.items()
        for number in range(count)
    ]
    estimates: dict[str, list[dict[str, Estimate]]] = {name: [] for name in STUDIES}
    for (name, *_), simulation in zip(jobs, _all(jobs, arguments.processes), strict=True):
        estimates[name].append(simulation)
    rows = [row for name, study in STUDIES.items() for row in summarise(name, study, estimates[name])]
    report(rows, arguments)


def _all(jobs: Sequence[tuple[str, int, int, int]], processes: int) -> Iterable[dict[str, Estimate]]:
    """Run the jobs in their order, with progress on standard error."""
    with shown_progress() as progress:
        track = partial(progress.track, total=len(jobs), description="simulations")
        if processes == 1:
            yield from track(map(simulate_and_fit, jobs))
            return
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield from track(pool.map(simulate_and_fit, jobs))


if __name__ == "__main__":
    sys.exit(main())

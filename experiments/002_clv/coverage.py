"""Do the models find the parameters of simulated customers, and are their intervals honest.

``python experiments/002_clv/coverage.py`` simulates by coverage_simulation.py, fits by coverage_fits.py, and
counts by coverage_table.py how often an interval holds the truth; it writes coverage.json and a table of
README.md.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from coverage_fits import STUDIES, Found, simulate_and_fit
from coverage_table import report, summarise
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

HERE = Path(__file__).parent
SEED, CUSTOMERS = 2_026, 3_000


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, fit, count and write down; return the exit code."""
    parser = argparse.ArgumentParser("coverage.py", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and coverage.json stand")
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--bootstrap-simulations", type=int, default=100)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2))
    given = parser.parse_args(argv)
    counts = {
        name: given.bootstrap_simulations if study.replicates else given.simulations
        for name, study in STUDIES.items()
    }
    jobs = [(name, given.customers, given.seed, i) for name, count in counts.items() for i in range(count)]
    found: dict[str, list[dict[str, Found]]] = {name: [] for name in STUDIES}
    for (name, *_), one in zip(jobs, _all(jobs, given.processes), strict=True):
        found[name].append(one)
    rows = [row for name, study in STUDIES.items() for row in summarise(name, study, found[name])]
    report(rows, given)
    return 0


def _all(jobs: Sequence[tuple[str, int, int, int]], processes: int) -> Iterable[dict[str, Found]]:
    """Run the jobs in their order, with progress on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        track = partial(progress.track, total=len(jobs), description="simulations")
        if processes == 1:
            yield from track(map(simulate_and_fit, jobs))
            return
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield from track(pool.map(simulate_and_fit, jobs))


if __name__ == "__main__":
    sys.exit(main())

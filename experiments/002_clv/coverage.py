"""Do the models find the parameters of simulated customers, and are their intervals honest.

``python experiments/002_clv/coverage.py`` simulates by coverage_simulation.py, fits, counts how often an
interval holds the truth, and writes coverage.json and a table of README.md.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from coverage_simulation import SPEND, WEEKS, Floats, simulate
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

from crm_ml.clv import BetaGeo, GammaGamma, ModifiedBetaGeo, ParetoNBD, value_with_interval
from crm_ml.clv.bootstrap import bootstrap
from crm_ml.clv.fitting import NotConverged
from crm_ml.clv.histories import Histories
from crm_ml.clv.purchase_model import PurchaseModel
from crm_ml.clv.spend import Spend

HERE = Path(__file__).parent
SEED, CUSTOMERS, HORIZON = 2_026, 3_000, 39.0
LOW, HIGH, Z = 0.90, 0.98, 1.959963984540054
TYPICAL = {"frequency": [2], "recency": [30.43], "T": [38.86], "monetary_value": [25.0]}
EXPECTED, VALUE, MEAN = "expected purchases", "expected value", "expected spend"
LOGARITHM = {"q": lambda q: np.log(q - 1)}
README = """# Lifetime value

## Recovery of simulated parameters
<!-- coverage -->
<!-- end of coverage -->
"""


@dataclass(frozen=True)
class Study:
    """A model, the parameters that customers are simulated with, and how often to draw them again."""

    model: type[PurchaseModel] | type[GammaGamma]
    truth: dict[str, float]
    replicates: int = 0


@dataclass(frozen=True)
class Found:
    """An estimate of one quantity: with its interval, and the standard error of its logarithm."""

    estimate: float
    low: float
    high: float
    error: float
    log_estimate: float


_BETA_GEO = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
STUDIES = {
    "BG/NBD": Study(BetaGeo, _BETA_GEO),
    "MBG/NBD": Study(ModifiedBetaGeo, {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}),
    "Pareto/NBD": Study(ParetoNBD, {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}),
    "Gamma-Gamma": Study(GammaGamma, SPEND),
    "BG/NBD, bootstrap": Study(BetaGeo, _BETA_GEO, replicates=200),
    "Gamma-Gamma, bootstrap": Study(GammaGamma, SPEND, replicates=200),
}


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


def simulate_and_fit(job: tuple[str, int, int, int]) -> dict[str, Found]:
    """Simulate customers and return what a model finds of each quantity; nothing if it does not converge."""
    name, customers, seed, number = job
    study = STUDIES[name]
    rng = np.random.default_rng([seed, list(STUDIES).index(name), number])
    buying = _BETA_GEO if issubclass(study.model, GammaGamma) else study.truth
    with threadpool_limits(1):
        summary = simulate(buying, study.model is ModifiedBetaGeo, customers, rng)
        try:
            model = study.model().fit(summary)
            if study.replicates:
                return drawn_again(model, summary, study.replicates, rng)
            return asked(model, summary)
        except NotConverged:
            return {}


def typical() -> pd.DataFrame:
    """Return the history of whom quantities beside the parameters are asked."""
    frame = pd.DataFrame(TYPICAL)
    frame.attrs["time_unit"] = "W"
    return frame


def asked(model: PurchaseModel | GammaGamma, summary: pd.DataFrame) -> dict[str, Found]:
    """Return each parameter and each quantity of the typical history, with the intervals of the package."""
    theta, errors = model.theta_, np.sqrt(np.diag(model.covariance_))
    found = {}
    if isinstance(model, GammaGamma):
        ends = np.exp(theta - Z * errors), np.exp(theta + Z * errors)
        shift = np.array([name in LOGARITHM for name in model.NAMES], dtype=float)  # theta holds log (q - 1)
        intervals = dict(zip(model.NAMES, zip(*(end + shift for end in ends), strict=True), strict=True))
    else:
        intervals = model.confidence_intervals()
        value = GammaGamma().fit(summary)
        clv, low, high = value_with_interval(model, value, typical(), HORIZON).iloc[0]
        found[VALUE] = Found(clv, low, high, np.log(high / clv) / Z, np.log(clv))
    for i, name in enumerate(model.NAMES):
        low, high = map(float, intervals[name])
        found[name] = Found(model.params_[name], low, high, float(errors[i]), float(theta[i]))
    what = MEAN if isinstance(model, GammaGamma) else EXPECTED
    return found | {what: _by_delta(partial(quantity, model), theta, model.covariance_)}


def quantity(model: PurchaseModel | GammaGamma, theta: Floats) -> float:
    """Return what the typical customer is expected to spend on a purchase, or to buy within the horizon."""
    if isinstance(model, GammaGamma):
        return float(model.expected(Spend.of(typical(), model.use_first_purchase), theta)[0])
    return float(model.future(Histories.of(typical()), theta).expected(HORIZON)[0])


def _by_delta(ask: Callable[[Floats], float], theta: Floats, covariance: Floats) -> Found:
    """Return a positive quantity with an interval symmetric in its logarithm, by the delta method."""
    steps = 1e-4 * np.eye(len(theta))
    slope = np.array([np.log(ask(theta + step) / ask(theta - step)) / 2e-4 for step in steps])
    error, at = float(np.sqrt(slope @ covariance @ slope)), ask(theta)
    return Found(at, at * np.exp(-Z * error), at * np.exp(Z * error), error, float(np.log(at)))


def drawn_again(
    model: PurchaseModel | GammaGamma, summary: pd.DataFrame, replicates: int, rng: np.random.Generator
) -> dict[str, Found]:
    """Return each parameter and quantity with percentile intervals of a bootstrap of whole customers."""
    drawn = bootstrap(model, summary, replicates, rng)
    logs = np.log(drawn.assign(q=drawn["q"] - 1) if "q" in drawn else drawn).to_numpy()
    what = MEAN if isinstance(model, GammaGamma) else EXPECTED
    values = {name: drawn[name].to_numpy() for name in model.NAMES}
    values[what] = np.array([quantity(model, theta) for theta in logs])
    estimates = {**model.params_, what: quantity(model, model.theta_)}
    found = {}
    for name, each in values.items():
        low, high = np.percentile(each, [2.5, 97.5])
        in_logs = LOGARITHM.get(name, np.log)
        error = float(np.std(in_logs(each), ddof=1))
        found[name] = Found(estimates[name], low, high, error, float(in_logs(estimates[name])))
    return found


def truths(study: Study) -> dict[str, float]:
    """Return the true parameters, and the quantities of the typical history at them."""
    model = known(study)
    at = quantity(model, model.theta_)
    if isinstance(model, GammaGamma):
        return study.truth | {MEAN: at}
    value = {} if study.replicates else {VALUE: at * truths(STUDIES["Gamma-Gamma"])[MEAN]}
    return study.truth | value | {EXPECTED: at}


def known(study: Study) -> PurchaseModel | GammaGamma:
    """Return a model with the true parameters: one that was fitted, with these put in."""
    summary = simulate(_BETA_GEO, False, 1_000, np.random.default_rng(0))
    empty = GammaGamma(largest_correlation=1.0) if study.model is GammaGamma else study.model()
    logs = [float(LOGARITHM.get(name, np.log)(value)) for name, value in study.truth.items()]
    return study.model.from_dict(empty.fit(summary).as_dict() | {"theta": logs})


def summarise(name: str, study: Study, simulations: Sequence[dict[str, Found]]) -> list[dict[str, Any]]:
    """Return a row for each quantity: how near the estimates are, and how often its interval holds the truth.

    An interval that is missing, because the fit failed or a parameter ran to a bound, does not hold it.
    """
    rows = []
    for what, truth in truths(study).items():
        found = [each[what] for each in simulations if what in each]
        usable = [one for one in found if np.isfinite([one.low, one.high]).all()]
        if len(usable) < 2:
            raise SystemExit(f"{name}: only {len(usable)} simulations have an interval of {what}; take more")
        logs = np.array([one.log_estimate for one in usable])
        covered = sum(one.low <= truth <= one.high for one in usable)
        count = len(simulations)
        row = {
            "model": name,
            "quantity": what,
            "truth": truth,
            "mean_estimate": np.mean([one.estimate for one in usable]),
            "bias_of_log": logs.mean() - float(LOGARITHM.get(what, np.log)(truth)),
            "sd_of_log": logs.std(ddof=1),
            "mean_standard_error_of_log": np.mean([one.error for one in usable]),
            "truth_below": sum(truth < one.low for one in usable) / count,
            "truth_above": sum(truth > one.high for one in usable) / count,
            "coverage": covered / count,
            "coverage_interval": wilson(covered, count),
            "without_interval": count - len(usable),
            "simulations": count,
        }
        rows.append({key: _rounded(value) for key, value in row.items()})
    return rows


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's formula.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(190, 200)]
    [0.9104, 0.9726]
    """
    share, wide = hits / count, Z**2 / count
    middle, half = share + wide / 2, Z * np.sqrt(share * (1 - share) / count + wide / count / 4)
    return float((middle - half) / (1 + wide)), float((middle + half) / (1 + wide))


def _rounded(value: Any) -> Any:
    """Return six digits of a number, which do not depend on the machine."""
    if isinstance(value, tuple):
        return [_rounded(one) for one in value]
    return value if isinstance(value, str | int) else float(f"{value:.6g}")


def report(rows: Sequence[dict[str, Any]], given: argparse.Namespace) -> None:
    """Write coverage.json and the table of README.md, and print it."""
    setting = {"seed": given.seed, "customers": given.customers, "weeks": WEEKS, "horizon_weeks": HORIZON}
    content = {**setting, "target": [LOW, HIGH], "typical_history": TYPICAL, "rows": rows}
    text = json.dumps(content, indent=1) + "\n"
    (given.folder / "coverage.json").write_text(text, encoding="utf-8")
    cells = [_cells(row) for row in rows]
    lines = "\n".join(f"| {' | '.join(line)} |" for line in [HEADER, ("---",) * len(HEADER), *cells])
    outside = sum(not LOW <= row["coverage"] <= HIGH for row in rows)
    facts = (
        "Bias, standard deviation of estimates and mean standard error are of logarithms (of q - 1 for q). "
        "Truth below: the share of intervals that lie wholly above it. "
        f"{given.customers:,} customers a simulation, seen for {WEEKS[0]:.0f} to {WEEKS[1]:.0f} weeks; "
        f"{given.simulations} simulations ({given.bootstrap_simulations} with bootstrap); seed {given.seed}. "
        f"Target: coverage of {LOW:.0%} to {HIGH:.0%}; outside it: {outside} of {len(rows)}."
    )
    write_readme(given.folder / "README.md", f"{lines}\n\n{facts}")
    table = Table(*HEADER, title="Recovery of simulated parameters")
    for line in cells:
        table.add_row(*line)
    console = Console()
    (console if console.is_terminal else Console(width=190)).print(table)


HEADER = (
    "model", "quantity", "truth", "mean estimate", "bias of log", "sd of log", "mean standard error",
    "truth below", "truth above", "coverage", "target",
)  # fmt: skip


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["coverage_interval"]
    met = LOW <= row["coverage"] <= HIGH
    numbers = (f"{row[key]:.3f}" for key in ("bias_of_log", "sd_of_log", "mean_standard_error_of_log"))
    shares = (f"{row[key]:.1%}" for key in ("truth_below", "truth_above"))
    return (
        row["model"], row["quantity"], f"{row['truth']:.4g}", f"{row['mean_estimate']:.4g}",
        *numbers, *shares,
        f"{row['coverage']:.1%} [{low:.1%}, {high:.1%}]", "met" if met else "**missed**",
    )  # fmt: skip


def write_readme(path: Path, text: str) -> None:
    """Put the table between the markers of README.md; without a file, begin one."""
    content = path.read_text(encoding="utf-8") if path.exists() else README
    start, end = "<!-- coverage -->", "<!-- end of coverage -->"
    if content.count(start) != 1 or content.count(end) != 1 or content.index(start) > content.index(end):
        raise SystemExit(f"{path.name}: {start} and {end} must stand there once each, in this order")
    before, _, rest = content.partition(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

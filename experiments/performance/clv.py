"""Lifetime value beside ``lifetimes`` 0.11.3: summary, fit and value of many customers.

``python experiments/performance/clv.py [--quick]`` makes the data, runs each contender of clv_cases.py in a
process of its own, checks that both found the same, and writes clv.json and a table of README.md.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import clv_cases
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from clv_cases import (
    COLUMNS,
    DRAWN,
    LINES,
    MONTHLY,
    RATE,
    SIMULATED,
    SOME,
    SPENDING,
    WEEKS_A_MONTH,
    Sizes,
)
from measured import machine, resources
from rich.progress import Progress
from study import markdown, parser, save, show, shown_progress, verdict, write_between

QUICK = Sizes(copies=1, draws=1, customers=1_500)
HEADER = (
    "case", "rows", "crm_ml CPU s", "microseconds a row", "lifetimes CPU s", "times as fast", "crm_ml GB",
    "lifetimes GB", "target", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Two contenders, the check that they found the same, and the targets.

    These are times as fast, CPU seconds, and CPU microseconds a row. `theirs` is none where lifetimes has no
    such thing.
    """

    name: str
    data: str
    ours: str
    theirs: str | None
    check: Callable[[Path, str, str], dict[str, float]]
    faster: float | None = None
    seconds: float | None = None
    each: float | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Make data, measure, compare and write down; return the exit code."""
    command = parser(__file__, __doc__.splitlines()[0], "clv.json")
    command.add_argument("--quick", action="store_true", help="few rows: checks the script, not the speed")
    arguments = command.parse_args(argv)
    sizes = QUICK if arguments.quick else Sizes()
    with tempfile.TemporaryDirectory() as data, shown_progress() as progress:
        rows = measure(Path(data), sizes, progress)
    report(rows, sizes, arguments.folder)
    return 0


def measure(data: Path, sizes: Sizes, progress: Progress) -> list[dict[str, Any]]:
    """Run every contender once in a process and check each case."""
    task = progress.add_task("making data", total=len(clv_cases.CONTENDERS))
    prepare = ["prepare", str(data), *map(str, asdict(sizes).values())]
    subprocess.run([sys.executable, clv_cases.__file__, *prepare], check=True)  # see run
    runs = {}
    for name in clv_cases.CONTENDERS:
        progress.update(task, description=name)
        runs[name] = run(name, data)
        progress.advance(task)
    return [judge(case, data, runs) for case in CASES]


def run(name: str, data: Path) -> dict[str, float]:
    """Run one contender in a process of its own, of which the operating system counts the peak of memory.

    That is never below what this process holds, so data are made in another process and compared afterwards.
    """
    used = resources(clv_cases.__file__, [name, data], {})
    noted = json.loads((data / f"{name}.json").read_text(encoding="utf-8"))
    return {
        "cpu_s": noted["cpu_s"],
        "wall_s": noted["wall_s"],
        "peak_gb": used["peak_gb"],
        "process_wall_s": used["wall_s"],
    }


def judge(case: Case, data: Path, runs: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Check a case and set its figures against its targets."""
    ours, theirs = runs[case.ours], runs.get(case.theirs or "")
    faster = None if theirs is None else theirs["cpu_s"] / ours["cpu_s"]
    rows = pq.read_metadata(data / case.data).num_rows
    each = 1e6 * ours["cpu_s"] / rows
    aims = []
    if case.each is not None:
        aims.append((f"at most {case.each:g} microseconds a customer", each <= case.each))
    if case.seconds is not None:
        aims.append((f"at most {case.seconds:g} s", ours["cpu_s"] <= case.seconds))
    if case.faster is not None and faster is not None:
        aims.append((f"{case.faster:g} times", faster >= case.faster))
    return {
        "case": case.name,
        "rows": rows,
        "microseconds_each": each,
        "crm_ml": ours,
        "lifetimes": theirs,
        "times_as_fast": faster,
        "targets": aims,
        "agreement": case.check(data, case.ours, case.theirs or ""),
    }


def same_summary(data: Path, ours: str, theirs: str) -> dict[str, float]:
    """Refuse summaries that differ: frequency and T exactly, money to 1e-9."""
    left, right = (pd.read_parquet(data / f"{name}.parquet") for name in (ours, theirs))
    if set(left.index) != set(right.index) and right.index.dtype != np.int64:
        raise SystemExit(f"{ours}: other customers than {theirs}")
    if right.index.dtype == np.int64:  # numbers in the order of first appearance
        first = pd.read_parquet(data / LINES, columns=["customer_id"])["customer_id"].unique()
        right.index = pd.Index(first[right.index], name="customer_id")
    far = {name: float((left[name] - right[name].reindex(left.index)).abs().max()) for name in right.columns}
    if not (max(far[name] for name in COLUMNS) == 0 and far["monetary_value"] < 1e-9):
        raise SystemExit(f"{ours}: differs from {theirs} by {far}")
    return far


def same_likelihood(data: Path, ours: str, theirs: str) -> dict[str, float]:
    """Refuse fits that differ, by our likelihood at both: it equals their own, and ours is no lower."""
    from crm_ml.clv.beta_geometric import log_likelihood
    from crm_ml.clv.purchase_histories import Histories

    histories = Histories.of(pd.read_parquet(data / (DRAWN if "drawn" in ours else SIMULATED)))
    extra = int("modified" in ours)
    left, right = (json.loads((data / f"{name}.json").read_text(encoding="utf-8")) for name in (ours, theirs))
    at_ours, at_theirs = (log_likelihood(np.array(o["theta"]), histories, extra)[0] for o in (left, right))
    equal, gain = at_theirs / right["log_likelihood"] - 1, (at_ours - at_theirs) / abs(at_theirs)
    if not (abs(equal) < 1e-9 and gain > -1e-9):
        raise SystemExit(f"{ours}: likelihood differs by {equal:.2g}, at the parameters found by {gain:.2g}")
    return {"log_likelihood": at_ours, "relative_difference_of_likelihoods": equal, "relative_gain": gain}


def same_value(data: Path, ours: str, theirs: str) -> dict[str, float]:
    """Refuse values that differ: ours by lifetimes' months to 1e-9 for some customers, and in all to 1 %.

    lifetimes lets 4.345 weeks be a month and discounts what it brings as if earned at its end.
    """
    from crm_ml.clv import BetaGeo, GammaGamma

    models = json.loads((data / "models.json").read_text(encoding="utf-8"))
    model, spend = BetaGeo.from_dict(models["purchases"]), GammaGamma.from_dict(models["spend"])
    values, theirs_values = (pd.read_parquet(data / f"{name}.parquet")["clv"] for name in (ours, theirs))
    some = pd.read_parquet(data / SOME).head(20_000)
    months = range(1, 13)
    bought = [model.expected_purchases(some, WEEKS_A_MONTH * month) for month in months]
    earned = np.diff(np.array(bought), axis=0, prepend=0.0)
    by_month = earned.T @ (1 + MONTHLY) ** -np.array(months, dtype=float)
    far = float((by_month * spend.expected_value(some) / theirs_values.head(len(some)) - 1).abs().max())
    more = float(values.sum() / theirs_values.sum() - 1)
    if not (far < 1e-9 and abs(more) < 0.01):
        raise SystemExit(f"{ours}: by lifetimes' months {far:.2g} from {theirs}, in all {more:.2%}")
    return {"by_their_months": far, "total_over_theirs": more}


def same_interval(data: Path, ours: str, theirs: str) -> dict[str, float]:  # noqa: ARG001
    """Refuse intervals that differ by 1e-7 from those by central differences, for some customers."""
    from crm_ml.clv import BetaGeo, GammaGamma, lifetime_value, months

    models = json.loads((data / "models.json").read_text(encoding="utf-8"))
    some = pd.read_parquet(data / SPENDING).iloc[
        :: max(pq.read_metadata(data / SPENDING).num_rows // 2_000, 1)
    ]

    def log_value(theta: np.ndarray) -> np.ndarray:
        moved = [
            dict(models[name], theta=part.tolist())
            for name, part in (("purchases", theta[:4]), ("spend", theta[4:]))
        ]
        purchases, spend = BetaGeo.from_dict(moved[0]), GammaGamma.from_dict(moved[1])
        return np.log(lifetime_value(purchases, spend, some, months(12), RATE).to_numpy())

    theta = np.concatenate([models[name]["theta"] for name in ("purchases", "spend")])
    steps = np.eye(len(theta)) * 1e-4
    slopes = np.array([(log_value(theta + step) - log_value(theta - step)) / 2e-4 for step in steps])
    covariance = np.zeros((7, 7))
    covariance[:4, :4], covariance[4:, 4:] = (models[name]["covariance"] for name in ("purchases", "spend"))
    half = 1.959963984540054 * np.sqrt(np.einsum("ik,ij,jk->k", slopes, covariance, slopes))
    ends = pd.read_parquet(data / f"{ours}.parquet").loc[some.index]
    far = float(np.abs(np.log(ends["clv_high"] / ends["clv"]) / half - 1).max())
    if not far < 1e-7:
        raise SystemExit(f"{ours}: half of an interval differs by {far:.2g} from central differences")
    return {"relative_difference_of_half_an_interval": far}


CASES = (
    Case("summary, table of DuckDB", LINES, "summarize_table", "lifetimes_summary", same_summary, faster=4),
    Case("summary, pandas", LINES, "summarize_frame", "lifetimes_summary", same_summary, faster=4),
    Case(
        "summary, pandas; theirs with ids as numbers",
        LINES, "summarize_frame", "lifetimes_summary_numbers", same_summary,
    ),
    Case(
        "BG/NBD, CDNOW drawn again",
        DRAWN, "fit_drawn", "lifetimes_fit_drawn", same_likelihood, faster=50, seconds=2,
    ),
    Case("value of 12 months", SOME, "value", "lifetimes_value", same_value, seconds=1),
    Case(
        "value with interval, no two alike",
        SPENDING, "value_with_interval", None, same_interval, each=20,
    ),
    Case("BG/NBD, no two alike", SIMULATED, "fit_simulated", "lifetimes_fit_simulated", same_likelihood),
    Case("MBG/NBD, no two alike", SIMULATED, "fit_modified", "lifetimes_fit_modified", same_likelihood),
)  # fmt: skip


def report(rows: Sequence[dict[str, Any]], sizes: Sizes, folder: Path) -> None:
    """Write clv.json and the table of README.md, and print it."""
    where = machine("lifetimes", "duckdb", "numpy", "pandas", "scipy")
    save(folder / "clv.json", {"sizes": asdict(sizes), "machine": where, "cases": rows})
    cells = [_cells(row) for row in rows]
    facts = ", ".join(f"{name} {value}" for name, value in where.items())
    write_between(folder / "README.md", "clv", f"{markdown(HEADER, cells)}\n\n{facts}.")
    show("crm_ml.clv beside lifetimes", HEADER, cells)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ours, theirs = row["crm_ml"], row["lifetimes"]
    seconds, times, memory = ("", "", "") if theirs is None else (
        f"{theirs['cpu_s']:.2f}", f"{row['times_as_fast']:.1f}", f"{theirs['peak_gb']:.2f}"
    )  # fmt: skip
    judged = verdict(all(met for _, met in row["targets"])) if row["targets"] else ""
    return (
        row["case"], f"{row['rows']:,}", f"{ours['cpu_s']:.2f}", f"{row['microseconds_each']:.2f}",
        seconds, times, f"{ours['peak_gb']:.2f}", memory, ", ".join(text for text, _ in row["targets"]),
        judged,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

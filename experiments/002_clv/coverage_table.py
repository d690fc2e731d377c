"""How often intervals cover the truth: counted, and written to coverage.json and the table of README.md."""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

import numpy as np
from coverage_fits import HORIZON, LOGARITHM, TYPICAL, Estimate, Study, Z, truths
from coverage_simulation import WEEKS
from study import markdown, save, show, verdict, write_between

LOW, HIGH = 0.90, 0.98


def summarise(name: str, study: Study, simulations: Sequence[Mapping[str, Estimate]]) -> list[dict[str, Any]]:
    """Return a row for each quantity: error of the estimates, and how often the interval covers the truth.

    An interval that is missing, because the fit failed or a parameter ran to a bound, does not cover it. The
    estimates are those with a standard error.
    """
    rows = []
    for what, truth in truths(study).items():
        estimated = [each[what] for each in simulations if what in each]
        usable = [each for each in estimated if np.isfinite([each.error, each.log_estimate]).all()]
        if len(usable) < 2:
            raise SystemExit(f"{name}: only {len(usable)} simulations have an interval of {what}; take more")
        count = len(simulations)
        row = {"model": name, "quantity": what, "truth": truth, "interval": estimated[0].kind}
        row |= estimates(usable, what, truth)
        row |= sides([(each.low, each.high) for each in estimated], truth, count)
        walds = [each.wald for each in estimated if each.wald is not None]
        if walds:
            row |= {f"wald_{key}": value for key, value in sides(walds, truth, count).items()}
        rows.append({key: _rounded(value) for key, value in (row | {"simulations": count}).items()})
    return rows


def estimates(usable: Sequence[Estimate], what: str, truth: float) -> dict[str, float]:
    """Return how near the estimates are to the truth."""
    logs = np.array([each.log_estimate for each in usable])
    return {
        "mean_estimate": float(np.mean([each.estimate for each in usable])),
        "bias_of_log": logs.mean() - float(LOGARITHM.get(what, np.log)(truth)),
        "sd_of_log": logs.std(ddof=1),
        "mean_standard_error_of_log": float(np.mean([each.error for each in usable])),
    }


def sides(ends: Sequence[tuple[float, float]], truth: float, count: int) -> dict[str, Any]:
    """Return how many of `count` intervals cover the truth or lie to one side; missing ones do neither."""
    known = [(low, high) for low, high in ends if not np.isnan([low, high]).any()]
    covered = sum(low <= truth <= high for low, high in known)
    return {
        "truth_below": sum(truth < low for low, _ in known) / count,
        "truth_above": sum(truth > high for _, high in known) / count,
        "coverage": covered / count,
        "coverage_interval": wilson(covered, count),
        "without_interval": count - len(known),
        "without_end": sum(bool(low == 0 or high == np.inf) for low, high in known),
    }


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
        return [_rounded(each) for each in value]
    return value if isinstance(value, str | int) else float(f"{value:.6g}")


def report(rows: Sequence[dict[str, Any]], arguments: Namespace) -> None:
    """Write coverage.json and the table of README.md, and print it."""
    setting = {"seed": arguments.seed, "customers": arguments.customers}
    setting |= {"weeks": WEEKS, "horizon_weeks": HORIZON}
    content = {**setting, "target": [LOW, HIGH], "typical_history": TYPICAL, "rows": rows}
    save(arguments.folder / "coverage.json", content)
    cells = [_cells(row) for row in rows]
    text = f"{markdown(HEADER, cells)}\n\n{_facts(rows, arguments)}"
    write_between(arguments.folder / "README.md", "coverage", text)
    show("Recovery of simulated parameters", HEADER, cells)


def _facts(rows: Sequence[dict[str, Any]], arguments: Namespace) -> str:
    outside = sum(not LOW <= row["coverage"] <= HIGH for row in rows)
    wald = [row["wald_coverage"] for row in rows if "wald_coverage" in row]
    return (
        "Bias, standard deviation of estimates and mean standard error are of logarithms (of q - 1 for q). "
        "Truth below: the share of intervals that lie wholly above it. Intervals of 95%: of the profile "
        "likelihood, from the Hessian (Wald; symmetric in logarithms), by the delta method, or percentiles "
        "of 200 bootstrap fits. Wald's coverage stands beside that of the profile for information. "
        f"{arguments.customers:,} customers a simulation, seen for {WEEKS[0]:.0f} to {WEEKS[1]:.0f} weeks; "
        f"{arguments.simulations} simulations ({arguments.bootstrap_simulations} with bootstrap); "
        f"seed {arguments.seed}. "
        f"Target: coverage of {LOW:.0%} to {HIGH:.0%}; outside it: {outside} of {len(rows)} (Wald, where a "
        f"profile is judged: {sum(not LOW <= each <= HIGH for each in wald)} of {len(wald)})."
    )


HEADER = (
    "model", "quantity", "truth", "mean estimate", "bias of log", "sd of log", "mean standard error",
    "interval", "truth below", "truth above", "coverage", "target",
    "Wald below", "Wald above", "Wald coverage",
)  # fmt: skip


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = row["coverage_interval"]
    met = LOW <= row["coverage"] <= HIGH
    numbers = (f"{row[key]:.3f}" for key in ("bias_of_log", "sd_of_log", "mean_standard_error_of_log"))
    keys = ("truth_below", "truth_above", "coverage")
    below, above, share = (f"{row[key]:.1%}" for key in keys)
    wald = (f"{row[f'wald_{key}']:.1%}" if f"wald_{key}" in row else "" for key in keys)
    return (
        row["model"], row["quantity"], f"{row['truth']:.4g}", f"{row['mean_estimate']:.4g}", *numbers,
        row["interval"], below, above, f"{share} [{low:.1%}, {high:.1%}]", verdict(met),
        *wald,
    )  # fmt: skip

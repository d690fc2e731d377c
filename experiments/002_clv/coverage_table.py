"""How often intervals hold the truth: counted, and written to coverage.json and the table of README.md."""

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from coverage_fits import HORIZON, LOGARITHM, TYPICAL, Found, Study, Z, truths
from coverage_simulation import WEEKS
from rich.console import Console
from rich.table import Table

LOW, HIGH = 0.90, 0.98
START, READING, END = "<!-- coverage -->", "<!-- reading of coverage -->", "<!-- end of coverage -->"
README = f"""# Lifetime value

## Recovery of simulated parameters
{START}
{END}
"""


def summarise(name: str, study: Study, simulations: Sequence[Mapping[str, Found]]) -> list[dict[str, Any]]:
    """Return a row for each quantity: how near the estimates are, and how often its interval holds the truth.

    An interval that is missing, because the fit failed or a parameter ran to a bound, does not hold it. The
    estimates are those with a standard error.
    """
    rows = []
    for what, truth in truths(study).items():
        found = [each[what] for each in simulations if what in each]
        usable = [one for one in found if np.isfinite([one.error, one.log_estimate]).all()]
        if len(usable) < 2:
            raise SystemExit(f"{name}: only {len(usable)} simulations have an interval of {what}; take more")
        count = len(simulations)
        row = {"model": name, "quantity": what, "truth": truth, "interval": found[0].kind}
        row |= estimates(usable, what, truth) | sides([(one.low, one.high) for one in found], truth, count)
        walds = [one.wald for one in found if one.wald is not None]
        if walds:
            row |= {f"wald_{key}": value for key, value in sides(walds, truth, count).items()}
        rows.append({key: _rounded(value) for key, value in (row | {"simulations": count}).items()})
    return rows


def estimates(found: Sequence[Found], what: str, truth: float) -> dict[str, float]:
    """Return how near the estimates are to the truth."""
    logs = np.array([one.log_estimate for one in found])
    return {
        "mean_estimate": float(np.mean([one.estimate for one in found])),
        "bias_of_log": logs.mean() - float(LOGARITHM.get(what, np.log)(truth)),
        "sd_of_log": logs.std(ddof=1),
        "mean_standard_error_of_log": float(np.mean([one.error for one in found])),
    }


def sides(ends: Sequence[tuple[float, float]], truth: float, count: int) -> dict[str, Any]:
    """Return how many of `count` intervals hold the truth or lie to one side; those not given do neither."""
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
        return [_rounded(one) for one in value]
    return value if isinstance(value, str | int) else float(f"{value:.6g}")


def report(rows: Sequence[dict[str, Any]], given: Namespace) -> None:
    """Write coverage.json and the table of README.md, and print it."""
    setting = {"seed": given.seed, "customers": given.customers, "weeks": WEEKS, "horizon_weeks": HORIZON}
    content = {**setting, "target": [LOW, HIGH], "typical_history": TYPICAL, "rows": rows}
    text = json.dumps(content, indent=1) + "\n"
    (given.folder / "coverage.json").write_text(text, encoding="utf-8")
    cells = [_cells(row) for row in rows]
    lines = "\n".join(f"| {' | '.join(line)} |" for line in [HEADER, ("---",) * len(HEADER), *cells])
    write_readme(given.folder / "README.md", f"{lines}\n\n{_facts(rows, given)}")
    table = Table(*HEADER, title="Recovery of simulated parameters")
    for line in cells:
        table.add_row(*line)
    console = Console()
    (console if console.is_terminal else Console(width=220)).print(table)


def _facts(rows: Sequence[dict[str, Any]], given: Namespace) -> str:
    outside = sum(not LOW <= row["coverage"] <= HIGH for row in rows)
    wald = [row["wald_coverage"] for row in rows if "wald_coverage" in row]
    return (
        "Bias, standard deviation of estimates and mean standard error are of logarithms (of q - 1 for q). "
        "Truth below: the share of intervals that lie wholly above it. Intervals of 95%: of the profile "
        "likelihood, from the Hessian (Wald; symmetric in logarithms), by the delta method, or percentiles "
        "of 200 bootstrap fits. Wald's coverage stands beside that of the profile for information. "
        f"{given.customers:,} customers a simulation, seen for {WEEKS[0]:.0f} to {WEEKS[1]:.0f} weeks; "
        f"{given.simulations} simulations ({given.bootstrap_simulations} with bootstrap); seed {given.seed}. "
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
        row["interval"], below, above, f"{share} [{low:.1%}, {high:.1%}]", "met" if met else "**missed**",
        *wald,
    )  # fmt: skip


def write_readme(path: Path, text: str) -> None:
    """Put the table between the markers of README.md; without a file, begin one.

    A reading of the table, behind a marker of its own between the two, is kept.
    """
    content = path.read_text(encoding="utf-8") if path.exists() else README
    if content.count(START) != 1 or content.count(END) != 1 or content.index(START) > content.index(END):
        raise SystemExit(f"{path.name}: {START} and {END} must stand there once each, in this order")
    before, _, rest = content.partition(START)
    old, _, after = rest.partition(END)
    _, marker, kept = old.partition(READING)
    reading = f"\n\n{marker}{kept.rstrip()}\n" if marker else "\n"
    path.write_text(f"{before}{START}\n{text}{reading}{END}{after}", encoding="utf-8")

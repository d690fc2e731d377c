"""A night from Parquet to a published list, at three sizes: CPU, memory and disk of each step.

``python experiments/performance/night.py --folder DIR [--customers 100000 ...]`` trains the champions of
``night/configs`` once, makes each world once and writes a list for each size, in two steps, each a process of
its own: up to the score tables, and from there. What is there is not made again: after a stop, the same
command goes on. ``--report`` writes the tables and ``night.json`` from what was measured.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from measured import HERE, machine, machine_text, resources_of

PROJECT = HERE / "night"
SIZES = (100_000, 1_000_000, 10_000_000)
LARGEST = SIZES[-1]
MEMORY = "4GB"  # of DuckDB, so that the whole stays below 8
TARGET_GB, TARGET_MINUTES, TARGET_RATIO = 8.0, 40.0, 1.15
TOTALS = ("customers", "order lines", "parts", "CPU min", "CPU s a million", "wall min", "peak GB", "disk GB")
# which functions are the stages of a night, see stages.py
STAGES = {
    "crm_ml.datasets:load": "read tables",
    "crm_ml.parts.dealing:deal": "deal customers into parts",
    "crm_ml.score_tables.feature_table:features_of": "features",
    "crm_ml.score_tables.joined:_made": "scores of {2.name}",
    "crm_ml.score_tables.drift_gate:check_drift": "drift gate",
    "crm_ml.score.list_job:decide": "the rest of the decision",
    "crm_ml.decision.open_actions:weigh": "contact policy and weighing",
    "crm_ml.decision.allocator:allocate_list": "exploration and allocation",
    "crm_ml.lists.list_file:write_rows": "rows of the list, with reasons",
    "crm_ml.lists.list_file:write_files": "merged list and page",
}


def main() -> None:
    """Measure what is not measured yet and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps worlds, models and results")
    parser.add_argument("--customers", type=int, nargs="*", default=SIZES)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="measure sizes that are measured already")
    parser.add_argument("--report", action="store_true", help="write the table of all sizes measured so far")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not options.report:
        train(folder)
        for customers in options.customers:
            if options.again or not result_of(folder, customers).exists():
                measure(folder, customers, options.workers)
    report(folder, options.readme)


def train(folder: Path) -> None:
    """Train the champions, unless that was done."""
    done = folder / "trained"
    if not done.exists():
        _run(["-m", "crm_ml.train", "churn/night", "clv/night"], folder)
        done.touch()


def measure(folder: Path, customers: int, workers: int) -> None:
    """Make a world and its list, and note what the list cost."""
    world = f"load('simulated', customers={customers}).order_lines.shape[0]"
    printed, _ = _run(["-c", f"from crm_ml.datasets import load; print({world})"], folder)
    lines = int(printed.split()[-1])
    work = folder / f"work-{customers}"
    night = ["score/night", "--out", str(work / "lists")]
    for setting in (f"data.options.customers={customers}", f"workers={workers}", *_limits(customers)):
        night += ["--set", setting]
    steps = [_step(folder, customers, name, night) for name in ("night_scores", "crm_ml.score")]
    scores = folder / "data" / "scores"
    content: dict[str, Any] = {
        "customers": customers,
        "lines": lines,
        "workers": workers,
        "parts": max([1, *(int(path.name[3:]) for path in scores.glob("of-*"))]),
        "cpu_s": sum(step["cpu_s"] for step in steps),
        "wall_s": sum(step["wall_s"] for step in steps),
        "peak_gb": max(step["peak_gb"] for step in steps),
        "disk_gb": _bytes(scores) / 1e9,
        "list": _list_facts(work / "lists"),
        "stages": _added([stages for step in steps for stages in step["stages"].values()]),
        "machine": machine("duckdb", "lightgbm", "numpy"),
    }
    result_of(folder, customers).write_text(json.dumps(content, indent=1), encoding="utf-8")
    for step in folder.glob(f"step-{customers}-*.json"):
        step.unlink()
    shutil.rmtree(scores)
    shutil.rmtree(work)


def _limits(customers: int) -> tuple[str, ...]:
    """Return the caps and the budget of a size, the same for each customer as in ``night/configs``."""
    print_cents = f"budgets=[{{name: print, cents: {customers * 3 // 2}, channels: [mail]}}]"
    return f"daily_cap={customers // 10}", f"channel_caps.mail={customers // 50}", print_cents


def _step(folder: Path, customers: int, name: str, arguments: list[str]) -> dict[str, Any]:
    """Run a step of a night and note what it cost, or read what it did cost before a stop."""
    note = folder / f"step-{customers}-{name}.json"
    if not note.exists():
        printed, cost = _run([str(HERE / "stages.py"), "--stages", __file__, name, *arguments], folder)
        note.write_text(json.dumps(cost | json.loads(printed.splitlines()[-1])), encoding="utf-8")
    measured: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    measured["peak_gb"] = max(measured["peak_gb"].values())
    return measured


def _added(steps: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Add the seconds of stages that several steps have."""
    added: dict[str, dict[str, float]] = {}
    for stages in steps:
        for name, cost in stages.items():
            before = added.setdefault(name, {"cpu_s": 0.0, "wall_s": 0.0})
            added[name] = {key: before[key] + cost[key] for key in before}
    return added


def result_of(folder: Path, customers: int) -> Path:
    """Return the file of what was measured at a size."""
    return folder / f"night-{customers}.json"


def report(folder: Path, readme: Path) -> None:
    """Write the tables of all sizes that were measured."""
    from study import markdown, save, show, write_between

    runs = [
        json.loads(result_of(folder, size).read_text(encoding="utf-8"))
        for size in SIZES
        if result_of(folder, size).exists()
    ]
    totals = [_total(run) for run in runs]
    tables = [
        markdown(TOTALS, totals),
        markdown(*_steps(runs)),
        markdown(("target", "figure", "verdict"), _verdicts(runs)),
    ]
    write_between(readme, "night", "\n\n".join([*tables, f"{machine_text('duckdb', 'lightgbm', 'numpy')}."]))
    save(readme.parent / "night.json", {"runs": runs})
    show("a night from Parquet to a list", TOTALS, totals)


def _total(run: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{run['customers']:,}",
        f"{run['lines']:,}",
        f"{run['parts']}",
        f"{run['cpu_s'] / 60:.1f}",
        f"{_per_million(run['cpu_s'], run):.1f}",
        f"{run['wall_s'] / 60:.1f}",
        f"{run['peak_gb']:.2f}",
        f"{run['disk_gb']:.2f}",
    )


def _steps(runs: list[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the CPU seconds a million customers of each stage, the largest of the last run first."""
    costs = [{name: _per_million(cost["cpu_s"], run) for name, cost in run["stages"].items()} for run in runs]
    header = ("CPU s a million customers", *(f"{run['customers']:,}" for run in runs))
    names = sorted(costs[-1], key=costs[-1].__getitem__, reverse=True)
    return header, [(name, *(f"{each.get(name, 0):.1f}" for each in costs)) for name in names]


def _per_million(cpu_s: float, run: dict[str, Any]) -> float:
    return cpu_s / run["customers"] * 1e6


def _verdicts(runs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    by_size = {run["customers"]: run for run in runs}
    figures = []
    if LARGEST in by_size:
        run = by_size[LARGEST]
        figures += [
            (f"{LARGEST:,} customers in {TARGET_MINUTES:.0f} CPU minutes", run["cpu_s"] / 60, TARGET_MINUTES),
            (f"in {TARGET_GB:.0f} GB", run["peak_gb"], TARGET_GB),
        ]
        if SIZES[0] in by_size:
            ratio = _per_million(run["cpu_s"], run) / _per_million(
                by_size[SIZES[0]]["cpu_s"], by_size[SIZES[0]]
            )
            figures.append((f"CPU a customer, to that at {SIZES[0]:,}", ratio, TARGET_RATIO))
    return [
        (what, f"{figure:.2f}", "met" if figure <= most else "**missed**") for what, figure, most in figures
    ]


def _list_facts(lists: Path) -> dict[str, Any]:
    [manifest] = lists.glob("night/*/manifest.json")
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    allocation = facts["allocation"]
    return {
        "rows": facts["rows"],
        "gap": allocation["gap"],
        "sha256": facts["files"]["list.parquet"]["sha256"],
    }


def _run(arguments: list[str], folder: Path) -> tuple[str, dict[str, float]]:
    places = {"CRM_ML_DATA": str(folder / "data"), "CRM_ML_RUNS": str(folder / "runs")}
    places |= {"CRM_ML_MEMORY": MEMORY, "CRM_ML_CACHE": "off"}
    os.chdir(PROJECT)
    return resources_of(arguments, places)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()

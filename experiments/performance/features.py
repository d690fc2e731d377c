"""Features of many customers beside the same columns in SQL written by hand: CPU seconds and peak memory.

``python experiments/performance/features.py [--customers 1000000 --lines 20000000]`` generates the order
lines, runs each contender in a process of its own, checks that all values are equal and writes the results.
``--snapshots`` measures twenty weekly snapshots of Complete Journey one by one beside one pass, checks
that they are equal to the bit and writes ``snapshots.json``.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
from measured import HERE, machine, resources
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

DATA = HERE.parents[1] / "data" / "performance"
AS_OF = datetime(2017, 8, 30, tzinfo=UTC)
GROUPS = ("basket", "cadence", "habit", "lifecycle", "preference", "price", "rfm", "timing", "trend")
CONTENDERS = {"features.write": "run_features", "SQL by hand": "run_by_hand"}
THREADS, MEMORY = "2", "1GB"
SNAPSHOTS = 20
TARGETS = {"cpu_ratio": 1.0, "peak_gb": 1.5}


def main() -> None:
    """Generate, measure, compare and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--snapshots", action="store_true")
    parser.add_argument("--run", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.snapshots:
        _report_snapshots(_measure_snapshots())
        return
    folder = DATA / f"{options.customers}_{options.lines}"
    if options.run:
        globals()[CONTENDERS[options.run]](folder, _output(folder, options.run))
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        results = _measure(folder, options, progress)
    _report(results)


def _measure(folder: Path, options: argparse.Namespace, progress: Progress) -> dict:
    task = progress.add_task("generating order lines")
    _generate(folder, options.customers, options.lines)
    runs = {}
    for name in CONTENDERS:
        progress.update(task, description=f"running {name}")
        runs[name] = _run(name, options)
    progress.update(task, description="comparing the values")
    rows, columns = _check_equal(*(_output(folder, name) for name in CONTENDERS))
    return {
        "customers": options.customers,
        "lines": options.lines,
        "rows": rows,
        "columns": columns,
        "runs": runs,
        "cpu_ratio": runs["features.write"]["cpu_s"] / runs["SQL by hand"]["cpu_s"],
        "targets": TARGETS,
        "threads": int(THREADS),
        "memory_limit": MEMORY,
        "machine": machine("duckdb", "narwhals", "pyarrow"),
    }


def _output(folder: Path, contender: str) -> Path:
    return folder / f"{contender.replace(' ', '_')}.parquet"


def _generate(folder: Path, customers: int, lines: int) -> None:
    done = folder / "done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    query = (HERE / "generate.sql").read_text(encoding="utf-8")
    _connect().execute(query.format(folder=folder, customers=customers, lines=lines))
    done.touch()


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}; SET memory_limit = '{MEMORY}'; SET TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = '{DATA / 'spill'}'; SET preserve_insertion_order = true")
    return connection


def _run(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Run one contender in a process of its own and read its use from the operating system."""
    arguments = ["--customers", options.customers, "--lines", options.lines, "--run", name]
    return resources(__file__, arguments, {"CRM_ML_THREADS": THREADS, "CRM_ML_MEMORY": MEMORY})


def run_features(folder: Path, out: Path) -> None:
    """Write the features through crm_ml."""
    from crm_ml import features
    from crm_ml.snapshots import Snapshot
    from crm_ml.tables import Tables
    from crm_ml.tables.engine import connect

    connection = connect()
    names = ("customers", "order_lines", "items")
    tables = Tables(**{name: connection.read_parquet(str(folder / f"{name}.parquet")) for name in names})
    features.write(tables, Snapshot(AS_OF, timedelta(days=28)), out, GROUPS)


def run_by_hand(folder: Path, out: Path) -> None:
    """Write the features through the SQL of by_hand.sql."""
    query = (HERE / "by_hand.sql").read_text(encoding="utf-8")
    _connect().execute(query.format(folder=folder, out=out, as_of=int(AS_OF.timestamp())))


def _measure_snapshots() -> dict:
    """Compute weekly snapshots one by one and in one pass; the first matrix is not counted."""
    from crm_ml import datasets, features
    from crm_ml.snapshots import Snapshot

    os.environ["CRM_ML_CACHE"] = "off"
    tables = datasets.load("complete_journey")
    newest = Snapshot("2017-11-22", timedelta(days=28))
    features.matrix(tables, newest.shifted(-7))
    days = [newest.shifted(-7 * week) for week in range(SNAPSHOTS)]
    cases = {
        "one snapshot": lambda: list(features.matrices(tables, days[:1])),
        "one by one": lambda: [features.matrix(tables, day) for day in days],
        "one pass": lambda: list(features.matrices(tables, days)),
    }
    seconds, matrices = {}, {}
    for name, compute in cases.items():
        start = time.process_time()
        matrices[name] = compute()
        seconds[name] = round(time.process_time() - start, 2)
    if not all(map(pd.DataFrame.equals, matrices["one by one"], matrices["one pass"])):
        raise SystemExit("a matrix of the pass differs from the same computed alone")
    further = (seconds["one pass"] - seconds["one snapshot"]) / (SNAPSHOTS - 1)
    return {
        "snapshots": SNAPSHOTS,
        "cpu_s": seconds,
        "further_s": round(further, 3),
        "machine": machine("duckdb", "narwhals", "pyarrow"),
    }


def _report_snapshots(results: dict) -> None:
    from study import markdown, save, show, write_between

    save(HERE / "snapshots.json", results)
    header = (f"features of {results['snapshots']} snapshots", "CPU s")
    rows = [(name, f"{seconds:.1f}") for name, seconds in results["cpu_s"].items()]
    rows.append(("each further snapshot of the pass", f"{results['further_s']:.2f}"))
    write_between(HERE / "README.md", "snapshots", markdown(header, rows))
    show("Complete Journey", header, rows)


def _check_equal(ours: Path, theirs: Path) -> tuple[int, int]:
    """Refuse results that differ, in rows, columns or values (counts exactly, shares to 1e-12)."""
    connection = _connect()
    left, right = connection.read_parquet(str(ours)), connection.read_parquet(str(theirs))
    if set(left.columns) != set(right.columns):
        raise SystemExit(
            f"columns differ: {sorted(set(left.columns) ^ set(right.columns))}; mend by_hand.sql"
        )
    names = [name for name in left.columns if name != "customer_id"]
    differences = ", ".join(f"count(*) FILTER ({_differs(left, name)}) AS {name}" for name in names)
    query = f"SELECT count(*), {differences} FROM '{ours}' a FULL JOIN '{theirs}' b USING (customer_id)"
    rows, *counts = connection.execute(query).fetchall()[0]
    wrong = {name: count for name, count in zip(names, counts, strict=True) if count}
    if wrong:
        raise SystemExit(f"values differ, rows by column: {wrong}")
    return rows, len(names)


def _differs(frame: duckdb.DuckDBPyRelation, name: str) -> str:
    exact = f"a.{name} IS DISTINCT FROM b.{name}"
    if str(frame.types[frame.columns.index(name)]) != "DOUBLE":
        return exact
    far = f"abs(a.{name} - b.{name}) > 1e-12 * abs(b.{name})"
    return f"(a.{name} IS NULL) != (b.{name} IS NULL) OR {far}"


def _report(results: dict) -> None:
    from study import markdown, save, show, write_between

    save(HERE / "results.json", results)
    header = ("contender", "CPU s", "wall s", "peak memory GB")
    rows = [
        (name, f"{run['cpu_s']:.1f}", f"{run['wall_s']:.1f}", f"{run['peak_gb']:.2f}")
        for name, run in results["runs"].items()
    ]
    peaks = [run["peak_gb"] for run in results["runs"].values()]
    rows.append(("ratio", f"{results['cpu_ratio']:.2f}", "", f"{peaks[0] / peaks[1]:.2f}"))
    rows.append(("target", f"at most {TARGETS['cpu_ratio']:.1f} times", "", f"at most {TARGETS['peak_gb']}"))
    where = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    facts = (
        f"{results['lines']:,} lines, {results['rows']:,} customers with an order, "
        f"{results['columns']} columns; {results['threads']} threads, "
        f"DuckDB limited to {results['memory_limit']}; {where}."
    )
    write_between(HERE / "README.md", "results", f"{markdown(header, rows)}\n\n{facts}")
    show(f"{results['lines']:,} lines, {results['rows']:,} customers", header, rows)


if __name__ == "__main__":
    main()

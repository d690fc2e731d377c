"""The simulator beside rows without a meaning: seconds and peak memory of a million customers.

``python experiments/performance/simulator.py [--customers 1000000]`` makes a world, makes as many order lines
of hashes by `generate.sql`, each in a process of its own, and writes the results.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from measured import HERE, machine_text, resources

TARGET_S, TARGET_GB = 120.0, 2.0
THREADS = "2"
SIMULATOR, HASHES = "datasets.load('simulated')", "lines of hashes in SQL"
HEADER = ("contender", "CPU s", "wall s", "peak memory GB")


def main() -> None:
    """Measure both and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, folder = options.run
        {"simulator": simulate, "hashes": hashes}[name](Path(folder), options.customers)
        return
    with tempfile.TemporaryDirectory() as folder:
        runs, lines = {}, Path(folder) / "lines"
        for name, run in ((SIMULATOR, "simulator"), (HASHES, "hashes")):
            arguments = ["--customers", options.customers, "--run", run, folder]
            runs[name] = resources(__file__, arguments, {"CRM_ML_THREADS": THREADS})
        count = int(lines.read_text(encoding="utf-8"))
    _report(options.readme, options.customers, count, runs)


def simulate(folder: Path, customers: int) -> None:
    """Make a world and note how many order lines it has."""
    from crm_ml.datasets import simulated

    tables = simulated.load(folder / "worlds", customers=customers)
    (folder / "lines").write_text(str(tables.order_lines.shape[0]), encoding="utf-8")


def hashes(folder: Path, customers: int) -> None:
    """Make as many order lines whose values are hashes of their number, in the order of time."""
    import duckdb

    lines = int((folder / "lines").read_text(encoding="utf-8"))
    (folder / "hashes").mkdir()
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}; SET memory_limit = '1GB'; SET TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    query = (HERE / "generate.sql").read_text(encoding="utf-8")
    connection.execute(query.format(folder=folder / "hashes", customers=customers, lines=lines))
    shutil.rmtree(folder / "hashes")


def _report(readme: Path, customers: int, lines: int, runs: dict[str, dict[str, float]]) -> None:
    from study import markdown, save, show, write_between

    ours, theirs = runs[SIMULATOR], runs[HASHES]
    rows = [
        (name, f"{run['cpu_s']:.1f}", f"{run['wall_s']:.1f}", f"{run['peak_gb']:.2f}")
        for name, run in runs.items()
    ]
    ratio = {key: ours[key] / theirs[key] for key in ours}
    rows.append(("ratio", *(f"{ratio[key]:.2f}" for key in ("cpu_s", "wall_s", "peak_gb"))))
    rows.append(("target", "", f"at most {TARGET_S:.0f}", f"at most {TARGET_GB:.0f}"))
    facts = (
        f"{customers:,} customers, {lines:,} order lines, besides all other tables and the truth; "
        f"{machine_text('numpy', 'pyarrow', 'duckdb')}."
    )
    content = {"customers": customers, "lines": lines, "runs": runs, "ratio": ratio}
    save(readme.parent / "simulator.json", content)
    write_between(readme, "simulator", f"{markdown(HEADER, rows)}\n\n{facts}")
    show(f"{customers:,} simulated customers", HEADER, rows)


if __name__ == "__main__":
    main()

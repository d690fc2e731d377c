"""The driver of a list on Spark at three sizes: peak memory of its Python and JVM, which are to be flat.

``python experiments/performance/spark.py --folder DIR [--customers 20000 ...]`` starts a standalone master
and two workers of one core on loopback, makes the night of ``night/configs`` on them with a driver of
``-Xmx1g`` and, by DuckDB in one process, the same night, whose list must have the same bytes. Champions and
worlds are made once in the folder. ``--report`` writes the table and ``spark.json`` from what was measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measured import HERE, machine, machine_text, resources_of

PROJECT = HERE / "night"
sys.path.append(str(HERE.parents[1] / "tests" / "helpers"))
SIZES = (20_000, 100_000, 500_000)
PARTS = 16
OPTIONS = ("--set", "data.engine_options={spark.executor.memory: 512m}")
HEADER = (
    "customers",
    "driver Python GB",
    "driver JVM GB",
    "worker Python GB",
    "wall s",
    "same bytes as DuckDB",
)
_EVERY_S = 0.1


def main() -> None:
    """Measure what is not measured yet and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps worlds, models and results")
    parser.add_argument("--customers", type=int, nargs="*", default=SIZES)
    parser.add_argument("--report", action="store_true", help="write the table of all sizes measured so far")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not options.report:
        from night import train

        train(folder)
        for customers in options.customers:
            if not _result(folder, customers).exists():
                measure(folder, customers)
    report(folder)


def measure(folder: Path, customers: int) -> None:
    """Make the world of a size, and its list by both engines."""
    from spark_cluster import Cluster, free_port

    places = {"CRM_ML_DATA": str(folder / "data"), "CRM_ML_RUNS": str(folder / "runs")}
    os.chdir(PROJECT)
    resources_of(
        ["-c", f"from crm_ml.datasets import load; load('simulated', customers={customers})"], places
    )
    by_duckdb = _run(folder, customers, places, [])
    cluster = Cluster(_emptied(folder / "cluster"), free_port(), free_port())
    try:
        cluster.start()
        by_spark = _run(folder, customers, places, ["--engine", cluster.master, *OPTIONS])
    finally:
        cluster.stop()
    content = {
        "customers": customers,
        "parts": PARTS,
        "duckdb": by_duckdb,
        "spark": by_spark,
        "same_bytes": by_duckdb["sha256"] == by_spark["sha256"],
        "machine": machine("pyspark", "duckdb", "lightgbm", "numpy"),
    }
    _result(folder, customers).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _run(folder: Path, customers: int, places: dict[str, str], engine: Sequence[str]) -> dict[str, Any]:
    """Make a list by the command, and follow its processes until it ends."""
    work = _emptied(folder / "work")
    shutil.rmtree(folder / "data" / "scores", ignore_errors=True)
    command = [sys.executable, "-m", "crm_ml.score", "score/night", "--out", str(work / "lists"), *engine]
    # a world of another size is no world of the training, and here it is the driver that is looked at
    for setting in (f"data.options.customers={customers}", f"parts={PARTS}", "drift.columns_to_stop=1000"):
        command += ["--set", setting]
    started = time.perf_counter()
    with (folder / "score.log").open("w") as log:
        process = subprocess.Popen(command, env=os.environ | places, stdout=log, stderr=log)
        peaks: dict[str, int] = {}
        while process.poll() is None:
            for role, size in _sizes(process.pid):
                peaks[role] = max(size, peaks.get(role, 0))
            time.sleep(_EVERY_S)
    if process.returncode:
        raise SystemExit((folder / "score.log").read_text(encoding="utf-8")[-3000:])
    [manifest] = (work / "lists").glob("night/*/manifest.json")
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    return {
        "peak_gb": {role: size / 1e9 for role, size in peaks.items()},
        "wall_s": time.perf_counter() - started,
        "rows": facts["rows"],
        "sha256": facts["files"]["list.parquet"]["sha256"],
    }


def _sizes(driver: int) -> list[tuple[str, int]]:
    """Return the peak memory so far, in bytes, of the driver, its JVM and the Python workers of Spark."""
    sizes = [("python", _peak(driver))]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == driver and b"SparkSubmit" in command:
            sizes.append(("jvm", _peak(int(folder.name))))
        elif b"pyspark.daemon" in command:
            sizes.append(("worker", _peak(int(folder.name))))
    return sizes


def _peak(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def report(folder: Path) -> None:
    """Write the table of all sizes that were measured."""
    from study import markdown, save, show, write_between

    results = [
        json.loads(_result(folder, size).read_text()) for size in SIZES if _result(folder, size).exists()
    ]
    rows = [_row(result) for result in results]
    words = machine_text("pyspark", "duckdb", "lightgbm", "numpy")
    write_between(HERE / "README.md", "spark", f"{markdown(HEADER, rows)}\n\n{PARTS} parts; {words}.")
    save(HERE / "spark.json", {"runs": results})
    show("the driver of a list on Spark", HEADER, rows)


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    peaks = result["spark"]["peak_gb"]
    return (
        f"{result['customers']:,}",
        *(f"{peaks.get(role, 0):.2f}" for role in ("python", "jvm", "worker")),
        f"{result['spark']['wall_s']:.0f}",
        "yes" if result["same_bytes"] else "**no**",
    )


def _result(folder: Path, customers: int) -> Path:
    return folder / f"spark-{customers}.json"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    main()

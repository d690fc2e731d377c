"""Allocation: gaps at three sizes, seconds and memory, beside HiGHS and simpler ways.

``python experiments/performance/allocation.py [--seeds 10]`` solves all variants at 10,000, 100,000 and a
million customers, ten million from disk in a process of its own, and writes the tables and allocation.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from allocation_cases import VARIANTS, case, limits
from measured import HERE, machine_text, resources

ACTIONS = 20
SIZES = {10_000: 1e-4, 100_000: 5e-5, 1_000_000: 1e-6}  # customers and the largest gap
DISK = 10_000_000
HEADER = ("customers", "variant", "largest gap", "target", "verdict", "CPU s, mean")
BESIDE = ("way, at 100,000 customers", "share of the bound")
TARGETS = ("target", "figure", "verdict")


def main() -> None:
    """Measure all and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--largest", type=int, default=1_000_000, help="customers of the largest size")
    parser.add_argument("--disk", type=int, default=DISK, help="customers on disk")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, folder = options.run
        {"write": write, "solve": solve, "memory": memory}[name](Path(folder), options.disk)
        return
    sizes = [size for size in SIZES if size <= options.largest]
    gaps = {size: gaps_of(size, options.seeds) for size in sizes}
    highs = beside_highs(sizes[0])
    ways = beside_simpler(min(sizes[-1], 100_000))
    with tempfile.TemporaryDirectory() as folder:
        run = ["--disk", options.disk, "--run"]
        resources(__file__, [*run, "write", folder], {})
        disk = resources(__file__, [*run, "solve", folder], {})
        disk |= json.loads((Path(folder) / "found.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        above = resources(__file__, ["--disk", sizes[-1], "--run", "memory", folder], {})
        above |= json.loads((Path(folder) / "found.json").read_text(encoding="utf-8"))
    _report(options, gaps, {"highs": highs, "ways": ways, "disk": disk, "memory": above})


def gaps_of(size: int, seeds: int) -> dict[str, dict[str, float]]:
    """Return the largest gap and the mean of CPU seconds of each variant."""
    from crm_ml.allocation.allocate import allocate

    allocate(np.ones((10, 2)), action_caps=[1, 1])  # compiled before the clock runs
    solved = {}
    for variant in VARIANTS:
        gaps, seconds = [], []
        for seed in range(seeds):
            values, limited = case(size, seed, variant)
            started = time.process_time()
            gaps.append(allocate(values, **limited).gap)
            seconds.append(time.process_time() - started)
        solved[variant] = {"gap": max(gaps), "cpu_s": float(np.mean(seconds))}
        print(f"{size:,} {variant}: gap {max(gaps):.1e}, {np.mean(seconds):.2f} s", file=sys.stderr)
    return solved


def beside_highs(size: int) -> dict[str, float]:
    """Return seconds beside HiGHS' interior point on the linear relaxation, and how far ours is below it."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    from crm_ml.allocation.allocate import allocate

    values, limited = case(size, 0, "plain")
    started = time.process_time()
    ours = allocate(values, **limited)
    cpu = time.process_time() - started
    pairs = np.arange(values.size)
    customers = csr_array((np.ones(values.size), (pairs // ACTIONS, pairs)), shape=(size, values.size))
    channel = np.array([int(name[2:]) for name in limited["channels"]])
    use = [np.eye(ACTIONS), np.eye(4)[:, channel], np.asarray(limited["costs"])[None, :]]
    caps = [*limited["action_caps"], *limited["channel_caps"].values(), limited["budgets"]]
    shared = csr_array(np.tile(np.vstack(use), size))
    started = time.process_time()
    solved = linprog(
        -values.ravel(), vstack([customers, shared]), np.append(np.ones(size), caps), method="highs-ipm"
    )
    return {
        "ours_s": cpu,
        "highs_s": time.process_time() - started,
        "below": 1 - ours.value / -solved.fun,
    }


def beside_simpler(size: int) -> dict[str, float]:
    """Return the share of our upper bound that simpler ways reach within the same limits."""
    from crm_ml.allocation.allocate import allocate
    from crm_ml.allocation.greedy_baselines import simple_ways

    values, limited = case(size, 0, "plain")
    ours = allocate(values, **limited)
    cost = np.asarray(limited["costs"])
    of_channel = [
        np.array([each == name for each in limited["channels"]], float) for name in limited["channel_caps"]
    ]
    usage = np.vstack([np.eye(ACTIONS), *of_channel, cost])
    caps = np.array([*limited["action_caps"], *limited["channel_caps"].values(), limited["budgets"]])
    ways = simple_ways(values, usage, caps, cost)
    shares = {name: earned / ours.upper_bound for name, earned in ways.items()}
    return shares | {"crm_ml": ours.value / ours.upper_bound}


def write(folder: Path, size: int) -> None:
    """Write values to disk, piece by piece."""
    disk = np.lib.format.open_memmap(
        folder / "values.npy", mode="w+", dtype=np.float32, shape=(size, ACTIONS)
    )
    rng = np.random.default_rng(0)
    level = rng.lognormal(0.0, 0.5, ACTIONS)
    for start in range(0, size, 100_000):
        rows = min(100_000, size - start)
        disk[start : start + rows] = rng.lognormal(0.0, 1.0, (rows, ACTIONS)) * level - 0.3


def solve(folder: Path, size: int) -> None:
    """Allocate from disk and note the gap."""
    from crm_ml.allocation.allocate import allocate

    solved = allocate(np.load(folder / "values.npy", mmap_mode="r"), **limits(size))
    (folder / "found.json").write_text(json.dumps({"gap": solved.gap}), encoding="utf-8")


def memory(folder: Path, size: int) -> None:
    """Note what the process has taken before the allocation, values included."""
    import resource

    from crm_ml.allocation.allocate import allocate

    values, limited = case(size, 0, "plain")
    allocate(values[:1_000], action_caps=[1] * ACTIONS)
    before = (
        int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        / 1e9
    )
    allocate(values, **limited)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    (folder / "found.json").write_text(json.dumps({"above_gb": peak - before}), encoding="utf-8")


def _report(options: Any, gaps: dict[int, dict[str, dict[str, float]]], other: dict[str, Any]) -> None:
    from study import markdown, save, show, verdict, write_between

    rows = [
        (
            f"{size:,}", variant, f"{solved['gap']:.1e}", f"{SIZES[size]:.0e}",
            verdict(solved["gap"] <= SIZES[size]), f"{solved['cpu_s']:.2f}",
        )
        for size, variants in gaps.items()
        for variant, solved in variants.items()
    ]  # fmt: skip
    largest = f"{max(gaps):,}"
    slowest = max(solved["cpu_s"] for solved in gaps[max(gaps)].values())
    disk, highs, above = other["disk"], other["highs"], other["memory"]["above_gb"]
    figures = [
        (f"within 5e-5 of HiGHS at {min(gaps):,}", f"{highs['below']:.1e}", highs["below"] <= 5e-5),
        (f"{largest} in 3 CPU s", f"{slowest:.2f}", slowest <= 3),
        (f"{largest} in .5 GB above the matrix", f"{above:.2f}", above <= 0.5),
        (f"{options.disk:,} from disk in 20 CPU s", f"{disk['cpu_s']:.1f}", disk["cpu_s"] <= 20),
        (f"{options.disk:,} from disk in 1.5 GB", f"{disk['peak_gb']:.2f}", disk["peak_gb"] <= 1.5),
    ]
    verdicts = [(what, figure, verdict(met)) for what, figure, met in figures]
    shares = [(name, f"{share:.7f}") for name, share in sorted(other["ways"].items(), key=lambda way: way[1])]
    facts = (
        f"{ACTIONS} actions, {options.seeds} seeds; HiGHS's interior point took {highs['highs_s']:.1f} CPU "
        f"seconds at {min(gaps):,} customers, ours {highs['ours_s']:.1f}; the gap from disk was "
        f"{disk['gap']:.1e}. Machine: {machine_text('numpy', 'numba', 'scipy')}."
    )
    content = {"gaps": {str(size): variants for size, variants in gaps.items()}} | other
    save(options.readme.parent / "allocation.json", content)
    tables = {"gaps": (HEADER, rows), "targets": (TARGETS, verdicts), "ways": (BESIDE, shares)}
    texts = [markdown(*tables[name]) for name in tables]
    write_between(options.readme, "allocation", "\n\n".join([*texts, facts]))
    for title, table in tables.items():
        show(title, *table)


if __name__ == "__main__":
    main()

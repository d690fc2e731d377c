"""Allocation: gaps at three sizes, seconds and memory, beside HiGHS and simpler ways.

``python experiments/performance/allocation.py [--seeds 10]`` solves all variants at 10,000, 100,000 and a
million customers, a million and ten million in 64 parts on disk in processes of their own, and writes the
tables and allocation.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from allocation_cases import VARIANTS, case, limits
from measured import HERE, machine_text, resources

ACTIONS = 20
SIZES = {10_000: 1e-4, 100_000: 5e-5, 1_000_000: 1e-6}  # customers and the largest gap
DISK = (1_000_000, 10_000_000)  # customers in parts
PARTS, MOST_GAP = 64, 1e-7
HEADER = ("customers", "variant", "largest gap", "target", "verdict", "CPU s, mean")
PARTED = (
    "customers in 64 parts on disk",
    "variant",
    "gap",
    "CPU s",
    "peak GB",
    "actions of one part in memory",
)
BESIDE = ("way, at 100,000 customers", "share of the bound")
TARGETS = ("target", "figure", "verdict")


def main() -> None:
    """Measure all and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--largest", type=int, default=1_000_000, help="customers of the largest size")
    parser.add_argument("--disk", type=int, nargs="+", default=DISK, help="customers in parts on disk")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, folder, size, variant = options.run
        {"write": write, "solve": solve, "whole": whole, "memory": memory}[name](
            Path(folder), int(size), variant
        )
        return
    sizes = [size for size in SIZES if size <= options.largest]
    # first what counts memory: a new process begins with the peak of the one that starts it
    disk = [parted(size, variant) for size in options.disk for variant in ("plain", "ties")]
    with tempfile.TemporaryDirectory() as folder:
        above = _step("memory", folder, sizes[-1], "plain")
    gaps = {size: gaps_of(size, options.seeds) for size in sizes}
    highs = beside_highs(sizes[0])
    ways = beside_simpler(min(sizes[-1], 100_000))
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


def parted(size: int, variant: str) -> dict[str, Any]:
    """Return what an allocation of parts on disk took, and whether it is that of one part in memory."""
    with tempfile.TemporaryDirectory() as folder:
        _step("write", folder, size, variant)
        found = _step("solve", folder, size, variant)
        same = None
        if size <= max(SIZES):  # what fits into memory in double precision
            same = _step("whole", folder, size, variant)["sha256"] == found["sha256"]
        print(f"{size:,} {variant} in parts: {found}", file=sys.stderr)
        return {"customers": size, "variant": variant, "same": same} | found


def _step(name: str, folder: str, size: int, variant: str) -> dict[str, Any]:
    """Run a step in a process of its own; return what it took and found."""
    used: dict[str, Any] = resources(__file__, ["--run", name, folder, size, variant], {})
    found = Path(folder) / "found.json"
    return used | (json.loads(found.read_text(encoding="utf-8")) if found.exists() else {})


def write(folder: Path, size: int, variant: str) -> None:
    """Write values and draws to disk in parts, piece by piece, each customer into the part of its draw."""
    from crm_ml.allocation.value_parts import draws_of_rows

    draws = draws_of_rows(size)
    part_of = (draws % np.uint64(PARTS)).astype(np.int64)
    place, filled = np.empty(size, np.int64), np.zeros(PARTS, np.int64)
    for number in range(PARTS):
        mine = np.flatnonzero(part_of == number)
        place[mine] = np.arange(len(mine))
        (folder / f"part-{number}").mkdir()
        np.save(folder / f"part-{number}" / "draws.npy", draws[mine])
        shape = (len(mine), ACTIONS)
        np.lib.format.open_memmap(
            folder / f"part-{number}" / "values.npy", mode="w+", dtype=np.float32, shape=shape
        )
    for rows, values in _pieces(size, variant):
        for number in range(PARTS):
            chosen = part_of[rows] == number
            disk = np.load(folder / f"part-{number}" / "values.npy", mmap_mode="r+")
            disk[filled[number] : filled[number] + chosen.sum()] = values[chosen]
            filled[number] += chosen.sum()


def _pieces(size: int, variant: str) -> "Iterator[tuple[slice, Any]]":
    """Yield values in single precision, a hundred thousand customers at a time."""
    rng = np.random.default_rng(0)
    level = rng.lognormal(0.0, 0.5, ACTIONS)
    for start in range(0, size, 100_000):
        rows = slice(start, min(size, start + 100_000))
        values = rng.lognormal(0.0, 1.0, (rows.stop - start, ACTIONS)) * level - 0.3
        yield rows, (np.round(values, 1) if variant == "ties" else values).astype(np.float32)


def _shared(size: int) -> dict[str, Any]:
    """Return the limits of a case as those of parts."""
    from crm_ml.allocation.allocate import ActionGroup

    limited = limits(size)
    groups = [ActionGroup(f"action {j}", (j,), cap) for j, cap in enumerate(limited["action_caps"])]
    for name, cap in limited["channel_caps"].items():
        own = tuple(j for j, channel in enumerate(limited["channels"]) if channel == name)
        groups.append(ActionGroup(name, own, cap))
    return {
        "actions": ACTIONS, "costs": [limited["costs"]], "budgets": [limited["budgets"]], "groups": groups,
    }  # fmt: skip


def solve(folder: Path, size: int, variant: str) -> None:  # noqa: ARG001
    """Allocate from the parts on disk and note gap and actions, in the order of the customers."""
    from crm_ml.allocation.allocate import ALLOCATED, allocate_parts
    from crm_ml.allocation.value_parts import FileParts, draws_of_rows

    parts = FileParts(tuple(folder / f"part-{number}" for number in range(PARTS)))
    solved = allocate_parts(parts, **_shared(size))
    actions = np.empty(size, np.int16)
    part_of = draws_of_rows(size) % np.uint64(PARTS)
    for number in range(PARTS):
        actions[part_of == number] = parts.part(number).kept[ALLOCATED][:, 0]
    _note(folder, solved, actions)


def whole(folder: Path, size: int, variant: str) -> None:
    """Allocate the same values as one part in memory."""
    from crm_ml.allocation.allocate import ALLOCATED, allocate_parts
    from crm_ml.allocation.value_parts import MemoryParts, ValuePart, draws_of_rows

    values = np.concatenate([piece for _, piece in _pieces(size, variant)])
    part = ValuePart(0, values, draws_of_rows(size))
    solved = allocate_parts(MemoryParts([part]), **_shared(size))
    _note(folder, solved, part.kept[ALLOCATED][:, 0])


def _note(folder: Path, solved: Any, actions: Any) -> None:
    facts = (solved.value, solved.upper_bound, solved.prices, solved.used)
    content = np.ascontiguousarray(actions, dtype=np.int16).tobytes() + repr(facts).encode()
    found = {"gap": 1 - solved.value / solved.upper_bound, "sha256": sha256(content).hexdigest()}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def memory(folder: Path, size: int, variant: str) -> None:
    """Note what the process has taken before the allocation, values included."""
    import resource

    from crm_ml.allocation.allocate import allocate

    values, limited = case(size, 0, variant)
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
    ]
    for what, name, most, digits in (
        ("a gap of 1e-7", "gap", MOST_GAP, ".1e"),
        ("20 CPU s", "cpu_s", 20, ".1f"),
        ("1.5 GB", "peak_gb", 1.5, ".2f"),
    ):
        worst = max(each[name] for each in disk)
        figures.append(
            (f"{max(options.disk):,} in {PARTS} parts on disk in {what}", f"{worst:{digits}}", worst <= most)
        )
    same = [each["same"] for each in disk if each["same"] is not None]
    figures.append(("parts change no action, price or bound", f"{sum(same)} of {len(same)}", all(same)))
    verdicts = [(what, figure, verdict(met)) for what, figure, met in figures]
    shares = [(name, f"{share:.7f}") for name, share in sorted(other["ways"].items(), key=lambda way: way[1])]
    facts = (
        f"{ACTIONS} actions, {options.seeds} seeds; HiGHS's interior point took {highs['highs_s']:.1f} CPU "
        f"seconds at {min(gaps):,} customers, ours {highs['ours_s']:.1f}. "
        f"Machine: {machine_text('numpy', 'numba', 'scipy')}."
    )
    content = {"gaps": {str(size): variants for size, variants in gaps.items()}} | other
    save(options.readme.parent / "allocation.json", content)
    of_parts = [
        (
            f"{each['customers']:,}", each["variant"], f"{each['gap']:.1e}", f"{each['cpu_s']:.1f}",
            f"{each['peak_gb']:.2f}", {None: "", True: "the same", False: "**others**"}[each["same"]],
        )
        for each in disk
    ]  # fmt: skip
    tables = {
        "gaps": (HEADER, rows),
        "parts": (PARTED, of_parts),
        "targets": (TARGETS, verdicts),
        "ways": (BESIDE, shares),
    }
    texts = [markdown(*tables[name]) for name in tables]
    write_between(options.readme, "allocation", "\n\n".join([*texts, facts]))
    for title, table in tables.items():
        show(title, *table)


if __name__ == "__main__":
    main()

"""How much of what is wrong in an export cleaning finds, repairs or sets aside.

``python experiments/010_cleaning/results.py`` plants every fault into exports of the simulated shop, cleans
them, and writes results.json and the tables of README.md; it takes some three minutes of one core.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from clean_shop import truths
from faults import FAULTS, Fault
from file_faults import FILES, run_file
from planting import CleanExports, every_run, names_of
from shop_exports import DIALECTS
from study import Table, parser, run, save, saved, shown_progress, write_tables

if TYPE_CHECKING:
    from rich.progress import Progress

CUSTOMERS, SMALL, SEED = 2000, 150, 18
TARGET = 0.9997
KNOWABLE, ALL = ("repair", "aside"), ("repair", "aside", "unknowable")
STEPS = {"duplicate": "keys", "conflicting_key": "keys", "equal_refund": "keys", "unlinked_refund": "refunds",
         "positive_refund": "refunds"}  # fmt: skip
Outcomes = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables; return the exit code."""
    command = parser(__file__, "Plant faults into exports and clean them.", "results.json", PARTS)
    return run(_run_all, command.parse_args(argv))


def _run_all(arguments: argparse.Namespace) -> None:
    path = arguments.folder / "results.json"
    results = saved(path, {}) | {"customers": CUSTOMERS, "seed": SEED}
    exports = CleanExports(truths(CUSTOMERS, SEED), SEED)
    with shown_progress() as progress:
        for part in arguments.only or PARTS:
            results[part] = PARTS[part](exports, progress)
            save(path, results)
    write(results, arguments.folder)


def _alone(exports: CleanExports, progress: "Progress") -> dict[str, Any]:
    """Return by fault and dialect what became of a fault alone."""
    kinds: dict[str, dict[str, Any]] = {}
    for dialect, name in progress.track(every_run(), description="faults alone"):
        kinds.setdefault(name, {})[dialect.name] = exports.run(dialect, [name]).plain()
    return kinds


def _at_once(exports: CleanExports, progress: "Progress") -> dict[str, Any]:
    """Return by dialect what became of all faults together, those that can be known and all."""
    return {
        name: {label: exports.run(DIALECTS[name], names_of(name, classes)).plain()
               for label, classes in (("knowable", KNOWABLE), ("all", ALL))}
        for name in progress.track(list(DIALECTS), description="faults together")
    }  # fmt: skip


def _of_files(exports: CleanExports, progress: "Progress") -> dict[str, Any]:
    """Return what happened to a small shop with each fault of a file."""
    del exports
    few = CleanExports(truths(SMALL, SEED), SEED)
    return {name: run_file(few, FILES[name]) for name in progress.track(list(FILES), description="files")}


PARTS: Mapping[str, Callable[[CleanExports, "Progress"], dict[str, Any]]] = {
    "kinds": _alone, "together": _at_once, "files": _of_files,
}  # fmt: skip


def write(results: Mapping[str, Any], folder: Path) -> None:
    """Write all tables into the README and the terminal."""
    tables: dict[str, Table] = {
        "together": _together(results["together"]),
        "steps": _steps(results["together"]),
        "kinds": _kinds(results["kinds"], KNOWABLE),
        "unknowable": _kinds(results["kinds"], ("unknowable",)),
        "refused": _refused(results["kinds"]),
        "files": _files(results["files"]),
    }
    write_tables(folder, tables)


def share(cells: Mapping[str, int], counts: Sequence[str] = ("right", "aside")) -> float:
    """Return the share of cells that are right at the end, of counts as `Cells` has them."""
    return sum(cells[name] for name in counts) / max(sum(cells.values()), 1)


def _percent(value: float) -> str:
    return f"{value:.3%}"


def _together(results: Mapping[str, Any]) -> Table:
    header = ("export", "kinds", "rows planted", "repaired", "set aside", "for another reason", "wrong",
              "others set aside", "others wrong", "cells right", "strictly")  # fmt: skip
    rows = []
    for name, runs in results.items():
        run = runs["knowable"]
        sums = _summed(run["outcomes"].values())
        others = sum(run["unplanted_aside"].values())
        rows.append([
            f"{name} ({DIALECTS[name].form})", str(len(run["outcomes"])), f"{sums['planted']:,}",
            f"{sums['repaired']:,}", f"{sums['aside']:,}", str(sums["other_reason"]),
            str(sums["silently_wrong"] + sums["told_wrong"]), f"{others:,}", str(run["unplanted_wrong"]),
            _percent(share(run["cells"])), _percent(share(run["cells"], ("right",))),
        ])  # fmt: skip
    return header, rows


def _summed(outcomes: Any) -> dict[str, int]:
    names = ("planted", "repaired", "aside", "other_reason", "told_wrong", "silently_wrong")
    listed = list(outcomes)
    return {name: sum(outcome[name] for outcome in listed) for name in names}


def _steps(results: Mapping[str, Any]) -> Table:
    """Return what each step of the cleaning did to the planted rows of all exports together."""
    counts = dict.fromkeys(("single rows", "references", "keys", "refunds"), 0)
    repaired = {"read right, nothing told": 0, "read right and told as a repair": 0}
    wrong = 0
    for runs in results.values():
        for outcome in runs["knowable"]["outcomes"].values():
            for reason, rows in outcome["by_reason"].items():
                counts[step_of(reason)] += rows
            repaired[list(repaired)[outcome["told"]]] += outcome["repaired"]
            wrong += outcome["told_wrong"] + outcome["silently_wrong"]
    rows = [[f"set aside by {step}", f"{n:,}"] for step, n in counts.items()]
    rows += [[step, f"{n:,}"] for step, n in repaired.items()]
    return ("step", "planted rows"), [*rows, ["accepted and wrong", f"{wrong:,}"]]


def step_of(reason: str) -> str:
    """Return the step of the cleaning that sets rows aside for a reason."""
    return "references" if reason.startswith("unknown_") else STEPS.get(reason, "single rows")


def _of_class(kinds: Mapping[str, Any], classes: Sequence[str]) -> Iterator[tuple[Fault, Mapping[str, Any]]]:
    yield from ((FAULTS[name], runs) for name, runs in kinds.items() if FAULTS[name].expected in classes)


def _kinds(kinds: Mapping[str, Any], classes: Sequence[str]) -> Table:
    header = ("of", "fault", "in", "planted", "found", "repaired", "set aside", "for another reason",
              "wrong, told", "silently wrong", "cells right", "strictly")  # fmt: skip
    rows = []
    for fault, runs in _of_class(kinds, classes):
        outcomes = [run["outcomes"][fault.name] for run in runs.values()]
        sums = _summed(outcomes)
        rows.append([
            fault.group, fault.name, ", ".join(runs), str(sums["planted"]),
            str(sum(map(told_rows, outcomes))), str(sums["repaired"]), str(sums["aside"]),
            str(sums["other_reason"]), str(sums["told_wrong"]), str(sums["silently_wrong"]),
            _percent(min(share(run["cells"]) for run in runs.values())),
            _percent(min(share(run["cells"], ("right",)) for run in runs.values())),
        ])  # fmt: skip
    return header, rows


def told_rows(outcome: Outcomes) -> int:
    """Return the planted rows that the report tells of: set aside, repaired and counted, or warned about."""
    repaired: int = outcome["repaired"] if outcome["told"] else 0
    set_aside: int = outcome["aside"] + outcome["other_reason"]
    told: int = outcome["told_wrong"]
    return set_aside + told + repaired


def _refused(kinds: Mapping[str, Any]) -> Table:
    rows = [[fault.name, dialect, run["refused"] or "**accepted**"]
            for fault, runs in _of_class(kinds, ("refuse",)) for dialect, run in runs.items()]  # fmt: skip
    return ("fault in 1 % of the rows", "in", "refusal"), rows


def _files(files: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            FILES[name].dialect,
            FILES[name].expected,
            met["outcome"],
            met["text"][:160].replace("|", "\\|"),
        ]
        for name, met in files.items()
    ]
    return ("fault of a file", "in", "expected", "what happened", "what was said"), rows


if __name__ == "__main__":
    sys.exit(main())

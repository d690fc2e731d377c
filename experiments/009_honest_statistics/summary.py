"""All figures of this experiment in one table, beside those of the code before.

``python experiments/009_honest_statistics/summary.py`` reads the JSON files that the other scripts write,
and writes the first table of README.md. Figures of 0.8 are in those files, or were measured once.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for what all experiments share

from study import parser, run, saved, verdict, write_tables

HEADER = ("question", "0.8", "now", "target", "")
TARGET_RATIO = 0.936  # Platzer and Reutterer (2016), grocery panel
Row = tuple[str, str, str, str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Read, judge and write down; return the exit code."""
    return run(_write, parser(__file__, __doc__.splitlines()[0], "README.md").parse_args(argv))


def _write(arguments: argparse.Namespace) -> None:
    folder = arguments.folder
    names = ("broken_experiments", "rare_answers", "few_positives", "calibration_gate", "lifetime_value")
    content = {name: saved(folder / f"{name}.json", None) for name in (*names, "leaks", "defaults")}
    rows = [
        *broken_experiments(content["broken_experiments"]),
        *rare_answers(content["rare_answers"]),
        *few_positives(content["few_positives"]),
        *calibration_gate(content["calibration_gate"]),
        *lifetime_value(content["lifetime_value"]),
        *defaults(content["defaults"]),
        *leaks(content["leaks"]),
    ]
    write_tables(folder, {"summary": (HEADER, rows)})


def broken_experiments(content: dict[str, Any]) -> Iterable[Row]:
    """Fair draws refused, and broken ones caught."""
    fair, broken = content["fair"].values(), content["broken"].values()
    most = max(kind["refused"] / kind["draws"] for kind in fair)
    refused, draws = sum(kind["refused"] for kind in fair), sum(kind["draws"] for kind in fair)
    yield (
        "fair draws refused, of all and of the worst kind",
        "0, nothing was checked",
        f"{refused} of {draws:,}, {most:.1%}",
        "at most 2 %",
        verdict(most <= 0.02),
    )
    caught = sum(bool(draw["refused"]) for draw in broken)
    count = len(broken)
    yield "broken draws refused", "0", f"{caught} of {count}", "all", verdict(caught == count)


def rare_answers(content: list[dict[str, Any]]) -> Iterable[Row]:
    """Coverage of off-policy values where answers are rare."""
    names = ("IPS", "SNIPS", "DR", "policy value", "effect")
    counts = [cell[name] for cell in content for name in names if name in cell]
    shares = [count["held"] / count["of"] for count in counts if count["of"]]
    least = min(shares)
    yield (
        "coverage with rare answers, least cell",
        ".605 of those tried",
        f"{least:.3f}",
        "at least .93",
        verdict(least >= 0.93),
    )


def few_positives(content: list[dict[str, Any]]) -> Iterable[Row]:
    """Coverage of AUC and average precision."""
    for name in ("AUC", "AP", "AUC difference", "AP difference"):
        now = [cell[name] for cell in content]
        before = [cell[f"{name}, percentiles"] for cell in content]
        yield (
            f"coverage of {name}, mean over cells (least)",
            f"{sum(before) / len(before):.3f} ({min(before):.3f})",
            f"{sum(now) / len(now):.3f} ({min(now):.3f})",
            ".95",
            "",
        )


def calibration_gate(content: list[dict[str, Any]]) -> Iterable[Row]:
    """Calibrated models failed by the gate."""
    for cell in content:
        if cell["model"] == "calibrated" and cell["rows"] <= 1_000:
            yield (
                f"calibrated models failed, {cell['rows']:,} rows",
                f"{cell['before']:.0%}",
                f"{cell['now']:.0%}",
                "at most 5 %",
                verdict(cell["now"] <= 0.05),
            )


def lifetime_value(content: dict[str, Any]) -> Iterable[Row]:
    """Totals in their intervals, and what regularity brings."""
    for name, worlds in content["coverage"].items():
        share = worlds["inside"] / worlds["worlds"]
        yield (
            f"totals of a year in their interval, {name}",
            "25 of 60" if name == "BG/NBD by BG/NBD" else "not drawn",
            f"{worlds['inside']} of {worlds['worlds']}",
            "at least .90",
            verdict(share >= 0.9),
        )
    alarms = [kind for name, kind in content["alarms"].items() if name.startswith("plain")]
    share = max(kind["any"] / kind["worlds"] for kind in alarms)
    yield "plain shops with a caution", "no cautions", f"{share:.1%}", "at most 5 %", verdict(share <= 0.05)
    for name, panel in content["panels"].items():
        if panel["k"] > 1:
            yield (
                f"error over that of Pareto/NBD, {name}",
                f"{panel['mbg']:.3f}",
                f"{panel['mbg_k']:.3f}",
                "about .936",
                verdict(panel["low"] <= TARGET_RATIO),
            )


def defaults(content: dict[str, Any]) -> Iterable[Row]:
    """Log-loss beside an ordinary LightGBM."""
    for name, table in content.items():
        if isinstance(table, dict) and "moved" not in name:
            before, now = (table["models"][model]["difference"] for model in ("blend, regularised", "blend"))
            low = float(now.partition("[")[2].partition(",")[0])
            yield (
                f"log-loss less that of plain LightGBM, {name}",
                before,
                now,
                "interval from 0 or below",
                verdict(low <= 0),
            )


def leaks(content: dict[str, Any]) -> Iterable[Row]:
    """Leaks caught, and clean tables refused or looked at."""
    planted, clean = content["leaks"].values(), content["clean"].values()
    caught = sum(kind["refused"] + kind["look"] >= 0.9 * kind["draws"] for kind in planted)
    yield "leaks caught", "1 of 16", f"{caught} of {len(planted)}", "at least 12", verdict(caught >= 12)
    tables = sum(kind["draws"] for kind in clean)
    wrong = sum(kind["refused"] for kind in clean)
    yield "clean tables refused", f"0 of {tables}", f"{wrong} of {tables}", "none", verdict(wrong == 0)
    looks = sum(kind["look"] for kind in clean)
    yield (
        "clean tables looked at",
        "no looks",
        f"{looks} of {tables}",
        "at most 5 %",
        verdict(looks <= 0.05 * tables),
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Check customer tables: ``python -m crm_ml.tables configs/data/own_tables.yaml``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from crm_ml import commands


def main(argv: Sequence[str] | None = None) -> int:
    """Read a mapping, clean its tables, and show the report.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the command line.

    Returns
    -------
    int
        0, or the exit code of the error (2 for bad input or config).
    """
    return commands.run(_check, _parser().parse_args(argv), lead="")


def _check(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from crm_ml.tables.cleaning_report import CleaningReport
    from crm_ml.tables.config_file import load_config

    with Console(stderr=True).status("opening the sources") as status:
        tables = load_config(arguments.config, arguments.root, status.update)
    report = tables.report or CleaningReport()
    Console().print(report.rich())
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report.to_dict(), indent=1, sort_keys=True), encoding="utf-8")
    if arguments.profile is not None:
        arguments.profile.write_text(json.dumps(report.profile, indent=1, sort_keys=True), encoding="utf-8")
    if arguments.out is not None:
        for path in report.write_quarantine(arguments.out):
            Console().print(f"quarantined rows: {path}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = commands.parser(
        "crm_ml.tables",
        "Check customer tables against their contracts. Exit code 0, or 2 with every breach.",
    )
    parser.add_argument("config", type=Path, help="mapping of sources and columns, configs/data/<name>.yaml")
    parser.add_argument("--root", type=Path, help="folder that paths are relative to and must stay in")
    parser.add_argument("--out", type=Path, help="folder that takes quarantine/<table>.parquet")
    parser.add_argument("--json", type=Path, help="file that takes the numbers of the report")
    parser.add_argument(
        "--profile", type=Path, help="file that takes the medians, to compare later tables with"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

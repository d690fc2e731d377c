"""Check customer tables, or write a first mapping of files.

``python -m crm_ml.tables configs/data/own_tables.yaml`` checks, ``python -m crm_ml.tables --guess FILE``
writes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from crm_ml import commands
from crm_ml.tables.encodings import CODECS


def main(argv: Sequence[str] | None = None) -> int:
    """Read a mapping, clean its tables, and show the report; or guess what files are and write a mapping.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the command line.

    Returns
    -------
    int
        0, or the exit code of the error (2 for bad input or config).
    """
    return commands.run(_main, argv, lead="")


def _main(argv: Sequence[str] | None) -> None:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if (arguments.config is None) == (arguments.guess is None):
        parser.error("give a mapping, or files behind --guess")
    if arguments.encoding is not None and arguments.guess is None:
        parser.error("--encoding goes with --guess; in a mapping declare encoding: NAME of the table")
    (_check if arguments.guess is None else _guess)(arguments)


def _guess(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from crm_ml.tables.guess.guess_table import guess_table
    from crm_ml.tables.guess.write import write_guess

    out = arguments.out or Path("configs/data/mine.yaml")
    with Console(stderr=True).status("looking at the rows"):
        guess = write_guess(arguments.guess, out, arguments.root, arguments.encoding)
    console = Console()
    for doubt in guess.doubts:
        console.print(f"- {doubt}", markup=False, soft_wrap=True)
    for part in (guess.orders, guess.events):
        if part is not None:
            console.print(guess_table(part))
            for note in part.notes:
                console.print(f"- {note}", markup=False, soft_wrap=True)
    for file in guess.ids:
        text = f"{file.table}: {file.paths[0].name}, in which {file.key.name} has the ids of the orders"
        console.print(text, markup=False, soft_wrap=True)
    like = f", like: {guess.orders.ready}, which has these columns" if guess.orders.ready else ""
    text = f"{out}: first mapping{like}. See what it says, then: python -m crm_ml.tables {out}"
    console.print(text, markup=False, soft_wrap=True)


def _check(arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from crm_ml.next_steps import new_run, next_line
    from crm_ml.progress import status
    from crm_ml.storage.whole_file import write_text
    from crm_ml.tables.cleaning_report import CleaningReport
    from crm_ml.tables.config_file import load_config

    with status("opening the sources") as told:
        tables = load_config(arguments.config, arguments.root, told)
    report = tables.report or CleaningReport()
    Console().print(report.rich())
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(report.to_dict(), indent=1, sort_keys=True))
    if arguments.profile is not None:
        write_text(arguments.profile, json.dumps(report.profile, indent=1, sort_keys=True))
    if arguments.out is not None:
        for path in report.write_quarantine(arguments.out):
            Console().print(f"quarantined rows: {path}", soft_wrap=True, markup=False)
    if arguments.root is None:  # a run reads the mapping by its name alone
        line = next_line(new_run("churn", str(arguments.config)))
        Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = commands.parser(
        "crm_ml.tables",
        "Check customer tables against their contracts. Exit code 0, or 2 with every breach.",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, help="mapping of sources and columns, configs/data/<name>.yaml"
    )
    parser.add_argument(
        "--guess", nargs="+", type=Path, metavar="FILE", help="files to write a first mapping of, to --out"
    )
    parser.add_argument(
        "--encoding", choices=[*CODECS], help="encoding of the CSV files of --guess, where it is not found"
    )
    parser.add_argument("--root", type=Path, help="folder that paths are relative to and must stay in")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder that takes quarantine/<table>.parquet; of --guess the mapping (configs/data/mine.yaml)",
    )
    parser.add_argument("--json", type=Path, help="file that takes the numbers of the report")
    parser.add_argument(
        "--profile", type=Path, help="file that takes the medians, to compare later tables with"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

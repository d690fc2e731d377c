"""``python -m crm_ml.train.compare RUN RUN ...``: runs of one family on the test rows that they share."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.train.compare.compare_runs import compare

if TYPE_CHECKING:
    from crm_ml.train.compare.paired import Comparison


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare runs and show one table; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser(
        "crm_ml.train.compare", "Metrics of runs on common test rows, with paired differences to the first."
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="run id, or NAME@ALIAS of a registered model")
    parser.add_argument(
        "--store",
        action="append",
        default=[],
        metavar="URI[#RUN]",
        help="another tracking store in which runs are sought, or a run of it",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write CSV, JSON and a picture into a new folder"
    )
    options = parser.parse_args(arguments)
    _compare(options.runs, options.store, options.out)


def _compare(runs: Sequence[str], places: Sequence[str], out: Path | None) -> None:
    named = [place for place in places if "#" in place]
    stores = [place for place in places if "#" not in place]
    _show(compare([*runs, *named], stores, out), out)


def _show(comparison: "Comparison", out: Path | None) -> None:
    from rich.console import Console

    from crm_ml.train.compare.comparison_report import table_of

    console = Console()
    console.print(table_of(comparison))
    if out is not None:
        console.print(f"written to {out}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m crm_ml.train.compare RUN RUN ...``: runs of one family on the test rows that they share."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import CrmError
from crm_ml.train.compare.compare_runs import compare

if TYPE_CHECKING:
    from crm_ml.train.compare.paired import Comparison


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare runs and show one table; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m crm_ml.train.compare",
        description="Metrics of runs on common test rows, with paired differences to the first.",
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
    given = parser.parse_args(arguments)
    named = [one for one in given.store if "#" in one]
    stores = [one for one in given.store if "#" not in one]
    try:
        _show(compare([*given.runs, *named], stores, given.out), given.out)
    except CrmError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _show(found: "Comparison", out: Path | None) -> None:
    from rich.console import Console

    from crm_ml.train.compare.comparison_report import table_of

    console = Console()
    console.print(table_of(found))
    if out is not None:
        console.print(f"written to {out}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m crm_ml.score.load LIST --into csv:PATH|duckdb:PATH|postgres:``: load a list, once."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.delivery.loaders.loaders import forms, loader_of

if TYPE_CHECKING:
    from crm_ml.delivery.loaders.load_once import Loaded


def main(arguments: Sequence[str] | None = None) -> int:
    """Load a list and tell how many rows; return the exit code, 3 if it is loaded already."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser("crm_ml.score.load", "Load a list into files or a database, each list once.")
    parser.add_argument("list", type=Path, metavar="LIST", help="folder of a list, or of all lists of a name")
    parser.add_argument(
        "--into",
        required=True,
        metavar="SINK",
        help=f"{forms()} (the address of the database stands in CRM_ML_POSTGRES)",
    )
    options = parser.parse_args(arguments)
    _load(options.list, options.into)


def _load(folder: Path, into: str) -> None:
    loaded = load(folder, into)
    print(f"list {loaded.list_id}: {loaded.rows:,} rows are in {loaded.where}")  # noqa: T201


def load(folder: Path, into: str) -> "Loaded":
    """Load a list into the place that a text names.

    Parameters
    ----------
    folder : Path
        A list, or the folder of all lists of a name, whose newest is loaded.
    into : str
        Such as ``csv:PATH``; see `crm_ml.delivery.loaders.loaders.loader_of`.

    Raises
    ------
    ConfigError
        If there is no such loader.
    InputError, AlreadyPublished, IntegrityError
        See the modules of `crm_ml.delivery.loaders`.
    """
    loader, target = loader_of(into)
    return loader.load(folder, target)


if __name__ == "__main__":
    sys.exit(main())

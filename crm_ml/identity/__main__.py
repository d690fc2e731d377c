"""``python -m crm_ml.identity CONFIG [--previous DIR]``: profiles become customers of a day."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.errors import ConfigError

if TYPE_CHECKING:
    from crm_ml.identity.customers import Customers
    from crm_ml.identity.settings import IdentitySettings

_SHOWN = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Resolve profiles and publish their customers, or explain two profiles.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the command line.

    Returns
    -------
    int
        0, or the exit code of the error: 2 for bad input or config, 3 if the day is published, 4 if earlier
        customers have changed.
    """
    return commands.run(_main, argv)


def _main(argv: Sequence[str] | None) -> None:
    from crm_ml.identity.resolve_job import publish_day, resolved
    from crm_ml.identity.settings import read_settings
    from crm_ml.progress import status
    from crm_ml.storage.paths import project_root

    arguments = _parser().parse_args(argv)
    settings = read_settings(arguments.config)
    root = project_root()
    out = arguments.out or root / settings.out
    if arguments.explain is not None:
        with status("joining profiles"):
            customers = resolved(settings, root, None)
        _write(str(customers.explain(*arguments.explain)))
        return
    as_of = arguments.as_of or settings.as_of
    if as_of is None:
        raise ConfigError(f"{arguments.config}: as_of is absent; set it, or give --as-of YYYY-MM-DD")
    with status("joining profiles"):
        customers, folder = publish_day(settings, root, out, as_of, arguments.previous)
    _report(customers, folder, settings)


def _report(customers: "Customers", folder: Path, settings: "IdentitySettings") -> None:
    from crm_ml.identity.explanation import shown

    _write(f"{folder}: {len(customers.profiles):,} profiles are {len(customers):,} customers")
    for kind, rows in customers.changes["change"].value_counts().sort_index().items():
        _write(f"{kind}: {rows:,}")
    bad = customers.bad_identifiers
    if len(bad):
        _write(f"{len(bad):,} values join nobody, or not all (cap {settings.hub_cap}); of most profiles:")
    for row in bad.head(_SHOWN).itertuples():
        _write(f"  {row.identifier} {shown(str(row.value))}: {row.profiles:,} profiles, {row.reason}")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def _parser() -> argparse.ArgumentParser:
    from datetime import date

    parser = commands.parser(
        "crm_ml.identity", "Join profiles of all channels into customers whose ids stay."
    )
    parser.add_argument("config", type=Path, help="settings, configs/identity/<name>.yaml")
    parser.add_argument(
        "--previous", type=Path, metavar="DIR", help="customers whose ids stay (default: the latest of --out)"
    )
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="day, YYYY-MM-DD")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the days (default: of the config)")
    parser.add_argument("--explain", nargs=2, metavar="PROFILE", help="say why two profiles are one, or not")
    return parser


if __name__ == "__main__":
    sys.exit(main())

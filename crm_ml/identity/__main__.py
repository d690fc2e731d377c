"""``python -m crm_ml.identity CONFIG [--previous DIR]``: profiles become customers of a day."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.errors import ConfigError, InputError

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
    from crm_ml.identity.published_customers import publish_customers, read_published
    from crm_ml.identity.resolution import resolve
    from crm_ml.identity.settings import read_settings
    from crm_ml.progress import status
    from crm_ml.storage.identity import identity
    from crm_ml.storage.paths import project_root
    from crm_ml.storage.publish import check_free
    from crm_ml.tables.sources import inside

    arguments = _parser().parse_args(argv)
    settings = read_settings(arguments.config)
    as_of = arguments.as_of or settings.as_of
    if as_of is None:
        raise ConfigError(f"{arguments.config}: as_of is absent; set it, or give --as-of YYYY-MM-DD")
    out = arguments.out or project_root() / settings.out
    if arguments.explain is None:
        check_free(out, as_of.isoformat())
    earlier = _earlier(arguments.previous, out)
    published = None if earlier is None else read_published(earlier)
    if published is not None and arguments.explain is None and published.as_of >= as_of:
        raise InputError(
            f"{published.folder}: its customers are of {published.as_of}, not before {as_of}; "
            "give --previous with an earlier day"
        )
    with status("joining profiles"):
        customers = resolve(
            inside(project_root(), settings.profiles, must_exist=True),
            settings.rules,
            settings.hub_cap,
            previous=earlier,
            walls=settings.walls,
            identifiers=settings.identifiers,
        )
    if arguments.explain is not None:
        _write(str(customers.explain(*arguments.explain)))
        return
    details = {"settings": identity(settings.model_dump(mode="json"))}
    before = None if published is None else published.changes
    _report(customers, publish_customers(customers, out, as_of, details, before), settings)


def _earlier(previous: Path | None, out: Path) -> Path | None:
    from crm_ml.identity.published_customers import latest_published

    return previous or latest_published(out)


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

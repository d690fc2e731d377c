"""``python -m crm_ml.tags CONFIG``: make the tags of a day, or those of the next one from them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands

if TYPE_CHECKING:
    from rich.console import Console

    from crm_ml.tags.building import Refreshed
    from crm_ml.tags.tag_store import TagStore


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tags and show how many customers have each; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    from rich.console import Console

    from crm_ml.tags.tag_run import load_settings, run

    parser = commands.parser("crm_ml.tags", "Make the tags of a day.")
    parser.add_argument("config", metavar="CONFIG", help="such as tags/simulated")
    parser.add_argument("--as-of", metavar="DAY", help="YYYY-MM-DD; only rows before it are read")
    parser.add_argument(
        "--previous", metavar="DIR", type=Path, help="tags of an earlier day, or the folder of all days"
    )
    parser.add_argument(
        "--scores", metavar="FILE", type=Path, action="append", default=[], help="a score table"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder of the tags of all days")
    parser.add_argument(
        "--audience", metavar="RULE", action="append", default=[], help="count these customers"
    )
    commands.add_settings(parser)
    options = parser.parse_args(arguments)
    name = options.config.removeprefix("configs/").removesuffix(".yaml")
    overrides = [*options.set, *([f"as_of={options.as_of}"] if options.as_of else [])]
    done = run(
        load_settings(name, overrides), name.rpartition("/")[2], options.scores, options.previous, options.out
    )
    show(Console(), done.store, done.refreshed)
    for rule in options.audience:
        Console().print(
            f"{done.store.audience(rule).count():,} customers: {rule}", markup=False, soft_wrap=True
        )
    Console().print(f"page: {done.page}", f"tags: {done.folder}", sep="\n", markup=False, soft_wrap=True)


def show(console: "Console", store: "TagStore", refreshed: "Refreshed | None") -> None:
    """Print how many customers have each tag, and why customers were looked at again."""
    from rich.table import Table

    counts, customers = store.counts(), len(store.customers)
    table = Table(title=f"tags of {store.as_of}, {customers:,} customers")
    for title in ("group", "tag", "customers", "share", "unknown"):
        table.add_column(title, justify="left" if title in ("group", "tag") else "right")
    for name, tag in sorted(store.catalogue.tags.items(), key=lambda item: (item[1].group, item[0])):
        row = counts.loc[name]
        table.add_row(
            tag.group, name, f"{row['true']:,}", f"{row['true'] / customers:.1%}", f"{row['unknown']:,}"
        )
    console.print(table)
    if refreshed is not None:
        for_all = ", ".join(refreshed.for_all) or "none"
        console.print(
            f"looked at again: {refreshed.by_event:,} customers by an event, {refreshed.by_calendar:,} by "
            f"the calendar, {refreshed.corrected:,} by corrected rows; columns for everybody: {for_all}",
            markup=False,
            soft_wrap=True,
        )


if __name__ == "__main__":
    sys.exit(main())

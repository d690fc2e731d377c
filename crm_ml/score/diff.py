"""``python -m crm_ml.score.diff OLD NEW``: say what changed between two lists, and why."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.lists.diff.change_reasons import REASONS
from crm_ml.lists.diff.compare_lists import difference, refuse_inside, replaced
from crm_ml.lists.read_list import locate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from crm_ml.lists.diff.list_difference import Difference

_MOVES = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two lists and show what changed; return the exit code."""
    parser = commands.parser("crm_ml.score.diff", "What changed between two lists, and why.")
    parser.add_argument("old", type=Path, metavar="OLD", help="folder of a list, or of all lists of a name")
    parser.add_argument("new", type=Path, metavar="NEW", help="the same of the newer list")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything as JSON")
    parser.add_argument("--out", type=Path, metavar="PATH", help="write all changed rows as Parquet")
    options = parser.parse_args(arguments)
    return commands.run(_compare, options.old, options.new, options.json, options.out)


def _compare(old: Path, new: Path, path: Path | None, out: Path | None) -> None:
    from rich.console import Console

    if path is not None:
        refuse_inside(path, (locate(old), locate(new)))
    found = difference(old, new, out)
    if path is not None:
        _write_json(found, path)
    show(Console(), found)


def show(console: "Console", found: "Difference") -> None:
    """Print what changed: totals, reasons, moves between actions, and examples."""
    if found.old.name != found.new.name:
        told = f"the lists have different names: {found.old.name} and {found.new.name}"
        console.print(told, markup=False)
    for name, side in (("old", found.old), ("new", found.new)):
        told = f"{name}: {side.list_id} of {side.as_of[:10]}, {side.rows:,} rows"
        console.print(told, markup=False, soft_wrap=True)
    made_of = "; ".join(found.ingredients) or "the same: both have one list id"
    console.print(f"made from: {made_of}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{rows:,} {kind}" for kind, rows in found.rows.items())
    console.print(f"rows: {counts}; {found.expired:,} of those gone or moved had expired", markup=False)
    for table in (_reasons(found), _moves(found)):
        if table.rows:
            console.print(table)
    for one in found.examples:
        told = f"{one.kind}: {one.customer_id}, {one.old_action or 'none'} to {one.new_action or 'none'}"
        console.print(f"{told}: {one.words}", markup=False, soft_wrap=True)


def _reasons(found: "Difference") -> "Table":
    table = _table("why", ["kind", "reason"], ["rows", "value before, cents", "value now, cents"])
    for one in found.groups:
        amounts = (one.rows, one.old_value_cents, one.new_value_cents)
        table.add_row(one.kind, REASONS[one.reason], *[f"{amount:,}" for amount in amounts])
    return table


def _moves(found: "Difference") -> "Table":
    from rich.markup import escape

    table = _table("largest moves between actions", ["from", "to"], ["rows"])
    moved = [(rows, old or "none", new or "none") for (old, new), rows in found.moves.items() if old != new]
    for rows, old, new in sorted(moved, key=lambda one: (-one[0], one[1:]))[:_MOVES]:
        table.add_row(escape(old), escape(new), f"{rows:,}")
    return table


def _table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(title=title)
    for name in texts:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _write_json(found: "Difference", path: Path) -> None:
    text = json.dumps(found.plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    with replaced(path) as part:
        part.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())

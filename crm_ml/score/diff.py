"""``python -m crm_ml.score.diff OLD NEW``: say what changed between two lists, and why."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml import commands
from crm_ml.lists.diff.change_reasons import REASONS
from crm_ml.lists.diff.compare_lists import difference, refuse_inside
from crm_ml.lists.read_list import locate
from crm_ml.pages.number_format import Currency
from crm_ml.storage.whole_file import write_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from crm_ml.lists.diff.list_difference import Difference

_MOVES = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two lists and show what changed; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    parser = commands.parser("crm_ml.score.diff", "What changed between two lists, and why.")
    parser.add_argument("old", type=Path, metavar="OLD", help="folder of a list, or of all lists of a name")
    parser.add_argument("new", type=Path, metavar="NEW", help="the same of the newer list")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything as JSON")
    parser.add_argument("--out", type=Path, metavar="PATH", help="write all changed rows as Parquet")
    options = parser.parse_args(arguments)
    _compare(options.old, options.new, options.json, options.out)


def _compare(old: Path, new: Path, path: Path | None, out: Path | None) -> None:
    from rich.console import Console

    if path is not None:
        refuse_inside(path, (locate(old), locate(new)))
    changes = difference(old, new, out)
    if path is not None:
        _write_json(changes, path)
    show(Console(), changes)


def show(console: "Console", changes: "Difference") -> None:
    """Print what changed: totals, reasons, moves between actions, and examples."""
    if changes.old.name != changes.new.name:
        line = f"the lists have different names: {changes.old.name} and {changes.new.name}"
        console.print(line, markup=False)
    for name, side in (("old", changes.old), ("new", changes.new)):
        line = f"{name}: {side.list_id} of {side.as_of[:10]}, {side.rows:,} rows"
        console.print(line, markup=False, soft_wrap=True)
    made_of = "; ".join(changes.ingredients) or "the same: both have one list id"
    console.print(f"made from: {made_of}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{rows:,} {kind}" for kind, rows in changes.rows.items())
    console.print(f"rows: {counts}; {changes.expired:,} of those gone or moved had expired", markup=False)
    for table in (_reasons(changes), _moves(changes)):
        if table.rows:
            console.print(table)
    for example in changes.examples:
        moved = f"{example.old_action or 'none'} to {example.new_action or 'none'}"
        line = f"{example.kind}: {example.customer_id}, {moved}: {example.words}"
        console.print(line, markup=False, soft_wrap=True)


def _reasons(changes: "Difference") -> "Table":
    from rich.markup import escape

    currency = Currency(changes.currency)
    unit = f", {currency.code}" if currency.code else ""
    table = _table("why", ["kind", "reason"], ["rows", f"value before{unit}", f"value now{unit}"])
    for group in changes.groups:
        amounts = (currency.number(value) for value in (group.old_value_cents, group.new_value_cents))
        table.add_row(escape(group.kind), REASONS[group.reason], f"{group.rows:,}", *amounts)
    return table


def _moves(changes: "Difference") -> "Table":
    from rich.markup import escape

    table = _table("largest moves between actions", ["from", "to"], ["rows"])
    moved = [(rows, old or "none", new or "none") for (old, new), rows in changes.moves.items() if old != new]
    for rows, old, new in sorted(moved, key=lambda move: (-move[0], move[1:]))[:_MOVES]:
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


def _write_json(changes: "Difference", path: Path) -> None:
    text = json.dumps(changes.plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(path, text)


if __name__ == "__main__":
    sys.exit(main())

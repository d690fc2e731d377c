"""``python -m crm_ml.score.export LIST --to TOOL``: turn a list into the files that a campaign tool loads."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml import commands
from crm_ml.delivery.exporters.export_plan import Options
from crm_ml.delivery.exporters.exporters import tool_names
from crm_ml.storage.group_access import group_of
from crm_ml.storage.paths import data_folder
from crm_ml.tables.strict import validate

if TYPE_CHECKING:
    from crm_ml.delivery.exporters.export_job import Exported


def main(arguments: Sequence[str] | None = None) -> int:
    """Export a list and tell what was left out and why; return the exit code."""
    return commands.run(_main, arguments)


def _main(arguments: Sequence[str] | None) -> None:
    _export(vars(_parser().parse_args(arguments)))


def _export(arguments: dict[str, Any]) -> None:
    from crm_ml.delivery.exporters.export_job import export_list

    folder, out, group = arguments.pop("list"), arguments.pop("out"), group_of(arguments.pop("group"))
    arguments |= {name: tuple(arguments[name]) for name in ("actions", "channels", "variables")}
    options = validate(arguments, Options, "options")
    _show(export_list(folder, options, out or data_folder() / "exports", group))


def _parser() -> argparse.ArgumentParser:
    parser = commands.parser("crm_ml.score.export", "Export a list for a campaign tool.")
    parser.add_argument("list", type=Path, metavar="LIST", help="folder of a list, or of all lists of a name")
    parser.add_argument(
        "--to", required=True, metavar="TOOL", help=f"{', '.join(tool_names())}, or module:name"
    )
    parser.add_argument(
        "--contacts", type=Path, metavar="FILE", help="CSV or Parquet: customer_id, addresses"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of exports (default: data/exports)")
    parser.add_argument(
        "--group", metavar="NAME", help="group of the machine that may read the export beside its owner"
    )
    for name, what in (("action", "only rows of this action"), ("channel", "only rows of this channel")):
        parser.add_argument(
            f"--{name}", action="append", default=[], dest=f"{name}s", metavar="NAME", help=what
        )
    parser.add_argument("--default-country", metavar="XX", help="of phone numbers without any, such as DE")
    parser.add_argument("--by", metavar="WHAT", help="klaviyo: email or phone; wecom: customer or chat")
    parser.add_argument("--alias-label", metavar="LABEL", help="braze: user aliases in place of external_id")
    parser.add_argument(
        "--variable",
        action="append",
        default=[],
        dest="variables",
        metavar="COLUMN",
        help="sms: column of the contacts that follows the number",
    )
    return parser


def _show(exported: "Exported") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console, selection = Console(), exported.selection
    table = Table(title=escape(f"export {exported.folder.name}"), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    figures = {
        "rows in the list": selection.list_rows,
        "asked for": selection.selected,
        "exported": selection.rows,
    }
    figures |= {f"left out: {reason}": count for reason, count in selection.left_out.items()}
    figures |= {f"cells left empty: {reason}": count for reason, count in selection.emptied.items()}
    figures |= {f"cells cleaned: {name}": count for name, count in selection.changed.items()}
    figures |= {f"cells with a leading ' in {name}": count for name, count in selection.escaped.items()}
    for name, figure in {**figures, "files": len(exported.parts)}.items():
        table.add_row(escape(name), f"{figure:,}")
    console.print(table)
    console.print(f"export: {exported.folder}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    sys.exit(main())

"""A guess as a table for the terminal: the best columns for each role, with examples as shapes."""

from typing import TYPE_CHECKING

from crm_ml.tables.cell_shape import shape_of
from crm_ml.tables.guess.candidates import ROLES
from crm_ml.tables.guess.file_guess import FileGuess

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = 2


def guess_table(guess: FileGuess) -> "Table":
    """Return two candidates of each role; that which is taken is marked."""
    from rich.markup import escape
    from rich.table import Table

    sample = guess.sample
    form = "Parquet" if sample.stored else f"{sample.encoding}, delimiter {sample.delimiter!r}"
    title = f"{escape(sample.path.name)}: {sample.looked_at} looked at, {form}"
    shown = Table(title=title, title_justify="left")
    for name in ("role", "column", "score", "such as", "why"):
        shown.add_column(name, justify="right" if name == "score" else "left", overflow="fold")
    for role in ROLES:
        for place, candidate in enumerate(guess.candidates.get(role, [])[:_SHOWN]):
            taken = guess.columns.get(role) == candidate.column
            example = guess.facts[candidate.column].example()
            cells = (
                candidate.column,
                f"{candidate.score:.2f}",
                shape_of(example) if example else "",
                candidate.reason,
            )
            shown.add_row(role if place == 0 else "", *map(escape, cells), style="bold" if taken else "dim")
    return shown

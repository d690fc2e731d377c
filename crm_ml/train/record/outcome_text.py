"""What a run says of its model, printed for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from crm_ml.train.record.outcome import Gate


def print_report(
    console: "Console", title: str, summary: "pd.DataFrame", notes: Sequence[str], gates: "Sequence[Gate]"
) -> None:
    """Print the table of metrics beside the baselines, the notes, and which gates hold."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"{title}: test windows, 95 % intervals"))
    for column in summary.columns:
        table.add_column(
            escape(str(column)), justify="left" if column == "model" else "right", no_wrap=column == "model"
        )
    for row in summary.itertuples(index=False):
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)
    for note in notes:
        console.print(note, markup=False, soft_wrap=True)
    for gate in gates:
        console.print("[green]holds[/]" if gate.passed else "[red]fails[/]", end="  ")
        console.print(f"{gate.name}: {gate.reason}", markup=False, soft_wrap=True)

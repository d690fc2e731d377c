"""Cells of rows that fail a check, by their shape: what a refusal shows and the report has as examples."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.tables.cell_shape import shape_of
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, parquet_rows

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.staging import Staged

MOST_EXAMPLES = 3
_LOOKED_AT = 200  # rows a reason
_OF_SIGNS = ("unlinked_refund", "positive_refund")


def source_columns(staged: "Staged", column: str) -> tuple[str, ...]:
    """Return the source columns that a column is read from."""
    how = staged.mapping.columns.get(column) or staged.mapping.attributes.get(column)
    theirs = (column,) if how is None else how.theirs
    return tuple(dict.fromkeys(name for name in theirs if name in staged.types))


def shape_of_cells(cells: Iterable[str | None]) -> str:
    """Return the shapes of the cells that a value is read from, such as an amount and a quantity."""
    return " | ".join(shape_of(cell) if cell else "(empty)" for cell in cells)


def as_in(connection: "duckdb.DuckDBPyConnection", staged: "Staged", column: str, row: int) -> str:
    """Return how the cell of a row is written, such as ``, as in 9,999.99``; nothing of an empty cell.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
    column : str
        Contract column or attribute.
    row : int
        Number of the row in its source, from 1.
    """
    names = source_columns(staged, column)
    if not names or not row:
        return ""
    texts = ", ".join(f"CAST({ident(name)} AS VARCHAR)" for name in names)
    cells = connection.execute(
        f"SELECT {texts} FROM {ident('raw_' + staged.name)} WHERE {ROW} = {row} LIMIT 1"
    ).fetchone()
    return f", as in {shape_of_cells(cells)}" if cells and any(cells) else ""


def examples(
    connection: "duckdb.DuckDBPyConnection", staged: "Staged", quarantine: Path
) -> dict[str, list[str]]:
    """Return for each reason the shapes that most of its first rows have, three at most.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table.
    quarantine : Path
        Parquet file of its rows that were set aside.
    """
    of_reason = {reason: names for reason in staged.report.quarantined if (names := _read_by(staged, reason))}
    rows = connection.execute(
        f"SELECT reason, original FROM {parquet_rows(quarantine)} QUALIFY "
        f"row_number() OVER (PARTITION BY reason ORDER BY row) <= {_LOOKED_AT} ORDER BY row"
    ).fetchall()
    shapes: dict[str, Counter[str]] = {reason: Counter() for reason in of_reason}
    for reason, original in rows:
        if reason in of_reason:
            cells = json.loads(original)
            shapes[reason][shape_of_cells(cells[name] for name in of_reason[reason])] += 1
    return {reason: [shape for shape, _ in counts.most_common(MOST_EXAMPLES)]
            for reason, counts in shapes.items()}  # fmt: skip


def _read_by(staged: "Staged", reason: str) -> tuple[str, ...]:
    """Return the source columns that a reason is about; none where it is about whole rows."""
    columns = {check.reason: check.column for check in staged.checks.all if check.column}
    columns |= {f"unknown_{name}": name for name in staged.contract.references}
    columns |= dict.fromkeys(_OF_SIGNS, "paid_cents")
    column = columns.get(reason)
    return source_columns(staged, column) if column else ()

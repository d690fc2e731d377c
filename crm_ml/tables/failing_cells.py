"""Cells of rows that fail a check, by their shape: what a refusal shows and the report has as examples."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.rules.grammar import columns as rule_columns
from crm_ml.rules.grammar import parse
from crm_ml.tables.cell_shape import shape_of
from crm_ml.tables.order_amounts import PAID, less_columns
from crm_ml.tables.row_filter import UNDECIDED_CHECK
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, parquet_rows

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.staging import Staged

MOST_EXAMPLES = 3
_LOOKED_AT = 200  # rows a reason
_OF_SIGNS = ("unlinked_refund", "positive_refund")


def source_columns(staged: "Staged", column: str) -> tuple[str, ...]:
    """Return the source columns that a column is read from; of the rule ``where``, those that it names."""
    mapping = staged.mapping
    if column == UNDECIDED_CHECK.column and mapping.where is not None:
        return tuple(dict.fromkeys(test.column for test in rule_columns(parse(mapping.where))))
    of_order = {less.name: how for less, how in less_columns(mapping.columns.get(PAID))}
    how = mapping.columns.get(column) or mapping.attributes.get(column) or of_order.get(column)
    theirs = (column,) if how is None else how.theirs
    return tuple(dict.fromkeys(name for name in theirs if name in staged.types))


def shape_of_cells(cells: Iterable[str | None]) -> str:
    """Return the shapes of the cells that a value is read from, such as an amount and a quantity."""
    return " | ".join(shape_of(cell) if cell else "(empty)" for cell in cells)


def written_as(connection: "duckdb.DuckDBPyConnection", staged: "Staged", column: str, row: int) -> str:
    """Return how the cell of a row is written, such as ``, written as 9,999.99``; nothing of an empty one.

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
    return f", written as {shape_of_cells(cells)}" if cells and any(cells) else ""


def first_written_as(connection: "duckdb.DuckDBPyConnection", staged: "Staged", reason: str) -> str:
    """Return how the first cell is written that a reason is about, as `written_as` does."""
    column = _column_of(staged, reason)
    failed = (
        f"SELECT {ROW}, {staged.checks.first_reason()} AS reason FROM {staged.stage} "
        f"WHERE {staged.checks.fails()} UNION ALL SELECT {ROW}, reason FROM {staged.late}"
    )
    rows = connection.execute(  # materialized: DuckDB 2.0 fails on a filter of cases that no row fulfils
        f"WITH failed AS MATERIALIZED ({failed}) SELECT min({ROW}) FROM failed WHERE reason = ?", [reason]
    ).fetchone()
    return written_as(connection, staged, column, rows[0] or 0) if column and rows else ""


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
    of_reason = {
        reason: names
        for reason in staged.report.quarantined
        if (names := source_columns(staged, _column_of(staged, reason)))
    }
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


def _column_of(staged: "Staged", reason: str) -> str:
    """Return the column that a reason is about, empty where it is about whole rows."""
    columns = {check.reason: check.column for check in staged.checks.all}
    columns |= {f"unknown_{name}": name for name in staged.contract.references}
    columns |= dict.fromkeys(_OF_SIGNS, "paid_cents")
    return columns.get(reason, "")

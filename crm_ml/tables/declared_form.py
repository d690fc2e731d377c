"""What to declare of a column whose cells can't be read, found from a sample of them."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from crm_ml.tables.contract import Column
from crm_ml.tables.failing_cells import source_columns, written_as
from crm_ml.tables.number_form import number_form
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident
from crm_ml.tables.time_form import time_form

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.staging import Staged

_SAMPLE = 1_000


def form_to_declare(
    connection: "duckdb.DuckDBPyConnection", staged: "Staged", column: Column, kinds: Collection[str]
) -> str:
    """Return what the mapping would have to declare of a time or number, such as ``format: "%d.%m.%Y"``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
    column : Column
        Contract column or attribute.
    kinds : collection of str
        Faults of the cells that are looked at; of a table that is not typed yet, all are.

    Returns
    -------
    str
        Empty where nothing is found, as of other kinds of columns.
    """
    names = source_columns(staged, column.name)
    if not names or column.kind not in ("time", "cents", "integer", "number"):
        return ""
    text = f"CAST({ident(names[0])} AS VARCHAR)"
    reasons = [f"{kind}_{column.name}" for kind in kinds]
    checks = [staged.checks.holds(check) for check in staged.checks.all if check.reason in reasons]
    faulty = f"SEMI JOIN (FROM {staged.stage} WHERE {' OR '.join(checks) or 'false'}) USING ({ROW})"
    rows = connection.execute(
        f"SELECT {text} FROM {ident('raw_' + staged.name)} {faulty if staged.typed else ''} "
        f"WHERE trim({text}) <> '' ORDER BY {ROW} LIMIT {_SAMPLE}"
    ).fetchall()
    cells = [str(cell) for (cell,) in rows]
    return _of_times(cells) if column.kind == "time" else _of_numbers(cells)


def with_form(connection: "duckdb.DuckDBPyConnection", staged: "Staged", column: Column, refusal: str) -> str:
    """Return the refusal of a column by its type with the shape of its first cell and what to declare.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A table that is not typed yet.
    column : Column
    refusal : str
        What is wrong, and after a semicolon what to do where no form is found.
    """
    fault, _, advice = refusal.rpartition("; ")
    form = form_to_declare(connection, staged, column, ()) if column.kind == "time" else ""
    cell = written_as(connection, staged, column.name, 1)
    return f"{fault or advice}{cell}" + (f"; {f'declare {form}' if form else advice}" if fault else "")


def _of_times(cells: list[str]) -> str:
    form = time_form(list(dict.fromkeys(cells)), cells)
    if form is None:
        return ""
    if form.epoch is not None:
        return f"epoch: {form.epoch}"
    other = f' or "{form.or_format}"' if form.or_format else ""
    return f'format: "{form.format}"{other}' if form.format else ""


def _of_numbers(cells: list[str]) -> str:
    form = number_form(dict.fromkeys(cells))
    if form is None:
        return ""
    parts = {"thousands": form.thousands, "decimal": form.decimal if form.decimal == "," else None}
    declared = [f"{name}: {_quoted(sign)}" for name, sign in parts.items() if sign]
    return " and ".join(declared)


def _quoted(sign: str) -> str:
    return f'"{sign}"' if sign == "'" else f"'{sign}'"

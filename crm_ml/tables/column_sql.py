"""SQL that reads a raw column into a contract column, and the checks on it."""

from dataclasses import replace

from crm_ml.tables.contract import Column
from crm_ml.tables.kind_readers import READERS
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.money import read_cents
from crm_ml.tables.nulls import without_nulls
from crm_ml.tables.number_text import number_cell, respelled, unwrapped, with_decimal_comma
from crm_ml.tables.reading import Reading, ReadingContext
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.times import read_time

_NUMBERS = ("cents", "integer", "number")


def raw(theirs: str) -> str:
    """Return the quoted name of a raw column while its table is staged."""
    return ident(f"r:{theirs}")


def read_column(column: Column, how: ColumnMapping, context: ReadingContext) -> Reading:
    """Return the SQL and checks that read `column`.

    Parameters
    ----------
    column : Column
    how : ColumnMapping
        The columns it names must be in ``context.types``.
    context : ReadingContext
    """
    if how.constant is not None and column.kind in ("id", "text"):
        return Reading(literal(str(how.constant)))
    if how.constant is not None:
        return _constant(column, how)
    parts, cells = _cells(column, how, context)
    reading = _with_null(column, _read(column, how, parts, context))
    if not cells:
        return reading
    named = [(cell, raw(name)) for (cell, _), name in zip(parts, how.theirs, strict=True) if cell in cells]
    changed = " OR ".join(respelled(cell, source, how) for cell, source in named)
    commas = " OR ".join(with_decimal_comma(source) for _, source in named)
    told = [Check("respelled", column.name, changed, "fix")]
    told += [Check("with_decimal_comma", column.name, commas, "fact")] if column.kind == "cents" else []
    return replace(reading, cells=cells, checks=(*reading.checks, *told))


def _read(
    column: Column, how: ColumnMapping, parts: list[tuple[str, str]], context: ReadingContext
) -> Reading:
    if column.kind == "cents":
        value, checks, refusal = read_cents(column, how, parts, context.currency)
        return Reading(value, tuple(checks), refusal)
    source, kind = parts[0]
    if column.kind == "time":
        value, checks, refusal = read_time(column, how, source, kind, context.timezone, context.known_until)
        return Reading(value, tuple(checks), refusal)
    return READERS[column.kind](column, how, source, kind, context)


def _cells(
    column: Column, how: ColumnMapping, context: ReadingContext
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the sources of a column with their types, and the SQL of those that are cells in plain form."""
    parts: list[tuple[str, str]] = []
    cells = {}
    for number, name in enumerate(how.theirs):
        kind = context.types[name]
        source = without_nulls(column, how, unwrapped(raw(name), kind, column), kind)
        if kind == "VARCHAR":
            cell = ident(f"cell {number} of {column.name}")
            currency = context.currency if column.kind == "cents" else None
            cells[cell] = number_cell(source, how, currency) if column.kind in _NUMBERS else source
            source = cell
        parts.append((source, kind))
    return parts, cells


def missing(column: Column) -> Reading:
    """Return the value of a column that the source does not have."""
    types = {
        "time": "TIMESTAMP",
        "integer": "BIGINT",
        "cents": "BIGINT",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
    }
    value = "NULL" if column.default is None else str(column.default)
    return Reading(f"CAST({value} AS {types.get(column.kind, 'VARCHAR')})")


def _with_null(column: Column, reading: Reading) -> Reading:
    """Fill or refuse empty cells; unreadable cells have their own reason, which comes first."""
    if reading.refusal or (column.nullable and column.default is None):
        return reading
    unreadable = [check.predicate for check in reading.checks if check.level == "quarantine"]
    null = f"{ident(column.name)} IS NULL"
    if unreadable:
        null += f" AND NOT coalesce({' OR '.join(unreadable)}, false)"
    check = (
        Check("null", column.name, null)
        if column.default is None
        else Check("filled", column.name, null, "fix")
    )
    return replace(reading, checks=(*reading.checks, check))


def _constant(column: Column, how: ColumnMapping) -> Reading:
    if column.kind in ("integer", "cents") and isinstance(how.constant, int):
        return Reading(f"CAST({how.constant} AS BIGINT)")
    return Reading(
        "NULL", refusal=f"{column.name} is of kind {column.kind} and can't be the constant {how.constant!r}"
    )

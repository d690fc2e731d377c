"""SQL that reads a raw column into a contract column, and the checks on it, by kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.money import read_cents
from crm_ml.tables.nulls import without_nulls
from crm_ml.tables.number_text import number_cell, respelled, unwrapped, with_decimal_comma
from crm_ml.tables.row_checks import Check
from crm_ml.tables.row_currency import RowCurrency
from crm_ml.tables.sql import INTEGERS, ident, literal
from crm_ml.tables.times import read_time

_NUMBERS = ("cents", "integer", "number")
FLOATS = frozenset(("FLOAT", "DOUBLE"))
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")
_EXACT = 2**53
_MOST = 10**12  # of things in a line; what is more is an error, and its sums overflow
_LARGE = 10**6
# as 4.00638E+12, to which a spreadsheet rounds long numbers
_SCIENTIFIC = r"contains({0}, '+') AND regexp_full_match({0}, '[0-9](\.[0-9]+)?[eE]\+[0-9]{{2,}}')"


@dataclass(frozen=True)
class Reading:
    """How a contract column is read from a source.

    Parameters
    ----------
    value : str
        SQL of the value, over the raw columns ``"r:<theirs>"``.
    checks : tuple of Check
        Predicates over the raw columns and the value under its contract name.
    refusal : str
        Why the whole column can't be used; empty if it can.
    cells : dict of str to str
        SQL of cells in plain form, by the names under which `value` and `checks` use them.
    kind_of_type : str
        Type by which ids of two tables are compared: ``"integer"``, ``"text"``, ``"float"``, or empty if
        unknown.
    """

    value: str
    checks: tuple[Check, ...] = ()
    refusal: str = ""
    kind_of_type: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadingContext:
    """Settings shared by all columns of a table.

    Parameters
    ----------
    types : dict of str to str
        DuckDB types of the raw columns.
    timezone : str
        Zone of times without one.
    known_until : str
        UTC moment as text, or empty.
    untyped : bool
        Whether the source has no types (CSV), so that text may mean any type.
    currency : RowCurrency
        Of the amounts of a row.
    """

    types: Mapping[str, str]
    timezone: str = "UTC"
    known_until: str = ""
    untyped: bool = False
    currency: RowCurrency = field(default_factory=RowCurrency)


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
    readers: dict[str, Callable[[Column, ColumnMapping, str, str, ReadingContext], Reading]] = {
        "id": _id,
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "text": _text,
    }
    return readers[column.kind](column, how, source, kind, context)


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


def _id(column: Column, how: ColumnMapping, source: str, kind: str, context: ReadingContext) -> Reading:
    text = f"CAST({source} AS VARCHAR)"
    if kind in FLOATS and how.cast == "integer":
        whole = f"isfinite({source}) AND {source} = trunc({source}) AND abs({source}) < {_EXACT}"
        value = f"CASE WHEN {whole} THEN CAST(CAST({source} AS BIGINT) AS VARCHAR) END"
        missed = f"{source} IS NOT NULL AND NOT isnan({source}) AND {ident(column.name)} IS NULL"
        return Reading(value, (Check("not_an_integer", column.name, missed),), kind_of_type="integer")
    if kind in INTEGERS or (kind.startswith("DECIMAL") and kind.endswith(",0)")):
        return Reading(text, kind_of_type="integer")
    if kind not in ("VARCHAR", "UUID") and not kind.startswith("ENUM"):
        advice = (
            "cast it to text at the source, or declare cast: integer"
            if kind in FLOATS
            else "map another column"
        )
        return Reading("NULL", refusal=f"{column.name} is an id of type {kind}; {advice}")
    name = ident(column.name)
    blank = f"regexp_full_match({source}, '[\\s\\p{{Z}}]+')" if kind == "VARCHAR" else "false"
    checks = (
        Check("blank", column.name, blank),
        Check("nul_in", column.name, f"contains({name}, chr(0))"),
        Check("scientific", column.name, _SCIENTIFIC.format(name)),
        Check(
            "not_plain",
            column.name,
            f"{name} <> lower({name}) OR strlen({name}) <> length({name}) OR contains({name}, ' ') "
            f"OR contains({name}, chr(9))",
            "fact",
        ),
        Check("float_text", column.name, f"regexp_full_match({name}, '[0-9]+\\.0')", "fact"),
    )
    return Reading(f"nullif({text}, '')", checks, kind_of_type="" if context.untyped else "text")


def _integer(column: Column, how: ColumnMapping, source: str, kind: str, context: ReadingContext) -> Reading:
    del how, context
    name = ident(column.name)
    if kind in INTEGERS:
        value, filled = f"TRY_CAST({source} AS BIGINT)", f"{source} IS NOT NULL"
    elif kind in FLOATS or kind.startswith("DECIMAL"):
        value = f"CASE WHEN {source} = trunc({source}) THEN TRY_CAST({source} AS BIGINT) END"
        filled = f"{source} IS NOT NULL AND NOT isnan(CAST({source} AS DOUBLE))"
    elif kind == "VARCHAR":
        whole = f"regexp_full_match(trim({source}), '[+-]?[0-9]+(\\.0+)?')"
        value = f"TRY_CAST(CASE WHEN {whole} THEN regexp_replace(trim({source}), '\\.0+$', '') END AS BIGINT)"
        filled = f"trim({source}) <> ''"
    else:
        return _retyped(column, kind)
    checks = [Check("unreadable", column.name, f"{filled} AND {name} IS NULL")]
    if not column.any_year:
        checks.append(Check("out_of_range", column.name, f"{name} NOT BETWEEN -{_MOST} AND {_MOST}"))
        checks.append(Check("large", column.name, f"abs({name}) BETWEEN {_LARGE} AND {_MOST}", "warn"))
    return Reading(value, tuple(checks))


def _number(column: Column, how: ColumnMapping, source: str, kind: str, context: ReadingContext) -> Reading:
    del how, context
    if kind not in INTEGERS | FLOATS | {"VARCHAR"} and not kind.startswith("DECIMAL"):
        return _retyped(column, kind)
    name = ident(column.name)
    filled = f"trim({source}) <> ''" if kind == "VARCHAR" else f"{source} IS NOT NULL"
    checks = (
        Check("not_finite", column.name, f"NOT isfinite({name})"),
        Check("unreadable", column.name, f"{filled} AND {name} IS NULL"),
    )
    return Reading(f"TRY_CAST({source} AS DOUBLE)", checks)


def _boolean(column: Column, how: ColumnMapping, source: str, kind: str, context: ReadingContext) -> Reading:
    del how, context
    if kind not in INTEGERS | {"VARCHAR", "BOOLEAN"}:
        return _retyped(column, kind)
    text = f"lower(trim(CAST({source} AS VARCHAR)))"
    words = {"true": ("true", "t", "yes", "y", "1"), "false": ("false", "f", "no", "n", "0")}
    # DuckDB makes a join of each IN of five values, and takes squarely longer the more there are
    cases = " ".join(
        f"WHEN {literal(word)} THEN {truth}" for truth, listed in words.items() for word in listed
    )
    value = f"CASE {text} {cases} END"
    return Reading(
        value, (Check("unreadable", column.name, f"{text} <> '' AND {ident(column.name)} IS NULL"),)
    )


def _text(column: Column, how: ColumnMapping, source: str, kind: str, context: ReadingContext) -> Reading:
    del how, context
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return _retyped(column, kind)
    return Reading(f"nullif(CAST({source} AS VARCHAR), '')")


def _retyped(column: Column, kind: str) -> Reading:
    return Reading(
        "NULL",
        refusal=f"{column.name} is of kind {column.kind} and the source has type {kind}; map another column",
    )

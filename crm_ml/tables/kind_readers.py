"""SQL that reads ids, integers, numbers, truths and texts, with the checks of each kind."""

from collections.abc import Callable, Mapping
from typing import Final

from crm_ml.tables.cell_shape import type_name
from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.reading import Reading, ReadingContext
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import INTEGERS, ident, literal

FLOATS = frozenset(("FLOAT", "DOUBLE"))
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")
_EXACT = 2**53
_MOST = 10**12  # of things in a line; what is more is an error, and its sums overflow
_LARGE = 10**6
# as 4.00638E+12, to which a spreadsheet rounds long numbers
_SCIENTIFIC = r"contains({0}, '+') AND regexp_full_match({0}, '[0-9](\.[0-9]+)?[eE]\+[0-9]{{2,}}')"


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
        return Reading("NULL", refusal=f"{column.name} is an id of type {type_name(kind)}; {advice}")
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
        refusal=f"{column.name} is of kind {column.kind} and the source has type {type_name(kind)}; "
        "map another column",
    )


#: By kind: column, how it is mapped, SQL of the cell, its DuckDB type and the context, to the reading.
READERS: Final[Mapping[str, Callable[[Column, ColumnMapping, str, str, ReadingContext], Reading]]] = {
    "id": _id,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "text": _text,
}

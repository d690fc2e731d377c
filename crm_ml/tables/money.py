"""Money: source amounts as integers of the minor unit, by decimal and never by float arithmetic."""

from crm_ml.tables.cell_shape import type_name
from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.number_text import marked
from crm_ml.tables.row_checks import Check
from crm_ml.tables.row_currency import RowCurrency
from crm_ml.tables.sql import INTEGERS, ident

_LARGE_CENTS = 100_000_000
_DECIMAL = "DECIMAL(28, 6)"
_WIDE = "DECIMAL(38, 6)"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_NOT_FINITE = r"[+-]?(nan|inf|infinity)"
_THREE_DECIMALS = r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}"


def read_cents(
    column: Column, how: ColumnMapping, parts: list[tuple[str, str]], currency: RowCurrency
) -> tuple[str, list[Check], str]:
    """Return the SQL of the cents, the checks, and the reason for refusal (or an empty text).

    Parameters
    ----------
    column : Column
    how : ColumnMapping
    parts : list of (str, str)
        SQL and DuckDB type of the raw columns, in the order of ``how.theirs``.
    currency : RowCurrency
        Amounts are in its units and come out in minor units of the declared currency.
    """
    bad = [kind for _, kind in parts if not _usable(kind)]
    if bad:
        return (
            "NULL",
            [],
            f"{column.name} is money and the source has type {', '.join(map(type_name, bad))}; "
            "map another column",
        )
    amounts = [f"TRY_CAST({_number(source, kind)} AS {_DECIMAL})" for source, kind in parts]
    if column.default is not None:
        amounts = [
            f"CASE WHEN {_empty(source, kind)} THEN 0 ELSE {amount} END" if len(parts) > 1 else amount
            for amount, (source, kind) in zip(amounts, parts, strict=True)
        ]
    summed = amounts[:-1] if how.times is not None else amounts
    total = f"({' + '.join(summed)})" + (f" * {amounts[-1]}" if how.times is not None else "")
    units = f" * {currency.per_major()}" if how.unit == "major" else ""
    minor = f"TRY(CAST({total} AS {_WIDE}){units})"
    value = f"TRY_CAST({minor} AS BIGINT)"
    if how.unit == "minor":
        value = f"CASE WHEN {minor} = {value} THEN {value} END"
    return currency.converted(value), _checks(column, how, parts, amounts, minor, currency), ""


def _checks(
    column: Column,
    how: ColumnMapping,
    parts: list[tuple[str, str]],
    amounts: list[str],
    minor: str,
    currency: RowCurrency,
) -> list[Check]:
    checks = _of_spelling(column, parts)
    unread = " OR ".join(
        f"NOT ({_empty(source, kind)}) AND {amount} IS NULL"
        for amount, (source, kind) in zip(amounts, parts, strict=True)
    )
    if checks:
        unread = f"({unread}) AND NOT coalesce({' OR '.join(check.predicate for check in checks)}, false)"
    checks.append(Check("unreadable", column.name, unread))
    read = " AND ".join(f"{amount} IS NOT NULL" for amount in amounts)
    whole, lost = f"TRY_CAST({minor} AS BIGINT)", f"{ident(column.name)} IS NULL"
    if how.unit == "minor":
        lost = f"({whole} IS NULL OR ({lost} AND {whole} = {minor}))"
    checks.append(Check("out_of_range", column.name, f"{read} AND {lost}"))
    inexact = f"{whole} <> {minor}"
    if how.unit == "minor":
        checks.append(Check("fractional", column.name, inexact))
    else:
        checks.append(Check("rounded", column.name, inexact, "fix"))
        texts = [f"trim({source})" for source, kind in parts if kind == "VARCHAR"]
        checks += _three_decimals(column, texts, inexact, currency.per_major()) if texts else []
    checks.append(Check("large", column.name, f"abs({ident(column.name)}) >= {_LARGE_CENTS}", "warn"))
    return checks


def _of_spelling(column: Column, parts: list[tuple[str, str]]) -> list[Check]:
    """Return the checks of amounts that are no plain decimals."""
    predicates = [predicate for source, type_ in parts if (predicate := _not_finite(source, type_))]
    endless = [Check("not_finite", column.name, " OR ".join(predicates))] if predicates else []
    return [*endless, *marked(column, [source for source, type_ in parts if type_ == "VARCHAR"])]


def _usable(kind: str) -> bool:
    return kind in (*INTEGERS, "FLOAT", "DOUBLE", "VARCHAR") or kind.startswith("DECIMAL")


def _number(source: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"CASE WHEN regexp_full_match(trim({source}), '{_NUMBER}') THEN trim({source}) END"
    if kind == "FLOAT":
        return f"CAST({source} AS VARCHAR)"
    return source


def _empty(source: str, kind: str) -> str:
    return f"coalesce(trim({source}), '') = ''" if kind == "VARCHAR" else f"{source} IS NULL"


def _not_finite(source: str, kind: str) -> str:
    if kind in ("FLOAT", "DOUBLE"):
        return f"NOT isfinite({source})"
    return f"regexp_full_match(lower(trim({source})), '{_NOT_FINITE}')" if kind == "VARCHAR" else ""


def _three_decimals(column: Column, texts: list[str], inexact: str, units: str) -> list[Check]:
    """Return the check of texts such as ``1.234`` and ``1.250``, which may be 1,234 and 1,250 as well.

    Currencies with three digits have such amounts. Where most rows have three decimals, that is how the
    source writes all of them (`crm_ml.tables.staging`).
    """
    ends = " OR ".join(f"ends_with({text}, '0')" for text in texts)
    ambiguous = f"({inexact} OR (({units}) < 1000 AND ({ends})))"
    alike = " OR ".join(f"regexp_full_match({text}, '{_THREE_DECIMALS}')" for text in texts)
    usual = " OR ".join(f"regexp_full_match({text}, '[^.]*\\.[0-9]{{3}}')" for text in texts)
    return [
        Check("three_decimals", column.name, f"({alike}) AND {ambiguous}"),
        Check("usual_decimals", column.name, usual, "fact"),
    ]

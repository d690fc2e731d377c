"""Refusals of whole tables by their counts; each says what, in how many rows and what to do."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crm_ml.tables.contract import Column
from crm_ml.tables.limits import limit
from crm_ml.tables.sql import ident, shown
from crm_ml.tables.staging import Staged
from crm_ml.tables.times import MICROSECONDS

if TYPE_CHECKING:
    import duckdb

_MOST_CENTS = 2**63 - 1
_ZONES = ("aware", "naive")
_FORMS = {
    "fractional": ("has a fraction of a cent", "declare unit: major"),
    "thousands": ("separates thousands as in 1,234.56", "declare thousands: ','"),
    "decimal_comma": (
        "has a comma before its decimals",
        "declare decimal: ',' (and thousands: '.' if it has one)",
    ),
    "full_width_digits": ("has full-width digits", "write plain digits at the source"),
}
_CODE = re.compile(r"[A-Za-z]{3}|none")
_FLOAT_TEXT = "a float written as text"


def refuse_by_counts(staged: Staged) -> None:
    """Refuse empty tables, columns that are mostly invalid, and mixed times, by counts of single rows."""
    if staged.report.read == 0 and staged.report.left_out:
        parts = " and ".join(staged.report.left_out)
        rows = sum(staged.report.left_out.values())
        staged.refusals.append(
            f"{parts} leave{'s' if len(staged.report.left_out) == 1 else ''} none of its {rows:,} rows; compare "
            f"with the cells of the file; present are {shown(staged.types)}"
        )
        return
    if staged.report.read == 0:
        staged.refusals.append("has no rows; export it again or leave the table out")
        return
    for column in (*staged.columns, *staged.order_amounts):
        if column.name in staged.mapped:
            staged.refusals += list(_of_column(staged, column))


def _of_column(staged: Staged, column: Column) -> Iterator[str]:
    if _too_many(staged, column, "null"):
        yield _where(staged, column, "null", "is null") + "; fill them at the source or map another column"
    form = [*(_of_times(staged, column) if column.kind == "time" else _of_numbers(staged, column))]
    yield from form
    if _too_many(staged, column, "unreadable") and not form:
        text = _where(staged, column, "unreadable", f"can't be read as {column.kind}")
        yield f"{text}; map another column or declare its form"
    if _too_many(staged, column, "future"):
        text = _where(staged, column, "future", "is at or after known_until")
        yield f"{text}; correct known_until or the times"


def _of_numbers(staged: Staged, column: Column) -> Iterator[str]:
    for kind, (text, advice) in _FORMS.items():
        if _too_many(staged, column, kind):
            yield _where(staged, column, kind, text) + f"; {advice}"


def _of_times(staged: Staged, column: Column) -> Iterator[str]:
    name, rows = column.name, {kind: staged.counts.get(f"{kind}_{column.name}", 0) for kind in _ZONES}
    if _too_many(staged, column, "digits"):
        text = _where(staged, column, "digits", "is digits only, a date as a number or an epoch,")
        yield f"{text}; declare format or epoch"
    elif _out_of_time(staged, column) > limit(staged.mapping.allow, "implausible", name) * staged.report.read:
        yield _implausible(staged, column)
    days = staged.counts.get(f"day_only_{name}", 0)
    if days and rows["naive"]:
        text = _where(staged, column, "day_only", "is a day without a clock")
        staged.report.warnings.append(f"{text}, taken as its midnight, while other rows have a clock")
    if all(rows.values()):
        yield (
            f"{name} has a time zone in {rows['aware']:,} rows and none in {rows['naive']:,} rows "
            f"(first: row {staged.first['naive_' + name]:,}); write all in one way"
        )


def _too_many(staged: Staged, column: Column, kind: str) -> bool:
    rows = staged.counts.get(f"{kind}_{column.name}", 0)
    return rows > limit(staged.mapping.allow, kind, column.name) * staged.report.read


def _where(staged: Staged, column: Column, kind: str, text: str) -> str:
    rows, first = (counts[f"{kind}_{column.name}"] for counts in (staged.counts, staged.first))
    return f"{column.name} {text} in {rows:,} of {staged.report.read:,} rows (first: row {first:,})"


def _implausible(staged: Staged, column: Column) -> str:
    """Return the refusal of a column whose times are mostly implausible, with the unit of epoch that fits."""
    name, read, fits = column.name, staged.report.read, _fits(staged, column)
    text = f"{name} lies outside 1971 to 2099 in {_out_of_time(staged, column):,} of {read:,} rows"
    unit = max(fits, key=lambda unit: fits[unit])
    if fits[unit]:
        return f"{text}; declare epoch: {unit}, by which {fits[unit]:,} rows are plausible"
    return f"{text}; map another column or declare its form"


def _out_of_time(staged: Staged, column: Column) -> int:
    """Return the rows of implausible time, and those beyond any calendar where another unit fits."""
    kinds = ("sentinel", "implausible", *(("unreadable",) if any(_fits(staged, column).values()) else ()))
    return sum(staged.counts.get(f"{kind}_{column.name}", 0) for kind in kinds)


def _fits(staged: Staged, column: Column) -> dict[str, int]:
    return {unit: staged.counts.get(f"fits_{unit}_{column.name}", 0) for unit in MICROSECONDS}


def refuse_between(tables: dict[str, Staged], declared_zone: bool) -> None:
    """Refuse tables that disagree: ids of different types, times with and without a zone."""
    for staged in tables.values():
        for column, other in staged.contract.references.items():
            if other in tables and column in staged.mapped and staged.typed and tables[other].typed:
                _compare_ids(staged, column, tables[other])
    if declared_zone:
        return
    aware, naive = (_first_with(tables, kind) for kind in ("aware", "naive"))
    if aware and naive and aware[0] is not naive[0]:
        naive[0].refusals.append(
            f"{naive[1]} has no time zone while {aware[1]} of {aware[0].name} has one; declare timezone"
        )


def _compare_ids(staged: Staged, column: str, other: Staged) -> None:
    key = other.contract.key[0]
    mine, theirs = _type_of_id(staged, column), _type_of_id(other, key)
    if (
        other.mapping.ids_of is None
        and mine != theirs
        and ((mine and theirs) or _FLOAT_TEXT in (mine, theirs))
    ):
        mine, theirs = mine or "text", theirs or "text"
        staged.refusals.append(
            f"{column} is {mine} while {key} of {other.name} is {theirs}; write the id in one type, as text"
        )


def _type_of_id(staged: Staged, column: str) -> str:
    floats = staged.counts.get(f"float_text_{column}", 0)
    if floats and floats + staged.counts.get(f"null_{column}", 0) == staged.report.read:
        return _FLOAT_TEXT
    return staged.readings[column].kind_of_type


def _first_with(tables: dict[str, Staged], kind: str) -> tuple[Staged, str] | None:
    for staged in tables.values():
        for column in staged.columns:
            if staged.counts.get(f"{kind}_{column.name}"):
                return staged, column.name
    return None


def refuse_repairs(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Refuse amounts where too much money has more decimals than its currency: they may be thousands.

    Amounts with three decimals count, though each is set aside.
    """
    for column in (*staged.columns, *staged.order_amounts):
        rounded = [check for check in staged.checks.all if check.reason == f"rounded_{column.name}"]
        if not rounded or not staged.counts[rounded[0].reason]:
            continue
        money = f"sum(abs({ident(column.name)}))"
        three = [
            staged.checks.holds(c) for c in staged.checks.all if c.reason == f"three_decimals_{column.name}"
        ]
        sums = connection.execute(
            f"SELECT {money} FILTER ({staged.checks.holds(rounded[0])}), {money} FROM {staged.stage} "
            f"WHERE {' OR '.join([f'NOT {staged.checks.fails()}', *three])}"
        ).fetchone()
        share = float((sums[0] or 0) / sums[1]) if sums and sums[1] else 0.0
        if share > limit(staged.mapping.allow, "rounded", column.name):
            text = _where(staged, column, "rounded", "has more decimals than its currency")
            staged.refusals.append(
                f"{text}, {share:.1%} of the money; if the point separates thousands, declare thousands: '.' "
                f"and decimal: ','; if not, allow: {{{rounded[0].reason}: 1}}"
            )


def _beyond_sums(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> list[str]:
    """Return refusals of amounts whose sum no 64-bit integer holds, though each amount fits one."""
    names = [column.name for column in staged.columns if column.kind == "cents" and not column.any_year]
    if not names:
        return []
    sides = ", ".join(
        f"greatest(sum({ident(n)}) FILTER ({ident(n)} > 0), -sum({ident(n)}) FILTER ({ident(n)} < 0))"
        for n in names
    )
    sums = connection.execute(f"SELECT {sides} FROM {ident('good_' + staged.name)}").fetchone() or ()
    return [
        f"{name} adds up to more than {_MOST_CENTS:,}; check its unit, or convert at the source"
        for name, total in zip(names, sums, strict=True)
        if total is not None and total > _MOST_CENTS
    ]


def refuse_accepted(connection: "duckdb.DuckDBPyConnection", staged: Staged, currency: str | None) -> None:
    """Refuse tables without an accepted row, with all orders on one day, or with several currencies.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table.
    currency : str, optional
        Code of the currency that the mapping declares.
    """
    good = ident(f"good_{staged.name}")
    if staged.report.accepted == 0:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in staged.report.quarantined.items())
        staged.refusals.append(f"no row of {staged.report.read:,} is left ({reasons}); correct the source")
        return
    staged.refusals += _beyond_sums(connection, staged)
    if "ordered_at" in staged.names:
        days = connection.execute(
            f"SELECT count(DISTINCT order_id), min(ordered_at)::DATE, max(ordered_at)::DATE FROM {good}"
        ).fetchone()
        if days and days[0] > 1 and days[1] == days[2] and not staged.mapping.one_day:
            staged.refusals.append(
                f"all {days[0]:,} orders are on {days[1]}; map the time of the order, not that of the export"
            )
    if "currency" in staged.mapped:
        rows = connection.execute(
            f"SELECT coalesce(currency, 'none'), count(*) FROM {good} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 6"
        ).fetchall()
        if len(rows) > 1 or (currency is not None and rows[0][0] != currency):
            texts = [f"{code if _CODE.fullmatch(code) else 'no code'} in {n:,} rows" for code, n in rows]
            staged.refusals.append(
                f"currency is mixed ({', '.join(texts)}); give currency.rates or convert at the source"
            )

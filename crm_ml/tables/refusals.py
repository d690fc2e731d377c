"""Refusals of whole tables by their counts; each says what, in how many rows and what to do."""

import re
from typing import TYPE_CHECKING

from crm_ml.tables.column_refusals import CountedColumn
from crm_ml.tables.failing_cells import first_written_as, written_as
from crm_ml.tables.limits import limit
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

_MOST_CENTS = 2**63 - 1
_CODE = re.compile(r"[A-Za-z]{3}|none")
_FLOAT_TEXT = "a float written as text"


def refuse_between(
    connection: "duckdb.DuckDBPyConnection", tables: dict[str, Staged], declared_zone: bool
) -> None:
    """Refuse tables that disagree: ids of different types, times with and without a zone."""
    for staged in tables.values():
        for column, other in staged.contract.references.items():
            if other in tables and column in staged.mapped and staged.typed and tables[other].typed:
                _compare_ids(staged, column, tables[other])
    if declared_zone:
        return
    aware, naive = (_first_with(tables, kind) for kind in ("aware", "naive"))
    if aware and naive and aware[0] is not naive[0]:
        cells = [written_as(connection, staged, name, staged.first[f"{kind}_{name}"])
                 for kind, (staged, name) in (("naive", naive), ("aware", aware))]  # fmt: skip
        naive[0].refusals.append(
            f"{naive[1]} has no time zone{cells[0]}, while {aware[1]} of {aware[0].name} has one{cells[1]}; "
            "declare timezone"
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
            counted = CountedColumn(connection, staged, column)
            text = counted.fault("rounded", "has more decimals than its currency")
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
        counts = staged.report.quarantined
        reasons = ", ".join(f"{rows:,} {reason}" for reason, rows in counts.items())
        most = max(counts, key=lambda reason: counts[reason], default="")
        cell = first_written_as(connection, staged, most)
        staged.refusals.append(
            f"no row of {staged.report.read:,} is left ({reasons}){cell}; correct the source"
        )
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

"""Which rows of a source are of a table: cells filled down, ``where``, and orders that never came to be.

Rows that are left out are no rows of the table: they are counted in the report beside those read, and set
aside by no check. Cells are filled first, so that a status that stands once an order is that of all its rows.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from crm_ml.errors import InputError
from crm_ml.rules.grammar import columns, parse
from crm_ml.tables.cell_shape import shown_of_file
from crm_ml.tables.mapping import TableMapping
from crm_ml.tables.mapping_parts import Cancelled, ColumnMapping, FilledDown
from crm_ml.tables.number_text import number_cell
from crm_ml.tables.raw_rule import RawRule, trimmed
from crm_ml.tables.ready_mappings import expects
from crm_ml.tables.row_checks import Check
from crm_ml.tables.row_currency import RowCurrency
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.staging import Staged

LEFT_OUT: Final = '"row:left_out"'
UNDECIDED: Final = '"row:undecided"'
#: Rows of which ``where`` compares a filled text with a number, and it is none.
UNDECIDED_CHECK: Final = Check("unreadable", "where", UNDECIDED)


def is_declared(mapping: TableMapping) -> bool:
    """Return whether a table has any of what this module does."""
    return any(part is not None for part in (mapping.fill_down, mapping.where, mapping.cancelled))


def named_columns(mapping: TableMapping) -> set[str]:
    """Return the raw columns that the declarations of this module name."""
    filled, cancelled = mapping.fill_down, mapping.cancelled
    return {
        *((*filled.columns, filled.within) if filled else ()),
        *((test.column for test in columns(parse(mapping.where))) if mapping.where else ()),
        *((cancelled.column,) if cancelled else ()),
    }


def choose_rows(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    mapping: TableMapping,
    types: Mapping[str, str],
    currency: RowCurrency,
) -> list[str]:
    """Create ``rows_<name>`` from ``raw_<name>``: filled cells, why a row is left out, and undecided rows.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    name : str
        Of the table.
    mapping : TableMapping
    types : mapping of str to str
        Raw columns and their DuckDB types.
    currency : RowCurrency
        Declared one, whose signs may stand in amounts.

    Returns
    -------
    list of str
        What is wrong; where anything is, nothing is created.
    """
    faults = _absent(mapping, types)
    rule: RawRule | None = None
    try:
        rule = RawRule(mapping.where, types, partial(_plain, mapping, currency)) if mapping.where else None
    except InputError as error:
        faults.append(str(error))
    if faults:
        return faults
    cases = [f"WHEN NOT {rule.possible()} THEN 'where'"] if rule else []
    cases += [f"WHEN {_is_cancelled(mapping.cancelled)} THEN 'cancelled'"] if mapping.cancelled else []
    reason = f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"
    undecided = f"NOT {rule.true()}" if rule else "false"
    source, kind = ident(f"raw_{name}"), "VIEW"
    numbers = rule.numbers() if rule else ""
    if mapping.fill_down is not None:
        source, kind = f"(SELECT {_filled(mapping.fill_down)} FROM {source})", "TABLE"
    connection.execute(
        f"CREATE {kind} {ident(f'rows_{name}')} AS SELECT *, {reason} AS {LEFT_OUT}, "
        f"{undecided} AS {UNDECIDED} FROM (SELECT *{numbers} FROM {source})"
    )
    return []


def _absent(mapping: TableMapping, types: Mapping[str, str]) -> list[str]:
    """Return the refusals of unknown columns under fill_down and cancelled."""
    filled, cancelled = mapping.fill_down, mapping.cancelled
    of_part = {
        "fill_down": (*filled.columns, filled.within) if filled else (),
        "cancelled": (cancelled.column,) if cancelled else (),
    }
    absent = {part: [name for name in names if name not in types] for part, names in of_part.items()}
    present = shown_of_file(types, types, named_columns(mapping))
    return [
        f"{part} reads {', '.join(names)}, which the source does not have; present are {present}"
        for part, names in absent.items()
        if names
    ]


def _filled(rule: FilledDown) -> str:
    """Return the SQL of all columns, those of `rule` with the last filled cell above in the same group."""
    whole = trimmed(rule.within)
    cells = []
    for name in rule.columns:
        filled = f"CASE WHEN {trimmed(name)} IS NOT NULL THEN {ident(name)} END"
        above = f"last_value({filled} IGNORE NULLS) OVER (PARTITION BY {ident(rule.within)} ORDER BY {ROW})"
        cells.append(f"CASE WHEN {whole} IS NULL THEN {ident(name)} ELSE {above} END AS {ident(name)}")
    return f"* REPLACE ({', '.join(cells)})"


def _is_cancelled(cancelled: Cancelled) -> str:
    status = trimmed(cancelled.column)
    values = ", ".join(literal(str(value).strip()) for value in cancelled.values)
    return f"coalesce({status} IN ({values}), false)"  # of which thousands cost no more than one


def _plain(mapping: TableMapping, currency: RowCurrency, name: str, text: str) -> str:
    """Return the SQL of a raw text as the plain number that the column of the mapping reads it as."""
    hows = [how for how in mapping.columns.values() if name in how.named]
    return number_cell(text, hows[0] if hows else ColumnMapping(column=name), replace(currency, row=""))


def report_left_out(connection: "duckdb.DuckDBPyConnection", staged: "Staged", raws: str) -> None:
    """Count the rows that are left out and their money, and refuse orders that are cancelled by halves.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        Its report and refusals are filled in place.
    raws : str
        SQL of the raw columns as readings name them, over ``rows_<name>``.
    """
    paid = staged.readings.get("paid_cents")
    rows = connection.execute(
        f"SELECT reason, count(*), coalesce(sum({paid.value if paid else '0'}), 0) FROM ("
        f"SELECT {LEFT_OUT} AS reason, {raws} FROM {staged.rows} WHERE {LEFT_OUT} IS NOT NULL) "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    staged.report.left_out = {reason: count for reason, count, _ in rows}
    if paid:
        staged.report.left_out_cents = {reason: int(cents) for reason, _, cents in rows}
    _warn_amounts_left_out(connection, staged, raws)
    if staged.mapping.cancelled is not None:
        _check_statuses(connection, staged, staged.mapping.cancelled, raws)


def _warn_amounts_left_out(connection: "duckdb.DuckDBPyConnection", staged: "Staged", raws: str) -> None:
    """Warn of amounts of whole orders that stand only on rows that are left out, while other rows stay."""
    per_order = [name for name, how in staged.mapping.columns.items() if how.per is not None]
    names = [*per_order, *(column.name for column in staged.order_amounts)]
    if not names or "order_id" not in staged.mapped:
        return
    amount = " OR ".join(f"coalesce({staged.readings[name].value}, 0) <> 0" for name in names)
    lines = (
        f"SELECT {staged.readings['order_id'].value} AS id, {LEFT_OUT} IS NULL AS stays, "
        f"{amount} AS has_amount FROM (SELECT {LEFT_OUT}, {raws} FROM {staged.rows})"
    )
    orders = connection.execute(
        f"SELECT id FROM ({lines}) WHERE id IS NOT NULL GROUP BY id HAVING bool_or(stays) "
        "AND bool_or(has_amount AND NOT stays) AND NOT bool_or(has_amount AND stays)"
    ).fetchall()
    if orders:
        staged.report.warnings.append(
            f"{len(orders):,} orders have an amount under less or per: order only on rows that are left out; "
            "it is not shared over the rows that stay. Declare fill_down of it, or leave out whole orders"
        )


def _check_statuses(
    connection: "duckdb.DuckDBPyConnection", staged: "Staged", cancelled: Cancelled, raws: str
) -> None:
    """Warn of values that no row has, and refuse statuses that stand on some rows of an order alone."""
    status = trimmed(cancelled.column)
    query = f"SELECT DISTINCT {status} FROM {staged.rows} WHERE {LEFT_OUT} = 'cancelled'"
    present = {row[0] for row in connection.execute(query).fetchall()}
    values = [str(value) for value in cancelled.values]
    absent = [text for text in values if text.strip() not in present]
    if absent and not all(expects(staged.like, staged.name, text) for text in absent):
        staged.report.warnings.append(
            f"cancelled: {', '.join(absent)} stands in no row of {cancelled.column}; compare the spelling"
        )
    how = staged.mapping.columns.get("order_id")
    if "order_id" not in staged.mapped or (how is not None and how.made):
        return
    lines = (
        f"SELECT reason, empty, {staged.readings['order_id'].value} AS id FROM (SELECT {LEFT_OUT} AS reason, "
        f"{status} IS NULL AS empty, {raws} FROM {staged.rows})"
    )
    halves = connection.execute(
        f"WITH lines AS MATERIALIZED ({lines}) SELECT count(*) FROM lines WHERE reason IS NULL AND empty "
        "AND id IN (SELECT id FROM lines WHERE reason = 'cancelled')"
    ).fetchone()
    if halves and halves[0]:
        staged.refusals.append(
            f"cancelled: {cancelled.column} is empty in {halves[0]:,} other rows of cancelled orders; where "
            f"it stands once an order, declare fill_down: {{columns: [{cancelled.column}], within: <order>}}"
        )

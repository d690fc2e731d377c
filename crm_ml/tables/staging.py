"""Read and type a table once, with the checks of each row as bits beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.tables.cleaning_report import TableReport
from crm_ml.tables.column_sql import missing, raw, read_column
from crm_ml.tables.contract import Column, Contract
from crm_ml.tables.declared_form import with_form
from crm_ml.tables.file_sources import CsvFile
from crm_ml.tables.limits import LIMITS, limit
from crm_ml.tables.made_ids import make_ids
from crm_ml.tables.mapping import TableMapping
from crm_ml.tables.order_amounts import PAID, as_read, less_columns, negative_checks
from crm_ml.tables.reading import Reading, ReadingContext
from crm_ml.tables.row_checks import Check, Checks, sign_checks
from crm_ml.tables.row_filter import (
    LEFT_OUT,
    UNDECIDED,
    UNDECIDED_CHECK,
    choose_rows,
    is_declared,
    report_left_out,
)
from crm_ml.tables.source_columns import Hows, currency_of_row, resolve
from crm_ml.tables.sources import ROW, TableSource
from crm_ml.tables.sql import columns as quoted
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

_TYPES = {'"NULL"': "VARCHAR"}


@dataclass
class Staged:
    """A table being cleaned: the raw view ``raw_<name>``, the typed table ``stage_<name>`` and its counts.

    Parameters
    ----------
    contract : Contract
    mapping : TableMapping
    like : str, optional
        Ready mapping below the mapping.
    columns : tuple of Column
        Contract columns, then attributes.
    order_amounts : tuple of Column
        Amounts of whole orders that are taken off their lines; they are no column of the accepted rows.
    mapped : frozenset of str
        Contract columns that the source fills.
    readings : dict of str to Reading
    checks : Checks
    counts, first : dict of str to int
        Rows that match each check, and the number of the first one, by reason.
    refusals : list of str
        Reasons to refuse the table, without its name.
    report : TableReport
    types : dict of str to str
        Raw columns and their DuckDB types.
    used : frozenset of str
        Raw columns that the mapping reads.
    typed : bool
        Whether ``stage_<name>`` exists.
    """

    contract: Contract
    mapping: TableMapping
    like: str | None = None
    columns: tuple[Column, ...] = ()
    order_amounts: tuple[Column, ...] = ()
    mapped: frozenset[str] = frozenset()
    readings: dict[str, Reading] = field(default_factory=dict)
    checks: Checks = field(default_factory=lambda: Checks(()))
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    report: TableReport = field(default_factory=TableReport)
    types: dict[str, str] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    typed: bool = False

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.contract.name

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [column.name for column in self.columns]

    @property
    def kept(self) -> list[str]:
        """Raw columns that may stand in a file: all but those ignored; what is read is not ignored."""
        ignored = self.types if "*" in self.mapping.ignore else self.mapping.ignore
        return [name for name in self.types if name in self.used or name not in ignored]

    @property
    def stage(self) -> str:
        """Quoted name of the typed table."""
        return ident(f"stage_{self.name}")

    @property
    def rows(self) -> str:
        """Quoted name of the raw rows, of which ``where`` may leave some out."""
        return ident(f"{'rows' if is_declared(self.mapping) else 'raw'}_{self.name}")

    @property
    def late(self) -> str:
        """Quoted name of the table of rows rejected by rules over several rows: `_row` and reason."""
        return ident(f"late_{self.name}")

    def good(self) -> str:
        """Return the SQL of the typed rows that are not rejected so far."""
        return (
            f"(SELECT * FROM {self.stage} AS s WHERE NOT {self.checks.fails()} "
            f"AND NOT EXISTS (FROM {self.late} AS l WHERE l.{ROW} = s.{ROW}))"
        )


def stage(
    connection: "duckdb.DuckDBPyConnection",
    staged: Staged,
    source: TableSource,
    context: ReadingContext,
    types: dict[str, str],
) -> None:
    """Type the rows of an open source into ``stage_<name>`` and count every check.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        Filled in place.
    source : TableSource
    context : ReadingContext
        Time zone, time of extraction, and currency.
    types : dict of str to str
        Raw columns and types, as opening `source` returned them.
    """
    staged.types = types = {name: _TYPES.get(kind, kind) for name, kind in types.items()}
    staged.report.warnings += source.notes if isinstance(source, CsvFile) else ()
    hows = resolve(staged, source, types)
    currency = replace(context.currency, row=currency_of_row(staged, hows))
    context = replace(context, types=types, untyped=isinstance(source, CsvFile), currency=currency)
    _read(connection, staged, hows, context)
    if is_declared(staged.mapping):
        staged.refusals += choose_rows(connection, staged.name, staged.mapping, types, currency)
    if staged.refusals:
        return
    staged.checks = Checks(tuple(_checks(staged, context)))
    _create(connection, staged)
    make_ids(connection, staged.stage, staged.mapping.columns, context.timezone)
    _count(connection, staged)


def _read(
    connection: "duckdb.DuckDBPyConnection", staged: Staged, hows: Hows, context: ReadingContext
) -> None:
    """Fill in the readings of all columns, of amounts of whole orders too, and the refusals of these."""
    less = [part for part in less_columns(staged.mapping.columns.get(PAID)) if part[1].column in staged.types]
    staged.order_amounts = tuple(column for column, _ in less)
    hows = [*((as_read(column, how), how) for column, how in hows), *less]
    for column, how in hows:
        reading = missing(column) if how is None or how.made else read_column(column, how, context)
        staged.readings[column.name] = reading
    staged.refusals += [
        with_form(connection, staged, column, reading.refusal)
        for column, _ in hows
        if (reading := staged.readings[column.name]).refusal
    ]
    staged.mapped = frozenset(column.name for column, how in hows if how is not None)


def _checks(staged: Staged, context: ReadingContext) -> Iterator[Check]:
    if staged.mapping.where:
        yield UNDECIDED_CHECK
    yield from _cancellations(staged)
    for reading in staged.readings.values():
        yield from reading.checks
    yield from sign_checks(staged.names)
    yield from negative_checks(staged.order_amounts)
    yield from context.currency.unnamed()


def _in_context(staged: Staged, check: Check) -> Check:
    """Return a check; that of three decimals sets no row aside where they are usual or allowed."""
    if check.kind != "three_decimals":
        return check
    commas = staged.counts[f"with_decimal_comma_{check.column}"]  # the point may then separate thousands
    usual = staged.counts[f"usual_decimals_{check.column}"] > staged.report.read / 2 and not commas
    allowed = limit(staged.mapping.allow, "rounded", check.column) > LIMITS["rounded"]
    return replace(check, level="fact") if usual or allowed else check


def _cancellations(staged: Staged) -> list[Check]:
    rule = staged.mapping.cancellations
    if rule is None:
        return []
    start = f"starts_with(CAST({raw(rule.column)} AS VARCHAR), {literal(rule.starts_with)})"
    linked = "refund_of IS NULL AND " if "refund_of" in staged.names else ""
    return [Check("cancellation", "", linked + start)]


def _create(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    raws = ", ".join(
        [f"{f'CAST({ident(name)} AS VARCHAR)' if kind == 'VARCHAR' else ident(name)} AS {raw(name)}"
         for name, kind in staged.types.items()]
        + [f"{sql} AS {cell}" for reading in staged.readings.values() for cell, sql in reading.cells.items()]
    )  # fmt: skip
    rows = f"{raws} FROM {staged.rows}"
    if is_declared(staged.mapping):
        report_left_out(connection, staged, raws)
        rows = f"{raws}, {UNDECIDED} FROM {staged.rows} WHERE {LEFT_OUT} IS NULL"
    values = ", ".join(f"{reading.value} AS {ident(name)}" for name, reading in staged.readings.items())
    masks = ", ".join(staged.checks.masks())
    connection.execute(
        f"CREATE TABLE {staged.stage} AS SELECT {ROW}, _raw, {quoted(list(staged.readings))}, {masks} FROM ("
        f"SELECT *, {values} FROM (SELECT {ROW}, hash({quoted(list(staged.types))}) AS _raw, {rows}))"
    )
    connection.execute(f"CREATE TABLE {staged.late} ({ROW} BIGINT, reason VARCHAR)")
    staged.typed = True


def _count(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    counted = connection.execute(
        f"SELECT count(*), count(*) - count(DISTINCT _raw) FROM {staged.stage}"
    ).fetchone()
    if counted is None:
        raise InputError(f"{staged.name}: no counts came back")
    staged.report.read = counted[0]
    masks = ", ".join(staged.checks.mask_names())
    groups = connection.execute(
        f"SELECT count(*), min({ROW}), {masks} FROM {staged.stage} GROUP BY {masks}"
    ).fetchall()
    for check in staged.checks.all:
        staged.counts[check.reason] = sum(n for n, _, *bits in groups if staged.checks.is_in(check, bits))
    staged.checks = Checks(tuple(_in_context(staged, check) for check in staged.checks.all))
    for check in staged.checks.all:
        matching = [(rows, first, bits) for rows, first, *bits in groups if staged.checks.is_in(check, bits)]
        count, first = staged.counts[check.reason], min((group[1] for group in matching), default=0)
        staged.first[check.reason] = first
        if count and check.level == "quarantine":
            staged.report.checks[check.reason] = count
        elif count and check.level == "fix":
            fixed = sum(rows for rows, _, bits in matching if not staged.checks.is_failing(bits))
            staged.report.fixes |= {check.reason: fixed} if fixed else {}
        elif count and check.level == "warn":
            staged.report.warnings.append(f"{count:,} rows: {check.reason} (first: row {first:,})")
    if counted[1]:
        staged.report.checks["exact_duplicate"] = counted[1]

"""Cleaning: every row of the sources is accepted or quarantined with a reason, or the tables are refused.

The order is fixed: single rows (first failing check in column order), then ids unknown to a referenced table,
then repeated keys, then refunds. A refund that names its order becomes a negative line of that order at the
time of the refund, so the order is unchanged at any time before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import InputError
from crm_ml.storage.paths import data_folder
from crm_ml.tables.cleaning_report import CleaningReport
from crm_ml.tables.column_refusals import refuse_by_counts
from crm_ml.tables.contract import contracts
from crm_ml.tables.engine import connect
from crm_ml.tables.heavy_ids import warn_heavy_ids
from crm_ml.tables.mapping import Mapping, TableMapping
from crm_ml.tables.output import write_tables
from crm_ml.tables.personal import pseudonymised
from crm_ml.tables.queries import IdsOf
from crm_ml.tables.reading import ReadingContext
from crm_ml.tables.ready_mappings import UNVERIFIED_NOTE
from crm_ml.tables.refunds import numbered_refunds, refund_ids, report_refunds
from crm_ml.tables.refusals import refuse_accepted, refuse_between, refuse_repairs
from crm_ml.tables.row_currency import RowCurrency, code_in_capitals
from crm_ml.tables.row_rules import reject_far_times, reject_repeated, reject_unknown, reject_unlinked
from crm_ml.tables.set_aside import settle_counts
from crm_ml.tables.shared_amounts import share_amounts
from crm_ml.tables.similar_ids import warn_similar_ids
from crm_ml.tables.source_errors import explain
from crm_ml.tables.sources import TableSource
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.staging import Staged, stage
from crm_ml.tables.table_profile import compare_medians, record_medians
from crm_ml.tables.times import epoch_seconds
from crm_ml.tables.zones import moment_in

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Opened:
    """Sources opened on one connection, each as the view ``raw_<table>``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    sources : dict of str to TableSource
    types : dict of str to dict
        Raw columns and their DuckDB types by table.
    refusals : list of str
        Errors of sources that could not be opened.
    """

    connection: "duckdb.DuckDBPyConnection"
    sources: dict[str, TableSource]
    types: dict[str, dict[str, str]]
    refusals: list[str]


def open_sources(sources: dict[str, TableSource], mapped: dict[str, TableMapping], target: Path) -> Opened:
    """Open every source and collect the errors of those that fail, so that all are reported at once.

    Personal columns of the mapped tables are pseudonyms in the views. The connection reads and writes the
    folders of the sources, also behind links, of `target` and of rewritten texts, and nothing else.
    """
    import duckdb

    files = [file for source in sources.values() for file in source.files]
    folders = {place.parent for file in files for place in (file, file.resolve())}
    opened = Opened(connect(folders=[*sorted(folders), data_folder() / "tables", target]), sources, {}, [])
    for name, source in sources.items():
        try:
            if name in mapped and mapped[name].personal:
                types = source.open(opened.connection, f"plain_{name}")
                opened.types[name] = pseudonymised(
                    opened.connection, f"plain_{name}", f"raw_{name}", types, mapped[name]
                )
            else:
                opened.types[name] = source.open(opened.connection, f"raw_{name}")
        except (InputError, OSError, duckdb.Error) as error:
            opened.refusals.append(f"{name}: {explain(source, error)}")
    return opened


def clean(
    opened: Opened, mapping: Mapping, folder: Path, root: Path, progress: Progress | None = None
) -> CleaningReport:
    """Clean all tables and write the accepted and the quarantined rows.

    Parameters
    ----------
    opened : Opened
    mapping : Mapping
    folder : Path
        Takes ``<table>.parquet``, ``quarantine/<table>.parquet`` and ``report.json``.
    root : Path
        Folder that ``mapping.profile`` is relative to.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    CleaningReport

    Raises
    ------
    InputError
        Listing every breach of every table, one per line; nothing is written then.
    """
    tell = progress or (lambda _: None)
    of_contract = {name: contract for name, contract in contracts().items() if name in mapping.tables}
    tables = {
        name: Staged(contract, mapping.tables[name], mapping.like) for name, contract in of_contract.items()
    }
    _stage_all(opened, mapping, tables, tell)
    if mapping.unverified and "order_lines" in tables:
        tables["order_lines"].report.warnings.append(f"the ready mapping {mapping.like} is {UNVERIFIED_NOTE}")
    refuse_between(opened.connection, tables, mapping.timezone is not None)
    for name in _in_order(tables):
        if tables[name].typed and not tables[name].refusals:
            tell(f"checking {name}")
            _finish(opened.connection, tables[name], mapping, tables)
    compare_medians(tables, mapping.profile, root)
    refusals = [
        *opened.refusals,
        *(f"{name}: {text}" for name, table in tables.items() for text in table.refusals),
    ]
    if refusals:
        raise InputError("\n".join(refusals))
    tell("writing the accepted tables")
    reports = {name: table.report for name, table in tables.items()}
    report = CleaningReport(reports, folder, mapping.zone, _currency(opened.connection, mapping))
    write_tables(opened.connection, tables, report, folder)
    return report


def _stage_all(opened: Opened, mapping: Mapping, tables: dict[str, Staged], tell: Progress) -> None:
    import duckdb

    declared = mapping.currency
    currency = RowCurrency() if declared is None else RowCurrency(declared.code, declared.rates)
    context = ReadingContext({}, mapping.timezone or "UTC", _moment(mapping), currency=currency)
    for name in sorted(tables, key=lambda name: mapping.tables[name].ids_of is not None):
        if mapping.tables[name].ids_of is not None:
            _collect_ids(opened, tables, name)
        if name not in opened.types:
            continue
        tell(f"reading {name}")
        try:
            stage(opened.connection, tables[name], opened.sources[name], context, opened.types[name])
            if tables[name].typed:
                report = tables[name].report
                opened.sources[name].refuse_lost_rows(report.read + sum(report.left_out.values()))
        except (InputError, duckdb.Error) as error:
            tables[name].refusals.append(explain(opened.sources[name], error))
        else:
            if tables[name].typed:
                refuse_by_counts(opened.connection, tables[name])
                refuse_repairs(opened.connection, tables[name])


def _collect_ids(opened: Opened, tables: dict[str, Staged], name: str) -> None:
    """Create the raw view of a table from the ids that other tables use."""
    key = tables[name].contract.key[0]
    origins = [tables[other] for other in tables[name].mapping.ids_of or ()]
    selects = [
        f"SELECT {ident(column)} AS id FROM {origin.stage} WHERE NOT {origin.checks.fails()}"
        for origin in origins
        if origin.typed and not origin.refusals
        for column, other in origin.contract.references.items()
        if other == name
    ]
    if selects:
        source = IdsOf(" UNION ".join(selects), key)
        opened.sources[name] = source
        opened.types[name] = source.open(opened.connection, f"raw_{name}")


def _finish(
    connection: "duckdb.DuckDBPyConnection", staged: Staged, mapping: Mapping, tables: dict[str, Staged]
) -> None:
    share_amounts(connection, staged, mapping.currency.code if mapping.currency else "")
    if staged.refusals:
        return
    finished = {name: table for name, table in tables.items() if table.typed and not table.refusals}
    reject_unknown(connection, staged, finished)
    if staged.refusals:
        return
    reject_far_times(connection, staged)
    reject_repeated(connection, staged)
    reject_unlinked(connection, staged, mapping.timezone or "UTC")
    connection.execute(f"CREATE TABLE {ident('good_' + staged.name)} AS {_accepted(staged, mapping)}")
    settle_counts(connection, staged, mapping.currency.code if mapping.currency else "")
    report_refunds(connection, staged)
    warn_similar_ids(connection, staged)
    warn_heavy_ids(connection, staged)
    refuse_accepted(connection, staged, mapping.currency.code if mapping.currency else None)
    record_medians(connection, staged)


def _accepted(staged: Staged, mapping: Mapping) -> str:
    """Return the query of the accepted rows: two columns per time, refunds moved to their order."""
    parts, of_refunds = [], refund_ids(staged)
    for column in staged.columns:
        name = ident(column.name)
        value = name if column.default is None else f"coalesce({name}, {column.default})"
        if column.name == "currency":
            value = code_in_capitals("currency")
            if mapping.currency is not None:
                codes = ", ".join(literal(code) for code in mapping.currency.rates) or "NULL"
                code = literal(mapping.currency.code)
                value = f"CASE WHEN currency IS NULL OR {value} IN ({codes}) THEN {code} ELSE {value} END"
        value = of_refunds.get(column.name, value)
        parts.append(f"{value} AS {name}")
        if column.kind == "time":
            parts.append(f"{epoch_seconds(value)} AS {ident(column.name + '_epoch_s')}")
    return f"SELECT {', '.join(parts)} FROM {numbered_refunds(staged)}"


def _in_order(tables: dict[str, Staged]) -> list[str]:
    """Return the table names sorted so that each comes after those it references."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in tables and name not in order:
            for other in tables[name].contract.references.values():
                visit(other)
            order.append(name)

    for name in tables:
        visit(name)
    return order


def _currency(connection: "duckdb.DuckDBPyConnection", mapping: Mapping) -> str:
    """Return the code of the declared currency, or of the one that all accepted orders name, or nothing."""
    if mapping.currency is not None:
        return mapping.currency.code
    row = connection.execute(f"SELECT max(currency) FROM {ident('good_order_lines')}").fetchone()
    return str(row[0]) if row and row[0] else ""


def _moment(mapping: Mapping) -> str:
    """Return in UTC from when on times lie in the future, or an empty text; a day begins in the zone."""
    if mapping.known_until is None:
        return ""
    moment = moment_in(mapping.zone, mapping.known_until).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")

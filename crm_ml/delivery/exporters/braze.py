"""Braze: user attributes as CSV, or as the table that its cloud data ingestion reads.

A row holds the action decided for a user, as custom attributes ``nba_*``. Users are identified by
``external_id`` (the customer_id) or, where a label is given, by a user alias, never by both.

The table of the cloud ingestion has ``UPDATED_AT``, which is the list's as_of: Braze loads rows that are
newer than those it has, and those of the latest time again, which changes nothing as they are identical.

References
----------
Braze documentation: CSV import; Cloud Data Ingestion.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from crm_ml.delivery.exporters.export_plan import DECISION, Cell, ExportPlan, Options
from crm_ml.delivery.exporters.readback import Rule, Shape, blank, breaches_of, files_of, header_of
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident, literal, parquet_rows

if TYPE_CHECKING:
    import duckdb

MAX_BYTES: Final = 500_000_000
EXTERNAL: Final = ("external_id",)
ALIAS: Final = ("user_alias_name", "user_alias_label")
FLAGS: Final = ("email_subscribe", "push_subscribe")
SUBSCRIBED: Final = "'opted_in', 'subscribed', 'unsubscribed'"
CLOUD_EXTERNAL: Final = ("EXTERNAL_ID",)
CLOUD_ALIAS: Final = ("ALIAS_NAME", "ALIAS_LABEL")
CLOUD_IDS: Final = (CLOUD_EXTERNAL, CLOUD_ALIAS, ("EMAIL",), ("PHONE",))


def plan(options: Options) -> ExportPlan:
    """Plan CSV files of up to 500 MB."""
    options.allow("alias_label")
    names = ALIAS if options.alias_label else EXTERNAL
    return ExportPlan((*_ids(options, names), *DECISION), validate, "braze", max_bytes=MAX_BYTES)


def plan_cloud(options: Options) -> ExportPlan:
    """Plan the table of the cloud data ingestion, one Parquet file."""
    options.allow("alias_label")
    names = CLOUD_ALIAS if options.alias_label else CLOUD_EXTERNAL
    payload = ", ".join(f"{literal(cell.name)}, {_plain(cell)}" for cell in DECISION)
    cells = (
        Cell("UPDATED_AT", "as_of", text=False),
        *_ids(options, names),
        Cell("PAYLOAD", f"json_object({payload})::VARCHAR"),
    )
    return ExportPlan(cells, validate, "braze-cloud", suffix=".parquet")


def validate(path: Path) -> list[str]:
    """Return all breaches of a file (CSV, or Parquet of the cloud ingestion) or of a folder of them."""
    tables = files_of(path, ".parquet")
    if tables and all(table.suffix == ".parquet" for table in tables):
        return [f"{table.name}: {breach}" for table in tables for breach in _table(table)]
    files = files_of(path, ".csv")
    header = header_of(files)
    mixed = set(header) & set(EXTERNAL) and set(header) & set(ALIAS)
    if not header or mixed or not (set(EXTERNAL) <= set(header) or set(ALIAS) <= set(header)):
        wrong = breaches_of(files, Shape(header or EXTERNAL, max_bytes=MAX_BYTES))
        return [*wrong, "line 1 has neither external_id nor user_alias_name and user_alias_label, or both"]
    names = EXTERNAL if set(EXTERNAL) <= set(header) else ALIAS
    flags = [
        Rule(f"{flag} is no state of a subscription", f"{flag} NOT IN ('', {SUBSCRIBED})")
        for flag in FLAGS
        if flag in header
    ]
    return breaches_of(files, Shape(header, (*blank(*names), *flags), names, MAX_BYTES))


def _ids(options: Options, names: tuple[str, ...]) -> tuple[Cell, ...]:
    sqls = ("customer_id", literal(options.alias_label or ""))
    return tuple(Cell(name, sql) for name, sql in zip(names, sqls, strict=False))


def _plain(cell: Cell) -> str:
    """Return the SQL of an attribute in JSON: lists are lists."""
    return "item_ids" if cell.name == "nba_items" else cell.sql


def _table(path: Path) -> list[str]:
    import duckdb

    connection = connect()
    read = parquet_rows(path)
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
        types = {str(row[0]): str(row[1]) for row in rows}
        ids = [names for names in CLOUD_IDS if set(names) & set(types)]
        wanted = {"UPDATED_AT": "TIMESTAMP WITH TIME ZONE", "PAYLOAD": "VARCHAR"}
        breaches = [f"{name} is not {kind}" for name, kind in wanted.items() if types.get(name) != kind]
        if len(ids) != 1 or set(types) != {*wanted, *ids[0]}:
            breaches.append("beside UPDATED_AT and PAYLOAD there must be one kind of id and nothing else")
        return breaches or _table_rows(connection, read, ids[0])
    except duckdb.Error:
        return ["can't be read as Parquet"]
    finally:
        connection.close()


def _table_rows(connection: "duckdb.DuckDBPyConnection", read: str, ids: tuple[str, ...]) -> list[str]:
    names = ", ".join(ident(name) for name in ids)
    empty = " OR ".join(f"coalesce({ident(name)}, '') = ''" for name in ids)
    rules = {
        "UPDATED_AT is null": "UPDATED_AT IS NULL",
        "the id is empty": empty,
        "PAYLOAD is no JSON object": "PAYLOAD IS NULL OR NOT json_valid(PAYLOAD) "
        "OR json_type(CASE WHEN json_valid(PAYLOAD) THEN PAYLOAD END) <> 'OBJECT'",
    }
    counts = ", ".join(f"count(*) FILTER (WHERE {sql})" for sql in rules.values())
    query = f"SELECT count(*), count(DISTINCT ({names})), {counts} FROM {read}"
    total, distinct, *broken = connection.execute(query).fetchall()[0]
    breaches = [f"{says} in {n:,} of {total:,} rows" for says, n in zip(rules, broken, strict=True) if n]
    twice = "stands more than once"
    return breaches + ([f"an id {twice}: {total - distinct:,} rows too many"] if distinct < total else [])


TOOLS = {"braze": plan, "braze-cloud": plan_cloud}

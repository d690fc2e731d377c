"""Times: source values as naive UTC timestamps; ambiguous numbers are refused."""

from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import ident, literal

FIRST = "1970-01-02 12:00:00"
LAST = "9999-12-30 00:00:00"
_INTEGER = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
)
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_ZONE = " ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"

Read = tuple[str, list[Check], str]


def read_time(
    column: Column, how: ColumnMapping, source: str, kind: str, timezone: str, known_until: str
) -> Read:
    """Return the SQL of the naive UTC time, the checks, and the reason for refusal (or an empty text).

    Parameters
    ----------
    column : Column
    how : ColumnMapping
    source, kind : str
        SQL and DuckDB type of the raw column.
    timezone : str
        Zone of times without one.
    known_until : str
        UTC time at and after which a value lies in the future, or empty.
    """
    value, facts, refusal = _value(column, how, source, kind, timezone)
    if refusal:
        return "NULL", [], refusal
    name = ident(column.name)
    filled = f"trim({source}) <> ''" if kind == "VARCHAR" else f"{source} IS NOT NULL"
    checks = [
        *facts,
        Check("unreadable", column.name, f"{filled} AND {name} IS NULL"),
        Check("sentinel", column.name, f"{name} < TIMESTAMP '{FIRST}' OR {name} >= TIMESTAMP '{LAST}'"),
    ]
    if known_until and not column.planned:
        future = f"{name} >= TIMESTAMP {literal(known_until)} AND {name} < TIMESTAMP '{LAST}'"
        checks.append(Check("future", column.name, future))
    return value, checks, ""


def _value(column: Column, how: ColumnMapping, source: str, kind: str, timezone: str) -> Read:
    if how.format is not None and kind in (*_INTEGER, "VARCHAR"):
        text = f"trim(CAST({source} AS VARCHAR))"
        return _to_utc(f"try_strptime({text}, {literal(how.format)})", timezone), [], ""
    if kind.startswith("TIMESTAMP WITH"):
        return (
            f"timezone('UTC', {source})",
            [Check("aware", column.name, f"{source} IS NOT NULL", "fact")],
            "",
        )
    if kind.startswith("TIMESTAMP"):
        naive = Check("naive", column.name, f"{source} IS NOT NULL", "fact")
        return _to_utc(f"CAST({source} AS TIMESTAMP)", timezone), [naive], ""
    if kind == "DATE":
        return _to_utc(f"CAST({source} AS TIMESTAMP)", timezone), [], ""
    if how.epoch is not None and kind in (*_INTEGER, "VARCHAR"):
        return (
            f"make_timestamp(TRY_CAST({source} AS BIGINT) * {1_000 if how.epoch == 'ms' else 1_000_000})",
            [],
            "",
        )
    if kind == "VARCHAR":
        return _text(column, source, timezone)
    advice = (
        "declare epoch: s, epoch: ms or a format such as '%Y%m%d'"
        if kind in _INTEGER
        else "map another column"
    )
    return "NULL", [], f"{column.name} is a time and the source has type {kind}; {advice}"


def _text(column: Column, source: str, timezone: str) -> Read:
    text = f"trim({source})"
    naive = f"regexp_full_match({text}, '{_DAY}({_CLOCK})?')"
    aware = f"regexp_full_match({text}, '{_DAY}{_CLOCK}{_ZONE}')"
    value = (
        f"CASE WHEN {naive} THEN {_to_utc(f'TRY_CAST({text} AS TIMESTAMP)', timezone)} "
        f"WHEN {aware} THEN timezone('UTC', TRY_CAST({text} AS TIMESTAMPTZ)) END"
    )
    facts = [
        Check("aware", column.name, aware, "fact"),
        Check("naive", column.name, f"regexp_full_match({text}, '{_DAY}{_CLOCK}')", "fact"),
        Check("digits", column.name, f"regexp_full_match({text}, '[0-9]{{8,19}}')", "fact"),
    ]
    return value, facts, ""


def _to_utc(value: str, timezone: str) -> str:
    return value if timezone == "UTC" else f"timezone('UTC', timezone({literal(timezone)}, {value}))"

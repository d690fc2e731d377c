"""Times: source values as naive UTC timestamps; ambiguous numbers are refused.

A declared zone is applied only to values that carry none. Fractions of a second are cut off, never rounded,
so that no time moves into the next day.
"""

import re

from crm_ml.tables.cell_shape import type_name
from crm_ml.tables.contract import PLAUSIBLE_S, Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import INTEGERS, ident, literal

FIRST = "1970-01-02 12:00:00"
LAST = "9999-12-30 00:00:00"
FIRST_PLAUSIBLE = "1971-01-01"
LAST_PLAUSIBLE = "2100-01-01"
MICROSECONDS = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}
_PLACEHOLDERS = (("0001-01-01", "1900-01-02 12:00:00"), ("1969-12-31 12:00:00", FIRST))
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_ZONE = " ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)"
_DIRECTIVE = re.compile(r"%-?(.)")

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
        Check("sentinel", column.name, _sentinel(column, name)),
    ]
    if not column.any_year:
        checks.append(Check("implausible", column.name, _implausible(column, name)))
    if known_until and not column.planned:
        last = LAST if column.any_year else LAST_PLAUSIBLE
        future = f"{name} >= TIMESTAMP {literal(known_until)} AND {name} < TIMESTAMP '{last}'"
        checks.append(Check("future", column.name, future))
    return value, checks, ""


def _sentinel(column: Column, name: str) -> str:
    """Return the predicate of placeholders; all before 1970 are, but for times that may lie in any year."""
    if not column.any_year:
        return f"{name} < TIMESTAMP '{FIRST}' OR {name} >= TIMESTAMP '{LAST}'"
    spans = [f"{name} >= TIMESTAMP '{start}' AND {name} < TIMESTAMP '{end}'" for start, end in _PLACEHOLDERS]
    return " OR ".join([*spans, f"{name} < TIMESTAMP '0001-01-01'", f"{name} >= TIMESTAMP '{LAST}'"])


def _implausible(column: Column, name: str) -> str:
    early = f"{name} >= TIMESTAMP '{FIRST}' AND {name} < TIMESTAMP '{FIRST_PLAUSIBLE}'"
    late = f"{name} >= TIMESTAMP '{LAST_PLAUSIBLE}' AND {name} < TIMESTAMP '{LAST}'"
    return early if column.planned else f"{early} OR {late}"


def _value(column: Column, how: ColumnMapping, source: str, kind: str, timezone: str) -> Read:
    if how.format is not None and kind in (*INTEGERS, "VARCHAR"):
        return _formatted(column, how.format, source, timezone)
    if kind.startswith(("TIMESTAMP WITH", "TIMESTAMPTZ")):
        aware = Check("aware", column.name, f"{source} IS NOT NULL", "fact")
        return _microseconds(f"timezone('UTC', {source})", kind.endswith("_NS")), [aware], ""
    if kind.startswith("TIMESTAMP"):
        naive = Check("naive", column.name, f"{source} IS NOT NULL", "fact")
        return _to_utc(_microseconds(source, kind.endswith("_NS")), timezone), [naive], ""
    if kind == "DATE":
        return _to_utc(f"TRY_CAST({source} AS TIMESTAMP)", timezone), [], ""
    if how.epoch is not None and _is_number(kind):
        exact = _exact(source) if kind == "VARCHAR" else source
        return _epoch(how.epoch, exact, kind), _fitting(column, exact), ""
    if kind == "VARCHAR":
        return _text(column, source, timezone)
    advice = (
        "declare epoch: s, epoch: ms or a format such as '%Y%m%d'"
        if kind in INTEGERS
        else "map another column"
    )
    return "NULL", [], f"{column.name} is a time and the source has type {type_name(kind)}; {advice}"


def _is_number(kind: str) -> bool:
    return kind in (*INTEGERS, "VARCHAR", "FLOAT", "DOUBLE") or kind.startswith("DECIMAL")


def _epoch(unit: str, source: str, kind: str) -> str:
    """Return the time of a count since 1970; what is out of range of the arithmetic is null, not an error."""
    if kind in INTEGERS and unit != "ns":
        return f"TRY(make_timestamp(CAST({source} AS BIGINT) * {MICROSECONDS[unit]:.0f}))"
    if unit == "ns":  # a decimal divided is a double, which has too few digits
        whole = f"CAST(TRY_CAST({source} AS DECIMAL(38, 0)) AS HUGEINT)"
        return f"TRY(make_timestamp(CAST({_floored(whole, 1000)} AS BIGINT)))"
    scaled = f"TRY_CAST({source} AS DECIMAL(38, 9)) * {MICROSECONDS[unit]:.0f}"
    return f"TRY(make_timestamp(CAST(floor({scaled}) AS BIGINT)))"


def _exact(source: str) -> str:
    """Return a count as text, null where a spreadsheet rounded it, as in ``1.71456E+12``."""
    decimals = rf"strlen(regexp_extract({source}, '\.([0-9]+)[eE]', 1))"
    exponent = rf"coalesce(TRY_CAST(regexp_extract({source}, '[eE]\+?([0-9]+)', 1) AS INTEGER), 0)"
    return (
        f"CASE WHEN regexp_matches({source}, '[eE]') AND {decimals} < {exponent} THEN NULL ELSE {source} END"
    )


def _fitting(column: Column, source: str) -> list[Check]:
    """Return facts that count the rows of plausible time by each unit, to say which one fits."""
    first, last = PLAUSIBLE_S
    number = f"TRY_CAST({source} AS DOUBLE)"
    spans = {unit: [second * factor for second in (first, last)] for unit, factor in _per_second().items()}
    return [
        Check(f"fits_{unit}", column.name, f"{number} >= {low:.0f} AND {number} < {high:.0f}", "fact")
        for unit, (low, high) in spans.items()
    ]


def _per_second() -> dict[str, float]:
    return {unit: 1_000_000 / microseconds for unit, microseconds in MICROSECONDS.items()}


def _formatted(column: Column, form: str, source: str, timezone: str) -> Read:
    """Read by a format; with ``%z`` or ``%Z`` in it, each value carries its own zone."""
    parsed = f"try_strptime(trim(CAST({source} AS VARCHAR)), {literal(form)})"
    directives = set(_DIRECTIVE.findall(form))
    read = f"{parsed} IS NOT NULL"
    if directives & {"z", "Z"}:
        return f"timezone('UTC', {parsed})", [Check("aware", column.name, read, "fact")], ""
    clock = directives & {"H", "I", "c", "X"}
    naive = [Check("naive", column.name, read, "fact")] if clock else []
    return _to_utc(_microseconds(parsed, "n" in directives), timezone), naive, ""


def _text(column: Column, source: str, timezone: str) -> Read:
    text = f"trim({source})"
    naive = f"regexp_full_match({text}, '{_DAY}({_CLOCK})?')"
    aware = f"regexp_full_match({text}, '{_DAY}{_CLOCK}{_ZONE}')"
    joined = rf"regexp_replace({text}, ' ([Z+-][0-9:]*)$', '\1')"
    value = (
        f"CASE WHEN {naive} THEN {_to_utc(f'TRY_CAST({text} AS TIMESTAMP)', timezone)} "
        f"WHEN {aware} THEN timezone('UTC', TRY_CAST({joined} AS TIMESTAMPTZ)) END"
    )
    facts = [
        Check("aware", column.name, aware, "fact"),
        Check("naive", column.name, f"regexp_full_match({text}, '{_DAY}{_CLOCK}')", "fact"),
        Check("digits", column.name, f"regexp_full_match({text}, '[0-9]{{8,19}}')", "fact"),
        Check("day_only", column.name, f"strlen({text}) = 10 AND {ident(column.name)} IS NOT NULL", "fact"),
    ]
    return value, facts, ""


def _microseconds(value: str, of_nanoseconds: bool) -> str:
    """Return a timestamp in microseconds; a cast from nanoseconds would round into the next day."""
    if of_nanoseconds:
        return f"make_timestamp({_floored(f'epoch_ns({value})', 1000)})"
    return f"CAST({value} AS TIMESTAMP)"


def _floored(number: str, by: int) -> str:
    """Return a whole number divided and rounded down, also below zero, where ``//`` rounds up."""
    return f"(({number}) // {by} - CASE WHEN ({number}) % {by} < 0 THEN 1 ELSE 0 END)"


def epoch_seconds(time: str) -> str:
    """Return the SQL of the whole seconds since 1970 of a timestamp, rounded down."""
    return _floored(f"epoch_us({time})", 1_000_000)


def _to_utc(value: str, timezone: str) -> str:
    if timezone == "UTC":
        return value
    return f"TRY(timezone('UTC', timezone({literal(timezone)}, {value})))"

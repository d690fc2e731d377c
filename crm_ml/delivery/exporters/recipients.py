"""Which rows of a list are exported: joined to their contacts, checked, and only one row for each key.

Everything happens in DuckDB, which spills to disk, so that lists of any size are exported. Cells are written
from the temporary table ``exported``: the columns of the list (`LISTED`), ``list_row`` (their order), and of
the contacts those that the plan uses, with ``contact_rows``, ``email_problem``, ``phone_problem``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.delivery.exporters.contacts import open_contacts, refusal
from crm_ml.delivery.exporters.csv_cells import is_formula
from crm_ml.delivery.exporters.export_plan import ExportPlan, Options
from crm_ml.delivery.exporters.hashing import register
from crm_ml.delivery.exporters.phones import check_country
from crm_ml.errors import ConfigError, InputError
from crm_ml.tables.sql import ident, literal, parquet_rows

if TYPE_CHECKING:
    import duckdb

LISTED = {
    "list_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "slot": "INTEGER",
    "action_id": "VARCHAR",
    "channel": "VARCHAR",
    "as_of": "TIMESTAMPTZ",
    "item_ids": "VARCHAR[]",
    "send_at": "TIMESTAMPTZ",
    "expires_at": "TIMESTAMPTZ",
    "consent_basis": "VARCHAR",
    "arm": "VARCHAR",
    "expected_value_cents": "BIGINT",
}
CONTROL = ("control_arm", "coalesce(arm = 'control', false)")
REQUIRED = ("list_id", "customer_id", "slot", "action_id", "channel", "as_of")
_NO_AT = r'[^\s@",;:<>()\[\]\\]+'
EMAIL = rf"{_NO_AT}@[^\s@\",;:<>()\[\]\\.]+(\.[^\s@\",;:<>()\[\]\\.]+)+"


@dataclass(frozen=True)
class Selection:
    """How many rows are exported, and why the others are not.

    Parameters
    ----------
    list_rows : int
        Rows of the list.
    selected : int
        Those of the actions and channels that were asked for: ``rows`` and all ``left_out``.
    rows : int
        Exported.
    left_out : dict of str to int
        By reason.
    emptied : dict of str to int
        Exported rows with an empty cell, by reason.
    changed : dict of str to int
        Exported rows whose address or hashed text had invisible characters or was not composed (NFC), by
        column; and ``gmail_dots_and_tag``, where Google's rules shortened an address.
    escaped : dict of str to int
        Exported cells that got a leading ``'``, by column.
    """

    list_rows: int
    selected: int
    rows: int
    left_out: dict[str, int]
    emptied: dict[str, int]
    changed: dict[str, int]
    escaped: dict[str, int]


def select(
    connection: "duckdb.DuckDBPyConnection", list_file: Path, plan: ExportPlan, options: Options
) -> Selection:
    """Make the table ``exported``, and count the rows in it and those left out.

    Raises
    ------
    ConfigError
        If the plan needs contacts and there are none.
    InputError
        If an action or channel is not in the list, the contacts can't be read, or no row is left.
    """
    list_rows = _open_list(connection, list_file, options)
    joined = _join_contacts(connection, plan, options)
    cases = " ".join(f"WHEN {sql} THEN {literal(reason)}" for reason, sql in (CONTROL, *plan.left_out))
    connection.execute(f"CREATE TEMP TABLE judged AS SELECT *, CASE {cases} END AS reason FROM ({joined})")
    best = "{'slot': slot, 'cost': -coalesce(expected_value_cents, 0), 'list_row': list_row}"
    connection.execute(
        "CREATE TEMP TABLE exported AS SELECT * FROM judged WHERE reason IS NULL AND list_row IN "
        f"(SELECT min({best}).list_row FROM judged WHERE reason IS NULL GROUP BY {plan.key})"
    )
    selection = _count(connection, list_rows, plan)
    if not selection.rows:
        raise InputError(
            f"no row is left to export of {selection.selected:,} in the list"
            f" ({', '.join(f'{why}: {n:,}' for why, n in selection.left_out.items()) or 'it is empty'})"
        )
    return selection


def _open_list(connection: "duckdb.DuckDBPyConnection", path: Path, options: Options) -> int:
    """Make the view ``selected`` of the list's rows that are asked for; return how many the list has."""
    read = parquet_rows(path, options="file_row_number = true")
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()}
    missing = sorted(set(REQUIRED) - there)
    if missing:
        raise InputError(f"{path.name}: the list has no column {', '.join(missing)}")
    cells = [f"{name if name in there else 'NULL'}::{kind} AS {name}" for name, kind in LISTED.items()]
    conditions = ["true"]
    for column, names in (("action_id", options.actions), ("channel", options.channels)):
        if names:
            _check_names(connection, read, column, names)
            conditions.append(f"{column} IN ({', '.join(literal(name) for name in names)})")
    connection.execute(
        f"CREATE TEMP VIEW selected AS SELECT file_row_number AS list_row, {', '.join(cells)} "
        f"FROM {read} WHERE {' AND '.join(conditions)}"
    )
    return _number(connection, f"SELECT count(*) FROM {read}")


def _check_names(
    connection: "duckdb.DuckDBPyConnection", read: str, column: str, names: tuple[str, ...]
) -> None:
    values = connection.execute(f"SELECT DISTINCT {column} FROM {read} ORDER BY 1").fetchall()
    there = [str(row[0]) for row in values]
    absent = [name for name in names if name not in there]
    if absent:
        what = column.removesuffix("_id")
        raise InputError(f"the list has no {what} {', '.join(absent)}; it has {', '.join(there) or 'none'}")


def _join_contacts(connection: "duckdb.DuckDBPyConnection", plan: ExportPlan, options: Options) -> str:
    """Return the SELECT of the selected rows with the columns of their contacts that the plan uses."""
    if not plan.requires:
        return "SELECT * FROM selected"
    if options.contacts is None:
        wanted = " and ".join(" or ".join(group) for group in plan.requires)
        raise ConfigError(f"{options.to} needs --contacts FILE with customer_id and {wanted}")
    import duckdb

    if "phone" in plan.contacts:
        check_country(options.default_country)
    register(connection, options.default_country)
    read = open_contacts(connection, options.contacts, plan.contacts, plan.requires, plan.cleaned)
    try:
        connection.execute(f"CREATE TEMP TABLE contacts AS {_one_each(read, plan)}")
    except duckdb.InvalidInputException as error:
        raise refusal(options.contacts, error) from None
    return (
        "SELECT selected.*, contacts.* EXCLUDE (customer_id) FROM selected LEFT JOIN contacts "
        "USING (customer_id)"
    )


def _one_each(read: str, plan: ExportPlan) -> str:
    """Return the SELECT of one row a listed customer, with addresses checked."""
    columns = plan.contacts
    names = ", ".join(ident(name) for name in columns)
    values = ", ".join(f"any_value({ident(name)}) AS {ident(name)}" for name in columns)
    changed = "".join(f", bool_or({name}_changed) AS {name}_changed" for name in _cleaned(plan))
    mine = (
        f"SELECT customer_id, {names}{changed} FROM ({read}) "
        f"WHERE customer_id IN (SELECT customer_id FROM selected) GROUP BY customer_id, {names}"
    )
    query = (
        f"SELECT customer_id, count(*) AS contact_rows, {values}{changed} FROM ({mine}) GROUP BY customer_id"
    )
    if "country" in columns:
        code = "CASE WHEN regexp_full_match(country, '[A-Za-z]{2}') THEN upper(country) END"
        query = f"SELECT * REPLACE ({code} AS country), country AS country_given FROM ({query})"
    if "email" in columns:
        sound = f"regexp_full_match(email, {literal(EMAIL)}) AND length(email) <= 254"
        problem = f"CASE WHEN email IS NULL THEN 'no_email' WHEN NOT ({sound}) THEN 'bad_email' END"
        query = (
            f"SELECT * REPLACE (CASE WHEN {problem} IS NULL THEN email END AS email), "
            f"{problem} AS email_problem FROM ({query})"
        )
    if "phone" in columns:
        country = "coalesce(country, CASE WHEN country_given IS NOT NULL THEN '' END)"
        called = f"SELECT *, coalesce(crm_e164(phone, {country}), 'no_phone') AS called FROM ({query})"
        number = "CASE WHEN starts_with(called, '+') THEN called END AS phone"
        problem = "CASE WHEN NOT starts_with(called, '+') THEN called END AS phone_problem"
        query = f"SELECT * EXCLUDE (called) REPLACE ({number}), {problem} FROM ({called})"
    return query


def _cleaned(plan: ExportPlan) -> list[str]:
    return [name for name in plan.contacts if name in plan.cleaned]


def _count(connection: "duckdb.DuckDBPyConnection", list_rows: int, plan: ExportPlan) -> Selection:
    reasons = connection.execute(
        "SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason"
    ).fetchall()
    by_reason = {str(reason): int(count) for reason, count in reasons}
    left_out = {reason: by_reason[reason] for reason, _ in (CONTROL, *plan.left_out) if reason in by_reason}
    selected = _number(connection, "SELECT count(*) FROM judged")
    rows = _number(connection, "SELECT count(*) FROM exported")
    twice = selected - rows - sum(left_out.values())
    if twice:
        left_out[plan.duplicate] = twice
    texts = [(cell.name, is_formula(f"({cell.sql})::VARCHAR")) for cell in plan.cells if cell.text]
    counted = plan.suffix == ".csv"
    return Selection(
        list_rows,
        selected,
        rows,
        left_out,
        _counts(connection, list(plan.emptied)),
        _counts(connection, [(name, f"{name}_changed") for name in _cleaned(plan)] + list(plan.shortened)),
        _counts(connection, texts) if counted else {},
    )


def _counts(connection: "duckdb.DuckDBPyConnection", conditions: list[tuple[str, str]]) -> dict[str, int]:
    """Count the exported rows that meet each condition; conditions that none meets are left out."""
    if not conditions:
        return {}
    counts = ", ".join(f"count(*) FILTER (WHERE {sql})" for _, sql in conditions)
    totals = connection.execute(f"SELECT {counts} FROM exported").fetchall()[0]
    return {name: int(count) for (name, _), count in zip(conditions, totals, strict=True) if count}


def _number(connection: "duckdb.DuckDBPyConnection", query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])

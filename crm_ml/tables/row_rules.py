"""Rules over several rows: references, keys and refunds; each rejects rows of a staged table by reason."""

from typing import TYPE_CHECKING

from crm_ml.tables.cell_shape import shape_of
from crm_ml.tables.failing_cells import first_written_as
from crm_ml.tables.limits import limit
from crm_ml.tables.refunds import unlinked
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import columns as quoted
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

MAX_YEARS_FROM_MEDIAN = 40


def reject_unknown(connection: "duckdb.DuckDBPyConnection", staged: Staged, known: dict[str, Staged]) -> None:
    """Reject rows whose id is missing from the referenced table; above 5 % the table is refused.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
    known : dict of str to Staged
        Finished tables by name.
    """
    for column, table in staged.contract.references.items():
        if table not in known or column not in staged.mapped:
            continue
        name, other = ident(column), ident(known[table].contract.key[0])
        rows = staged.good()
        reason = f"unknown_{column}"
        rejected = reject(
            connection,
            staged,
            f"SELECT {ROW}, '{reason}' FROM {rows} AS r WHERE {name} IS NOT NULL AND NOT EXISTS ("
            f"FROM {ident('good_' + table)} AS k WHERE k.{other} = r.{name})",
        )
        if not rejected:
            continue
        left = connection.execute(f"SELECT count({name}) FROM {staged.good()}").fetchone()
        total = rejected + (left[0] if left else 0)
        share = rejected / total
        text = f"{column} is unknown to {table} in {rejected:,} of {total:,} rows ({share:.2%})"
        if share > limit(staged.mapping.allow, "unknown", column):
            cell = first_written_as(connection, staged, reason)
            usual = connection.execute(f"SELECT min({other}) FROM {ident('good_' + table)}").fetchone()
            shape = shape_of(str(usual[0])) if usual else ""
            there = f" and in {table} as {shape}" if cell and not cell.endswith(f" {shape}") else ""
            staged.refusals.append(f"{text}{cell}{there}; complete {table} or check how both write the id")
        else:
            staged.report.warnings.append(text)


def reject_far_times(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Reject rows known more than 40 years from the middle of their table, where any are that far apart."""
    if staged.contract.known_at is None:
        return
    name, rows = ident(staged.contract.known_at), staged.good()
    middle = f"SELECT quantile_disc({name}, 0.5) FROM {rows}"
    span = (
        f"SELECT year(max({name})) - year(min({name})) FROM {staged.stage} WHERE NOT {staged.checks.fails()}"
    )
    years = connection.execute(span).fetchone()
    if years and years[0] is not None and years[0] > MAX_YEARS_FROM_MEDIAN:
        reject(
            connection,
            staged,
            f"SELECT {ROW}, 'implausible_{staged.contract.known_at}' FROM {rows} "
            f"WHERE abs(datediff('year', {name}, ({middle}))) > {MAX_YEARS_FROM_MEDIAN}",
        )


def reject_repeated(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Keep one row per key: the smallest by all other columns in their order; ties are equal rows.

    A row equal to another on all columns is a ``duplicate``, one that differs a ``conflicting_key``.
    Where a key column is absent from the source, or an optional id in it is null, the whole row is the key.
    So it is of refunds, with the cells that are not mapped: they may carry the ids of what they take back.
    """
    keys, others = _key_parts(staged)
    whole = _without_key(staged) or "false"
    refunds = "refund_of IS NOT NULL" if "refund_of" in staged.mapped else "false"
    partition = [ident(name) for name in keys]
    if others:
        partition += [f"CASE WHEN {whole} OR {refunds} THEN {ident(name)} END" for name in others]
    if refunds != "false":
        partition.append(f"CASE WHEN {refunds} THEN _raw END")
    if staged.mapping.equal_rows == "all":
        partition.append(f"CASE WHEN {whole if others else 'true'} OR {refunds} THEN {ROW} END")
    equal = f"CASE WHEN {refunds} THEN 'equal_refund' ELSE 'duplicate' END"
    rest = "".join(f"{ident(name)}, " for name in others)
    hashed = f"hash({', '.join(partition)})"
    rows = staged.good()
    again = f"SELECT h FROM (SELECT {hashed} AS h FROM {rows}) GROUP BY h HAVING count(*) > 1"
    reject(
        connection,
        staged,
        f"SELECT {ROW}, CASE WHEN copy > 1 THEN {equal} ELSE 'conflicting_key' END FROM (SELECT {ROW}, "
        f"{'refund_of, ' if refunds != 'false' else ''}"
        f"row_number() OVER (PARTITION BY {', '.join(partition)} ORDER BY {rest}{ROW}) AS place, "
        f"row_number() OVER (PARTITION BY {quoted(staged.names)} ORDER BY {ROW}) AS copy "
        f"FROM {rows} WHERE {hashed} IN ({again})) WHERE place > 1",
    )
    conflicting = staged.report.checks.get("conflicting_key", 0)
    if conflicting > limit(staged.mapping.allow, "conflicting_key") * staged.report.read:
        staged.refusals.append(
            f"{' and '.join(keys)} are those of another row that differs in {conflicting:,} of "
            f"{staged.report.read:,} rows; map columns that tell rows apart, or allow: {{conflicting_key: 1}}"
        )


def reject_unlinked(connection: "duckdb.DuckDBPyConnection", staged: Staged, timezone: str) -> None:
    """Reject refunds of orders that the customer did not place before, or on the day of the refund.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
    timezone : str
        Zone of the days.
    """
    if "refund_of" in staged.mapped:
        reject(connection, staged, unlinked(staged, timezone))


def order_of(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> list[str]:
    """Return the sort columns of the accepted rows: the key, and all other columns if it has nulls."""
    key, others = _key_parts(staged)
    without = f"SELECT count(*) FROM {ident('good_' + staged.name)} WHERE {_without_key(staged) or 'false'}"
    incomplete = connection.execute(without).fetchone()
    return [*key, *others] if incomplete and incomplete[0] else key


def _key_parts(staged: Staged) -> tuple[list[str], list[str]]:
    key = list(staged.contract.key)
    if any(name not in staged.mapped for name in key):
        return staged.names, []
    return key, [name for name in staged.names if name not in key]


def _without_key(staged: Staged) -> str:
    ids = [
        name
        for name in staged.contract.key
        if (c := staged.contract.column(name)).kind == "id" and c.nullable
    ]
    return " OR ".join(f"{ident(name)} IS NULL" for name in ids)


def reject(connection: "duckdb.DuckDBPyConnection", staged: Staged, select: str) -> int:
    """Set rows aside by a query of row and reason, and return how many.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        Its report counts them.
    select : str
    """
    before = connection.execute(f"SELECT count(*) FROM {staged.late}").fetchone()
    connection.execute(f"INSERT INTO {staged.late} {select}")
    after = connection.execute(f"SELECT count(*) FROM {staged.late}").fetchone()
    rejected = (after[0] if after else 0) - (before[0] if before else 0)
    if rejected:
        reasons = connection.execute(f"SELECT reason, count(*) FROM {staged.late} GROUP BY ALL").fetchall()
        staged.report.checks |= {
            str(reason): n + staged.counts.get(reason, 0) for reason, n in sorted(reasons)
        }
    return rejected

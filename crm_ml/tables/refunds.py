"""Refunds: negative lines that name the order they take back, linked to it whatever ids they carry."""

from typing import TYPE_CHECKING

from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb


def refund_ids(staged: Staged) -> dict[str, str]:
    """Return the SQL of order and line ids of accepted rows, over the rows of `numbered_refunds`.

    A refund becomes a line of the order that it names. Its line id says so and differs from every other: a
    refund may carry the ids of the line that it takes back, or the same ones as another refund.
    """
    if "refund_of" not in staged.mapped:
        return {}
    again = "CASE WHEN refund_number > 1 THEN refund_number END"
    line = f"concat_ws(':', 'refund', order_id, line_id, {again})"
    return {
        "order_id": "coalesce(refund_of, order_id)",
        "line_id": f"CASE WHEN refund_of IS NOT NULL THEN {line} ELSE line_id END",
    }


def numbered_refunds(staged: Staged) -> str:
    """Return the SQL of the rows not rejected, where refunds with the same ids are numbered."""
    if "refund_of" not in staged.mapped:
        return staged.good()
    rest = ", ".join(ident(name) for name in staged.names)
    rows = staged.good()
    numbers = (
        f"SELECT {ROW}, row_number() OVER (PARTITION BY refund_of, order_id, line_id ORDER BY {rest}, {ROW}) "
        f"AS refund_number FROM {rows} WHERE refund_of IS NOT NULL"
    )
    return f"(SELECT * FROM {rows} LEFT JOIN ({numbers}) USING ({ROW}))"


def unlinked(staged: Staged) -> str:
    """Return the query of the refunds of orders that the customer did not place before, with their reason."""
    rows = staged.good()
    return (
        f"SELECT r.{ROW}, 'unlinked_refund' FROM {rows} AS r WHERE r.refund_of IS NOT NULL AND NOT EXISTS ("
        f"FROM {rows} AS o WHERE o.refund_of IS NULL AND o.order_id = r.refund_of "
        f"AND o.customer_id = r.customer_id AND o.ordered_at <= r.ordered_at)"
    )


def report_refunds(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Count the refunds that were netted, and warn of doubtful ones.

    Those are refunds equal to another in every cell, which count once like every row that stands twice, and
    orders of which more was refunded than paid.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table.
    """
    if "refund_of" not in staged.mapped:
        return
    good = ident("good_" + staged.name)
    netted = connection.execute(f"SELECT count(refund_of) FROM {good}").fetchone()
    if not netted or not netted[0]:
        return
    staged.report.fixes["refund_netted"] = netted[0]
    equal = staged.report.quarantined.get("equal_refund", 0)
    if equal:
        cents = staged.report.quarantined_cents["equal_refund"]
        staged.report.warnings.append(
            f"{equal:,} refunds equal another in every cell and are taken as repeated rows ({cents:,} "
            "paid_cents); if each is a refund of its own, declare equal_rows: all"
        )
    over = connection.execute(
        f"SELECT count(*), -sum(cents) FROM (SELECT sum(paid_cents) AS cents FROM {good} "
        f"GROUP BY customer_id, order_id HAVING count(refund_of) > 0 AND cents < 0)"
    ).fetchone()
    if over and over[0]:
        staged.report.warnings.append(
            f"{over[0]:,} orders are refunded by {over[1]:,} paid_cents more than was paid"
        )

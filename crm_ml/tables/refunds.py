"""Refunds: negative lines that name the order they take back, linked to it whatever ids they carry."""

from typing import TYPE_CHECKING

from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb


def refund_ids(staged: Staged) -> dict[str, str]:
    """Return the SQL of ids and time of accepted rows, over the rows of `numbered_refunds`.

    A refund becomes a line of the order that it names. Its line id says so and differs from every other: a
    refund may carry the ids of the line that it takes back, or the same ones as another refund. One that is
    dated by the day of its order is as late as the order.
    """
    if "refund_of" not in staged.mapped:
        return {}
    again = "CASE WHEN refund_number > 1 THEN refund_number END"
    line = f"concat_ws(':', 'refund', order_id, line_id, {again})"
    return {
        "ordered_at": "greatest(ordered_at, coalesce(order_time, ordered_at))",
        "order_id": "coalesce(refund_of, order_id)",
        "line_id": f"CASE WHEN refund_of IS NOT NULL THEN {line} ELSE line_id END",
    }


def numbered_refunds(staged: Staged) -> str:
    """Return the SQL of the rows not rejected; refunds of the same ids are numbered, and know their order."""
    if "refund_of" not in staged.mapped:
        return staged.good()
    rest = ", ".join(ident(name) for name in staged.names)
    rows = staged.good()
    numbers = (
        f"SELECT {ROW}, row_number() OVER (PARTITION BY refund_of, order_id, line_id ORDER BY {rest}, {ROW}) "
        f"AS refund_number FROM {rows} WHERE refund_of IS NOT NULL"
    )
    orders = (
        f"SELECT customer_id, order_id AS refund_of, min(ordered_at) AS order_time FROM {rows} "
        f"WHERE refund_of IS NULL AND order_id IN (SELECT refund_of FROM {rows}) GROUP BY ALL"
    )
    return (
        f"(SELECT * FROM {rows} LEFT JOIN ({numbers}) USING ({ROW}) "
        f"LEFT JOIN ({orders}) USING (customer_id, refund_of))"
    )


def unlinked(staged: Staged, timezone: str) -> str:
    """Return the query of the refunds of orders that the customer did not place before, with their reason.

    A refund at midnight, of the declared zone or of UTC, is one of a day: its order may be later that day.

    Parameters
    ----------
    staged : Staged
    timezone : str
        Declared zone.
    """
    same_day = " OR ".join(_same_day(zone) for zone in dict.fromkeys((timezone, "UTC")))
    return (
        f"SELECT r.{ROW}, 'unlinked_refund' FROM {_refunds(staged)} AND NOT EXISTS ("
        f"{_order_of_refund(staged)} AND (o.ordered_at <= r.ordered_at OR {same_day}))"
    )


def _refunds(staged: Staged) -> str:
    return f"{staged.good()} AS r WHERE r.refund_of IS NOT NULL"


def _order_of_refund(staged: Staged) -> str:
    return (
        f"FROM {staged.good()} AS o WHERE o.refund_of IS NULL AND o.order_id = r.refund_of "
        "AND o.customer_id = r.customer_id"
    )


def _same_day(zone: str) -> str:
    """Return the predicate of a refund ``r`` at the first moment of a day and an order ``o`` of that day."""

    def day(moment: str) -> str:
        return f"CAST(timezone({literal(zone)}, timezone('UTC', {moment})) AS DATE)"

    before = day("r.ordered_at - INTERVAL 1 microsecond")
    return f"({before} < {day('r.ordered_at')} AND {day('r.ordered_at')} = {day('o.ordered_at')})"


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
    dated = connection.execute(
        f"SELECT count(*) FROM {_refunds(staged)} AND NOT EXISTS ("
        f"{_order_of_refund(staged)} AND o.ordered_at <= r.ordered_at)"
    ).fetchone()
    if dated and dated[0]:
        staged.report.fixes["refund_of_its_day"] = dated[0]
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

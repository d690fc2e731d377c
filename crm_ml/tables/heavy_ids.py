"""Warning about customers who are none: ids with far more orders or money than any person has."""

from typing import TYPE_CHECKING

from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

MIN_SHARE = 0.01
MIN_TIMES_MEDIAN = 50
_SHOWN = 5
_NUMBERS = ("-", "--", "-1", "0", "00", "000", "1", "9999", "99999", "999999")
_WORDS = ("anonymous", "cash", "customer", "default", "guest", "guests", "test", "unknown", "walk-in", "web")
_STAND_INS = frozenset((*_NUMBERS, *_WORDS))


def warn_heavy_ids(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Warn of ids with more than 1 % of all orders or money and more than 50 times the median customer.

    The id itself is told only if it is a usual stand-in for guests; of others, which may be persons, the row.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table; only order lines have orders and money.
    """
    if not {"customer_id", "order_id", "paid_cents"} <= set(staged.names):
        return
    for customer, orders, cents, all_orders, all_cents in connection.execute(_query(staged)).fetchall():
        share = f"{cents / all_cents:.1%}" if all_cents else "0.0%"
        staged.report.warnings.append(
            f"the customer_id {_name(connection, staged, customer)} has {orders:,} of {all_orders:,} orders "
            f"({orders / all_orders:.1%}) and {cents:,} of {all_cents:,} paid_cents ({share}); if it stands "
            "for guests or for the shop, list it under nulls of customer_id"
        )


def _name(connection: "duckdb.DuckDBPyConnection", staged: Staged, customer: str) -> str:
    if customer.strip().lower() in _STAND_INS:
        return repr(customer)
    rows = f"SELECT min({ROW}) FROM {staged.stage} WHERE customer_id = ?"
    first = connection.execute(rows, [customer]).fetchone()
    return f"of row {first[0]:,}" if first else ""


def _query(staged: Staged) -> str:
    """Return the query of heavy ids, those with most orders first."""
    heavy = " OR ".join(
        f"({name} > {MIN_SHARE} * all_{name} AND {name} > {MIN_TIMES_MEDIAN} * median_{name})"
        for name in ("orders", "cents")
    )
    return (
        "WITH customers AS MATERIALIZED (SELECT customer_id, count(DISTINCT order_id) AS orders, "
        f"sum(paid_cents) AS cents FROM {ident('good_' + staged.name)} GROUP BY 1) "
        "SELECT customer_id, orders, cents, all_orders, all_cents FROM customers, (SELECT sum(orders) AS "
        "all_orders, sum(cents) AS all_cents, quantile_disc(orders, 0.5) AS median_orders, "
        f"quantile_disc(cents, 0.5) FILTER (cents > 0) AS median_cents FROM customers) WHERE {heavy} "
        f"ORDER BY orders DESC, customer_id LIMIT {_SHOWN}"
    )

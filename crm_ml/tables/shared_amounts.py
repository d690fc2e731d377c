"""Amounts of whole orders, shared over their lines in proportion, in whole minor units with exact sums.

The share of line i in an amount A of an order whose lines are worth w_1, w_2, ... is A w_i / sum(w), rounded
down; the units that are left go to the lines with the largest remainders, of equal ones to those that come
first in the source (the method of Hamilton, or largest remainder). Lines below zero are worth nothing; where
all lines are, each has the same part. No share is larger than its line unless the amount is larger than the
order.

An amount may stand on one line of its order or on several; where two lines differ, it is not known.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crm_ml.tables.limits import limit
from crm_ml.tables.order_amounts import PAID
from crm_ml.tables.row_rules import reject
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, literal
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

UNSHARED: Final = "unshared"
DIFFERS: Final = "differs_in_order"
EXCEEDS: Final = "exceeds_order"
#: Kinds of reasons why an order is set aside; each has a limit of its own.
ORDER_REASONS: Final = (UNSHARED, DIFFERS, EXCEEDS)
#: Query of the share of each line, over ``lines`` and ``orders``.
_SHARES: Final = f"""
    SELECT {ROW}, CAST(part + CASE WHEN row_number() OVER (PARTITION BY order_id ORDER BY rest DESC, {ROW})
        <= amount - sum(part) OVER (PARTITION BY order_id) THEN 1 ELSE 0 END AS BIGINT) AS share
    FROM (SELECT *, amount * worth // total AS part, amount * worth % total AS rest
        FROM (SELECT {ROW}, order_id, amount, CASE WHEN weights = 0 THEN 1 ELSE weight END AS worth,
                CASE WHEN weights = 0 THEN number ELSE weights END AS total
            FROM lines JOIN orders USING (order_id) WHERE reason IS NULL AND amount <> 0))
"""
_ADVICE: Final = {
    UNSHARED: ("stands in an order with cells that can't be read", "declare how they are written"),
    DIFFERS: ("differs within one order", "an amount of the line is declared without less and per"),
    EXCEEDS: ("is less than what is taken off its order", "check what the amounts under less include"),
}


@dataclass(frozen=True)
class SharedAmount:
    """An amount of orders that is shared over their lines.

    Parameters
    ----------
    column : str
        Column of the lines: its shares, or for `PAID` what is left without them.
    origins : tuple of str
        Columns of the staged table whose amounts are added.
    """

    column: str
    origins: tuple[str, ...]


def shared_amounts(staged: Staged) -> list[SharedAmount]:
    """Return the amounts of orders that a table declares; what is taken off `PAID`, the weights, is last."""
    per_order = [name for name, how in staged.mapping.columns.items() if how.per is not None]
    less = tuple(column.name for column in staged.order_amounts)
    return [SharedAmount(name, (name,)) for name in per_order] + ([SharedAmount(PAID, less)] if less else [])


def share_amounts(connection: "duckdb.DuckDBPyConnection", staged: Staged, currency: str) -> None:
    """Share the amounts of orders over the lines of ``stage_<name>``; set aside orders where that can't be.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A typed table; its report and refusals are filled in place.
    currency : str
        Code of rows that name none, or empty.
    """
    for amount in shared_amounts(staged):
        orders = f"WITH lines AS ({_lines(staged, amount)}), orders AS ({_orders(amount, currency)})"
        aside = f"{orders} SELECT {ROW}, reason FROM {staged.good()} JOIN orders USING (order_id)"
        if reject(connection, staged, f"{aside} WHERE reason IS NOT NULL"):
            _refuse(staged, amount)
        value = f"{PAID} - share" if amount.column == PAID else "share"
        shared = connection.execute(
            f"UPDATE {staged.stage} AS s SET {ident(amount.column)} = {value} "
            f"FROM ({orders} {_SHARES}) AS p WHERE p.{ROW} = s.{ROW}"
        ).fetchone()
        if shared and shared[0]:
            staged.report.fixes[f"shared_{amount.column}"] = shared[0]


def _lines(staged: Staged, amount: SharedAmount) -> str:
    """Return the query of all lines of orders, with their weight and whether a cell of them is unread."""
    columns = {PAID, *amount.origins}
    checks = [c for c in staged.checks.all if c.level == "quarantine" and c.column in columns]
    unread = " OR ".join(map(staged.checks.holds, checks)) or "false"
    lines = "refund_of IS NULL AND order_id IS NOT NULL"
    return (
        f"SELECT *, CAST(greatest(coalesce({PAID}, 0), 0) AS HUGEINT) AS weight, ({unread}) AS unread "
        f"FROM {staged.stage} WHERE {lines}"
    )


def _orders(amount: SharedAmount, currency: str) -> str:
    """Return the query of the amount and weight of each order, and of the reason why it can't be shared."""
    whole = " + ".join(f"coalesce(max({ident(name)}), 0)" for name in amount.origins)
    differs = " OR ".join(f"min({ident(name)}) <> max({ident(name)})" for name in amount.origins)
    cases = {
        f"{UNSHARED}_{amount.column}": "bool_or(unread)",
        f"{DIFFERS}_currency": f"count(DISTINCT coalesce(currency, {literal(currency)})) > 1",
        f"{DIFFERS}_{amount.column}": differs,
    }
    if amount.column == PAID:
        cases[f"{EXCEEDS}_{PAID}"] = f"{whole} > sum(weight)"
    reason = " ".join(f"WHEN {predicate} THEN {literal(name)}" for name, predicate in cases.items())
    return (
        f"SELECT order_id, CAST({whole} AS HUGEINT) AS amount, sum(weight) AS weights, count(*) AS number, "
        f"CASE {reason} END AS reason FROM lines GROUP BY order_id"
    )


def _refuse(staged: Staged, amount: SharedAmount) -> None:
    for kind, (text, advice) in _ADVICE.items():
        for column in dict.fromkeys((amount.column, "currency")):
            reason = f"{kind}_{column}"
            rows, read = staged.report.checks.get(reason, 0), staged.report.read
            if rows > limit(staged.mapping.allow, kind, column) * read:
                staged.refusals.append(
                    f"{column} {text} in {rows:,} of {read:,} rows; {advice}, or allow: {{{reason}: 1}}"
                )

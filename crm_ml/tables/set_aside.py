"""What each reason sets aside: rows, money and customers of whom nothing is left, and refusals by these."""

from typing import TYPE_CHECKING, Any

from crm_ml.tables.declared_form import form_to_declare
from crm_ml.tables.failing_cells import first_written_as
from crm_ml.tables.limits import JUDGED_BY_LOSS, limit
from crm_ml.tables.shared_amounts import ORDER_REASONS
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged
from crm_ml.tables.unread_money import unread_cents

if TYPE_CHECKING:
    import duckdb

_CUSTOMER = "customer_id"
_OF = ("money", "customers, of whom nothing is left")


def settle_counts(connection: "duckdb.DuckDBPyConnection", staged: Staged, code: str = "") -> None:
    """Count the accepted rows of ``good_<table>``, and what is set aside by reason; refuse too large a loss.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        Its report and refusals are filled in place.
    code : str
        Declared currency, for the money of amounts that could not be read.
    """
    report = staged.report
    money, people = "paid_cents" in staged.names, _has_customers(staged)
    sums = f"count(*), {'coalesce(sum(paid_cents), 0)' if money else '0'}"
    accepted = connection.execute(f"SELECT {sums} FROM {ident('good_' + staged.name)}").fetchone() or (0, 0)
    report.accepted, report.accepted_cents = accepted[0], int(accepted[1])
    if report.accepted == report.read:
        return
    rows = connection.execute(_query(staged, money, people)).fetchall()
    report.quarantined = {str(reason): count for reason, count, *_ in rows}
    if money:
        report.quarantined_cents = {str(reason): int(cents) for reason, _, cents, *_ in rows}
        report.unread_cents = unread_cents(connection, staged, code)
    if people:
        report.quarantined_customers = {str(reason): lost for reason, *_, lost in rows if lost}
    if report.accepted:
        _refuse(connection, staged, rows)


def _has_customers(staged: Staged) -> bool:
    return _CUSTOMER in staged.mapped and staged.name != "customers"


def _query(staged: Staged, money: bool, people: bool) -> str:
    """Return the query of each reason: rows, money, absolute money, and customers without a row left."""
    cents, who = "paid_cents" if money else "0", _CUSTOMER if people else "NULL"
    cells = f"{cents} AS cents, {who} AS who"
    aside = (
        f"SELECT {staged.checks.first_reason()} AS reason, {cells} FROM {staged.stage} "
        f"WHERE {staged.checks.fails()} UNION ALL "
        f"SELECT reason, {cells} FROM {staged.late} JOIN {staged.stage} USING ({ROW})"
    )
    left = f"SELECT DISTINCT {who} AS who, true AS stays FROM {ident('good_' + staged.name)}"
    return (
        "SELECT reason, count(*), coalesce(sum(cents), 0), coalesce(sum(abs(cents)), 0), "
        f"count(DISTINCT who) FILTER (stays IS NULL) FROM ({aside}) LEFT JOIN ({left}) USING (who) "
        "GROUP BY 1 ORDER BY 1"
    )


def _refuse(connection: "duckdb.DuckDBPyConnection", staged: Staged, rows: list[tuple[Any, ...]]) -> None:
    """Refuse what costs more money or customers than the limit of its reason, though its rows are within."""
    kinds = {check.reason: (check.kind, check.column) for check in staged.checks.all}
    kinds |= {f"unknown_{column}": ("unknown", column) for column in staged.contract.references}
    kinds |= {
        f"{kind}_{name}": (kind, name) for kind in ORDER_REASONS for name in (*staged.names, "currency")
    }
    judged = [row for row in rows if kinds.get(row[0], ("", ""))[0] in JUDGED_BY_LOSS]
    if not judged:
        return
    money = "sum(abs(paid_cents))" if "paid_cents" in staged.names else "0"
    people = f"count(DISTINCT {_CUSTOMER})" if _has_customers(staged) else "0"
    totals = connection.execute(f"SELECT {money}, {people} FROM {staged.stage}").fetchone() or (0, 0)
    unread = staged.report.unread_cents
    totals = ((totals[0] or 0) + sum(unread.values()), totals[1])
    for reason, _, _, cents, lost in judged:
        losses = (cents + unread.get(reason, 0), lost)
        most = limit(staged.mapping.allow, *kinds[reason])
        shares = [float(part / whole) if whole else 0.0 for part, whole in zip(losses, totals, strict=True)]
        beyond = [f"{share:.1%} of the {of}" for share, of in zip(shares, _OF, strict=True) if share > most]
        if beyond:
            cell = first_written_as(connection, staged, reason)
            advice = _to_declare(connection, staged, *kinds[reason])
            staged.refusals.append(
                f"{reason} sets aside {' and '.join(beyond)} (limit {most:.1%}){cell}; {advice}, or "
                f"allow: {{{reason}: 1}}"
            )


def _to_declare(connection: "duckdb.DuckDBPyConnection", staged: Staged, kind: str, name: str) -> str:
    columns = [column for column in staged.columns if column.name == name]
    form = form_to_declare(connection, staged, columns[0], (kind,)) if columns else ""
    return f"declare {form}" if form else "correct the source"

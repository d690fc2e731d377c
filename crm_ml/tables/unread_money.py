"""Money of amounts that could not be read, estimated from their digits, so that a loss is judged by money."""

from typing import TYPE_CHECKING

from crm_ml.tables.currencies import minor_per_major
from crm_ml.tables.sources import ROW
from crm_ml.tables.sql import ident, literal

if TYPE_CHECKING:
    import duckdb

    from crm_ml.tables.staging import Staged

#: Kinds of faults by which an amount has no number, though it has digits.
UNREAD = ("thousands", "decimal_comma", "currency_sign", "unreadable")
_PAID = "paid_cents"
_FULL_WIDTH = "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0e\uff0c"
_AMOUNT_LIKE = r"[^0-9]{0,5}[0-9][0-9., '\x{00A0}\x{202F}\x{2019}]{0,15}[^0-9]{0,5}"


def unread_cents(connection: "duckdb.DuckDBPyConnection", staged: "Staged", code: str) -> dict[str, int]:
    """Return the absolute money of the rows of each reason whose amount could not be read, in minor units.

    The last point or comma before one or two digits is that of the decimals; all other signs are left out.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A typed table.
    code : str
        Declared currency, or empty.
    """
    reasons = [f"{kind}_{_PAID}" for kind in UNREAD if staged.report.quarantined.get(f"{kind}_{_PAID}")]
    how = staged.mapping.columns.get(_PAID)
    if not reasons or how is None:
        return {}
    amounts = [name for name in how.theirs if name != how.times]
    total = f"({' + '.join(map(_rough, amounts))})" + (f" * {_rough(how.times)}" if how.times else "")
    units = minor_per_major(code) if how.unit == "major" else 1
    rows = connection.execute(
        f"SELECT reason, coalesce(sum({total}), 0) * {units} FROM {ident('raw_' + staged.name)} JOIN ("
        f"SELECT {ROW}, {staged.checks.first_reason()} AS reason FROM {staged.stage} "
        f"WHERE {staged.checks.fails()}) USING ({ROW}) WHERE reason IN ({', '.join(map(literal, reasons))}) "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {str(reason): round(cents) for reason, cents in rows if cents}


def _rough(name: str) -> str:
    """Return the SQL of about the number that a cell stands for, 0 where it is no amount."""
    text = f"translate(CAST({ident(name)} AS VARCHAR), '{_FULL_WIDTH}', '0123456789.,')"
    signs = f"regexp_replace({text}, '[^0-9.,]', '', 'g')"
    whole = f"regexp_replace(regexp_replace({signs}, '[.,][0-9]{{1,2}}$', ''), '[.,]', '', 'g')"
    decimals = f"regexp_extract({signs}, '[.,]([0-9]{{1,2}})$', 1)"
    number = f"TRY_CAST({whole} || '.' || {decimals} || '0' AS DOUBLE)"
    return f"coalesce(CASE WHEN regexp_full_match({text}, {literal(_AMOUNT_LIKE)}) THEN {number} END, 0)"

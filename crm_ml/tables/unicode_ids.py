"""Ids that differ only in how their characters are composed: kept as written, and told."""

from typing import TYPE_CHECKING

from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb


def warn_equal_after_nfc(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Warn of ids of the key that are one id after Unicode normalisation (NFC).

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table.
    """
    for column in staged.columns:
        if column.kind != "id" or not staged.counts.get(f"not_nfc_{column.name}"):
            continue
        name = ident(column.name)
        found = connection.execute(
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(DISTINCT {name}) AS n FROM "
            f"{ident('good_' + staged.name)} GROUP BY nfc_normalize({name}) HAVING n > 1)"
        ).fetchone()
        if found and found[0]:
            staged.report.warnings.append(
                f"{found[0]:,} values of {column.name} equal another only after Unicode normalisation (NFC)"
            )

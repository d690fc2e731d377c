"""Warning about ids that differ only in the composition of their Unicode characters."""

from typing import TYPE_CHECKING

from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb


def warn_equal_after_nfc(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Warn of ids that become equal after Unicode normalisation (NFC); the ids are not changed.

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
        counted = connection.execute(
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(DISTINCT {name}) AS n FROM "
            f"{ident('good_' + staged.name)} GROUP BY nfc_normalize({name}) HAVING n > 1)"
        ).fetchone()
        if counted and counted[0]:
            staged.report.warnings.append(
                f"{counted[0]:,} values of {column.name} equal another only after Unicode normalisation (NFC)"
            )

"""Warning about ids that differ only in their Unicode composition, spaces, zero-width signs or case."""

from typing import TYPE_CHECKING

from crm_ml.tables.sql import ident
from crm_ml.tables.staging import Staged

if TYPE_CHECKING:
    import duckdb

_FORMS = (
    "Unicode normalisation (NFC)",
    "trimming, with all spaces alike and no zero-width characters",
    "lower case",
)
_INVISIBLE = r"[\x{00AD}\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}\x{FEFF}]"
_SPACES = r"[\s\p{Z}]+"


def warn_similar_ids(connection: "duckdb.DuckDBPyConnection", staged: Staged) -> None:
    """Warn of ids that become equal when written in one form; the ids are not changed.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    staged : Staged
        A finished table.
    """
    for column in staged.columns:
        if column.kind == "id" and staged.counts.get(f"not_plain_{column.name}"):
            for form, count in zip(_FORMS, _counts(connection, staged, column.name), strict=True):
                if count:
                    staged.report.warnings.append(
                        f"{count:,} values of {column.name} equal another only after {form}"
                    )


def _counts(connection: "duckdb.DuckDBPyConnection", staged: Staged, name: str) -> tuple[int, ...]:
    """Return for each form the values that share it though they differ in the form before."""
    spaced = f"trim(regexp_replace(regexp_replace(nfc, '{_INVISIBLE}', '', 'g'), '{_SPACES}', ' ', 'g'))"
    ids = f"SELECT DISTINCT {ident(name)} AS id FROM {ident('good_' + staged.name)}"
    forms = (
        f"SELECT *, lower(spaced) AS folded FROM (SELECT *, {spaced} AS spaced FROM "
        f"(SELECT id, nfc_normalize(id) AS nfc FROM ({ids}) WHERE id IS NOT NULL))"
    )
    sums = ", ".join(
        f"(SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM forms GROUP BY {form} "
        f"HAVING count(DISTINCT {before}) > 1))"
        for before, form in (("id", "nfc"), ("nfc", "spaced"), ("spaced", "folded"))
    )
    row = connection.execute(f"WITH forms AS MATERIALIZED ({forms}) SELECT {sums}").fetchone()
    return tuple(int(count) for count in row or (0, 0, 0))

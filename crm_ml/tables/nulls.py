"""Words that stand for a missing value, so that no customer is called ``NULL``."""

from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.sql import literal

ID_NULLS = ("nan", "null", "none", "na", "n/a", "#n/a", "<na>", "nat", "nil", "(null)", "\\n", "undefined")
_SPACES = 8  # around a word at most


def without_nulls(column: Column, how: ColumnMapping, source: str, kind: str) -> str:
    """Return the SQL of a raw column that is null where it holds a word for that.

    In text ids those are `ID_NULLS`, whatever their case, and the declared ones in any column. An empty list
    under ``nulls`` means that every word is itself.

    Parameters
    ----------
    column : Column
    how : ColumnMapping
    source, kind : str
        SQL and DuckDB type of the raw column.
    """
    is_text = kind == "VARCHAR" or kind.startswith("ENUM")
    usual = ID_NULLS if column.kind == "id" and is_text else ()
    words = usual if how.nulls is None else (*usual, *how.nulls) if how.nulls else ()
    if not words:
        return source
    # a case and no list: DuckDB makes a join of each list of five values and more
    cases = " ".join(f"WHEN {literal(word.strip().lower())} THEN NULL" for word in dict.fromkeys(words))
    text = f"trim(CAST({source} AS VARCHAR))"
    longest = max(len(word.strip().encode()) for word in words) + _SPACES
    short = f"CASE lower({text}) {cases} ELSE {source} END"
    return f"CASE WHEN strlen(CAST({source} AS VARCHAR)) > {longest} THEN {source} ELSE {short} END"

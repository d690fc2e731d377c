"""Numbers as text: declared separators of thousands and decimals, and the ones that nobody declared."""

from crm_ml.tables.contract import Column
from crm_ml.tables.mapping_parts import ColumnMapping
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import ident, literal

_GROUPED = r"[+-]?[0-9]{1,3}([, '\x{2019}\x{00A0}\x{202F}][0-9]{3})+(\.[0-9]+)?"


def plain_number(column: Column, how: ColumnMapping, source: str, kind: str) -> str:
    """Return the SQL of a raw number in which declared separators are taken out.

    With a declaration, a text whose separators stand in other places is unreadable and never guessed.

    Parameters
    ----------
    column : Column
    how : ColumnMapping
    source, kind : str
        SQL and DuckDB type of the raw column.
    """
    if kind != "VARCHAR" or column.kind not in ("cents", "integer", "number"):
        return source
    if how.thousands is None and how.decimal == ".":
        return source
    text, point = f"trim({source})", f"[{how.decimal}]"
    whole = f"[0-9]{{1,3}}([{how.thousands}][0-9]{{3}})+|[0-9]+" if how.thousands else "[0-9]+"
    well_formed = f"regexp_full_match({text}, {literal(f'[+-]?({whole})({point}[0-9]*)?')})"
    joined = f"replace({text}, {literal(how.thousands)}, '')" if how.thousands else text
    other = f"CASE WHEN regexp_matches({source}, '[.,]') THEN 'unreadable' ELSE {source} END"
    return f"CASE WHEN {well_formed} THEN replace({joined}, {literal(how.decimal)}, '.') ELSE {other} END"


def undeclared_thousands(column: Column, sources: list[tuple[str, str]]) -> list[Check]:
    """Return the check of texts such as ``1,234.56``, which can't be read without a declaration.

    Parameters
    ----------
    column : Column
    sources : list of (str, str)
        SQL and DuckDB type of the raw columns.
    """
    found = [f"regexp_full_match(trim({s}), {literal(_GROUPED)})" for s, kind in sources if kind == "VARCHAR"]
    unread = f"CASE WHEN {ident(column.name)} IS NULL THEN {' OR '.join(found)} ELSE false END"
    return [Check("thousands", column.name, unread)] if found else []

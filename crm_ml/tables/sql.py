"""Quoting for the SQL that cleaning sends to DuckDB, and DuckDB's integer types."""

from pathlib import Path

INTEGERS = frozenset(
    (
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    )
)


def ident(name: str) -> str:
    """Quote a column or table name, doubling the quotes in it.

    Examples
    --------
    >>> ident("Customer ID")
    '"Customer ID"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """Quote a text.

    Examples
    --------
    >>> literal("O'Neill")
    "'O''Neill'"
    """
    return "'" + str(text).replace("'", "''") + "'"


def columns(names: list[str] | tuple[str, ...]) -> str:
    """Return quoted names with commas between them."""
    return ", ".join(ident(name) for name in names)

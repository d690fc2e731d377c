"""Quoting for the SQL that cleaning sends to DuckDB, and DuckDB's integer types."""

import re
from collections.abc import Iterable
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


def file_literal(path: Path) -> str:
    """Quote the path of one file for DuckDB, which takes paths as patterns of names.

    Examples
    --------
    >>> file_literal(Path("o[12].csv"))
    "'o[[]12].csv'"
    """
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def parquet_rows(*files: Path, options: str = "") -> str:
    """Return the SQL that reads Parquet files by their own names, as one table.

    Parameters
    ----------
    *files : Path
        A folder such as ``year=2024`` on the way to a file is no column.
    options : str
        Further arguments of ``read_parquet``.

    Examples
    --------
    >>> parquet_rows(Path("b*/list.parquet"))
    "read_parquet(['b[*]/list.parquet'], hive_partitioning = false)"
    """
    more = f", {options}" if options else ""
    return f"read_parquet([{', '.join(map(file_literal, files))}], hive_partitioning = false{more})"


def shown(names: Iterable[str]) -> str:
    """Return names of columns for a message; none where one looks like data, of a file without header.

    Examples
    --------
    >>> shown(["customer_id", "paid"]), shown(["Jane Doe", "jane@example.com", "+49 151 2345678"])
    ('customer_id, paid', '3 names (hidden: they look like data, not like a header)')
    """
    listed = list(names)
    if any(re.search(r"@|\d[\d ./-]{5,}", name) for name in listed):
        return f"{len(listed)} names (hidden: they look like data, not like a header)"
    return ", ".join(listed)


def columns(names: list[str] | tuple[str, ...]) -> str:
    """Return quoted names with commas between them."""
    return ", ".join(ident(name) for name in names)

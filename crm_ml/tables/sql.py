"""Quoting for the SQL that cleaning sends to DuckDB, and DuckDB's integer types."""

import re
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


def columns(names: list[str] | tuple[str, ...]) -> str:
    """Return quoted names with commas between them."""
    return ", ".join(ident(name) for name in names)

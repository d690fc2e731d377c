"""Cells of CSV files, as SQL: quotes where needed, and no text that a spreadsheet takes for a formula.

Text that starts with ``= + - @``, a tab, a line end or one of their full-width forms gets a leading ``'``.
"""

from collections.abc import Sequence

from crm_ml.delivery.exporters.export_plan import Cell
from crm_ml.tables.sql import literal

FORMULA = "^[=+\\-@\\t\\r\\n＝＋－＠]"  # noqa: RUF001
NUMBER = r"^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"
END = "\n"


def is_formula(sql: str) -> str:
    """Return the SQL condition that a text starts like a formula."""
    return f"regexp_matches({sql}, {literal(FORMULA)})"


def is_dangerous(sql: str) -> str:
    """Return the SQL condition that a cell of a file starts like a formula and is no plain number."""
    return f"({is_formula(sql)} AND NOT regexp_matches({sql}, {literal(NUMBER)}))"


def value(cell: Cell) -> str:
    """Return the SQL of what a cell holds, formulas defused, empty for null."""
    text = f"coalesce(({cell.sql})::VARCHAR, '')"
    return f"CASE WHEN {is_formula(text)} THEN '''' || {text} ELSE {text} END" if cell.text else text


def line(cells: Sequence[Cell]) -> str:
    """Return the SQL of a line with its end."""
    return " || ',' || ".join(_quoted(value(cell)) for cell in cells) + f" || {literal(END)}"


def header(cells: Sequence[Cell]) -> bytes:
    r"""Return the header line.

    Examples
    --------
    >>> header([Cell("Email Address", "email"), Cell('a"b', "x")])
    b'Email Address,"a""b"\n'
    """
    names = [cell.name for cell in cells]
    quoted = ['"' + name.replace('"', '""') + '"' if set(name) & set('",\r\n') else name for name in names]
    return (",".join(quoted) + END).encode()


def _quoted(sql: str) -> str:
    special = literal('[",\\r\\n]')
    quoted = f"'\"' || replace({sql}, '\"', '\"\"') || '\"'"
    return f"CASE WHEN regexp_matches({sql}, {special}) THEN {quoted} ELSE {sql} END"

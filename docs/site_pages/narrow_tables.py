"""Tables on a narrow screen: the cells of a row stand below each other, each with the name of its column."""

import re
from collections.abc import Iterator
from itertools import pairwise

TABLE = re.compile(r"<table>\n?<thead>.*?</table>", re.DOTALL)
HEAD = re.compile(r"<th[^>]*>(.*?)</th>", re.DOTALL)
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
CELL = re.compile(r"<td(?=[ >])")
TAG = re.compile(r"<[^>]+>")


def with_column_names(html: str) -> str:
    """Return a page whose cells, but the first of a row, have the name of their column as ``data-column``.

    `site_style.css` shows it where the screen is narrow.

    Examples
    --------
    >>> head, row = "<tr><th>key</th><th>type</th></tr>", "<tr><td>a</td><td>text</td></tr>"
    >>> with_column_names(f"<table><thead>{head}</thead>{row}</table>").partition("</thead>")[2]
    '<tr><td>a</td><td data-column="type">text</td></tr></table>'
    """
    return TABLE.sub(lambda match: _named(match[0]), html)


def _named(table: str) -> str:
    names = [TAG.sub("", name).strip().replace('"', "&quot;") for name in HEAD.findall(table)]
    return ROW.sub(lambda row: "".join(_cells(row[0], names)), table)


def _cells(row: str, names: list[str]) -> Iterator[str]:
    starts = [match.start() for match in CELL.finditer(row)]
    yield row[: starts[0]] if starts else row
    for index, (start, end) in enumerate(pairwise([*starts, len(row)])):
        name = names[index] if 0 < index < len(names) else ""
        yield f'<td data-column="{name}"{row[start + 3 : end]}' if name else row[start:end]

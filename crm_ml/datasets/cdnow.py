"""CDNOW: purchases of the customers who first bought at a music shop in the first quarter of 1997.

Real data, from the text files inside the package ``lifetimes`` (read by path, the package is not imported):

- ``master``: 23,570 customers, 69,659 purchases, 1997-01-01 to 1998-06-30;
- ``sample``: every tenth of them, 2,357 customers, 6,919 purchases.

`customer_id` is the id of the master file in both. The files name no orders: each line is an order of its
own, called after its line number, so that equal lines of one day stay two purchases. Every item is ``"cd"``
and `quantity` is the number of CDs; amounts are US dollars.

References
----------
Fader, P. S. and Hardie, B. G. S. (2001). Forecasting repeat sales at CDNOW: a case study. Interfaces 31(3),
S94-S107.
"""

from pathlib import Path
from typing import Literal

from crm_ml.datasets._installed import installed_folder
from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.queries import FilesQuery
from crm_ml.tables.table_cache import load_tables

_CELLS = {"master": "f[1], f[2], f[3], f[4]", "sample": "f[1], f[3], f[4], f[5]"}
_HEADER = {"master": "true", "sample": "false"}
_QUERY = """
SELECT CAST(n AS VARCHAR) AS order_id, {cells}
FROM (SELECT row_number() OVER () AS n, string_split_regex(trim(line), '\\s+') AS f
      FROM read_csv({{file}}, auto_detect = false, header = {header}, delim = '\x01', quote = '', escape = '',
                    columns = {{{{'line': 'VARCHAR'}}}}))
ORDER BY n
"""
_LINES = {
    "columns": {
        "line_id": {"constant": "1"},
        "item_id": {"constant": "cd"},
        "ordered_at": {"column": "ordered_at", "format": "%Y%m%d"},
        "paid_cents": {"column": "paid_cents", "unit": "major"},
    }
}
_IDS = {"ids_of": ["order_lines"]}
_NAMES = ("customer_id", "ordered_at", "quantity", "paid_cents")


def load(
    path: Path | None = None, part: Literal["sample", "master"] = "sample", progress: Progress | None = None
) -> Tables:
    """Load CDNOW.

    Parameters
    ----------
    path : Path, optional
        Folder with ``CDNOW_sample.txt`` and ``CDNOW_master.txt``; that of lifetimes without it.
    part : {"sample", "master"}
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    Tables
        With customers, items and order_lines.

    Raises
    ------
    InputError
        If there is no such part, or lifetimes is not installed.
    """
    if part not in _CELLS:
        raise InputError(f"part is {part!r}; CDNOW has sample and master")
    folder = path or installed_folder("lifetimes", "datasets")
    cells = ", ".join(
        f"{cell} AS {name}" for cell, name in zip(_CELLS[part].split(", "), _NAMES, strict=True)
    )
    query = _QUERY.format(cells=cells, header=_HEADER[part])
    source = FilesQuery(query, {"file": folder / f"CDNOW_{part}.txt"})
    tables = {"customers": _IDS, "items": _IDS, "order_lines": _LINES}
    mapping = parse_mapping({"name": f"cdnow_{part}", "timezone": "UTC", "tables": tables}, "cdnow")
    return load_tables(mapping, {"order_lines": source}, folder, progress)

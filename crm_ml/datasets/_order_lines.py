"""Data sets of order lines alone: customers and items are those of the lines."""

from collections.abc import Mapping
from pathlib import Path

from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import TableSource
from crm_ml.tables.table_cache import load_tables


def load_order_lines(
    name: str,
    timezone: str,
    lines: Mapping[str, object],
    source: TableSource,
    root: Path,
    progress: Progress | None,
) -> Tables:
    """Return customers, items and order_lines of a source whose lines are mapped by `lines`."""
    ids = {"ids_of": ["order_lines"]}
    tables = {"customers": ids, "items": ids, "order_lines": lines}
    mapping = parse_mapping({"name": name, "timezone": timezone, "tables": tables}, name)
    return load_tables(mapping, {"order_lines": source}, root, progress)

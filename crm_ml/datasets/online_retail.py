"""Online Retail II, first year: the invoices of a British shop for gifts, 2009-12-01 to 2010-12-09.

Real and raw data of the UCI repository as one Parquet file, which the package does not carry: give its path.

- Customer ids are floats there (13085.0) and are cast exactly; lines without one are quarantined.
- Invoices that start with ``C`` cancel something without saying which order: they are refunds without a link
  and are quarantined as cancellations.
- A line is quantity times unit price, in pounds; the file has no line number, so the whole row is the key.
- Times are those of the shop's clock, Europe/London.
- Customers and items are those of the lines.

References
----------
Chen, D. (2012). Online Retail II. UCI Machine Learning Repository. https://doi.org/10.24432/C5CG6D
"""

from pathlib import Path

from crm_ml.errors import InputError
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.sources import ParquetFile
from crm_ml.tables.table_cache import load_tables

_MAPPING = {
    "name": "online_retail",
    "timezone": "Europe/London",
    "tables": {
        "customers": {"ids_of": ["order_lines"]},
        "items": {"ids_of": ["order_lines"]},
        "order_lines": {
            "columns": {
                "customer_id": {"column": "Customer ID", "cast": "integer"},
                "order_id": "Invoice",
                "item_id": "StockCode",
                "ordered_at": "InvoiceDate",
                "quantity": "Quantity",
                "paid_cents": {"column": "Price", "times": "Quantity", "unit": "major"},
            },
            "ignore": ["Description", "Country"],
            "cancellations": {"column": "Invoice", "starts_with": "C"},
        },
    },
}


def load(path: Path | None = None, progress: Progress | None = None) -> Tables:
    """Load Online Retail II.

    Parameters
    ----------
    path : Path
        The Parquet file.
    progress : callable, optional
        Told the name of each step.

    Returns
    -------
    Tables
        With customers, items and order_lines.

    Raises
    ------
    InputError
        If no path is given or the file is damaged.
    """
    if path is None:
        raise InputError("online_retail is not installed with the package; give the path of its Parquet file")
    mapping = parse_mapping(_MAPPING, "online_retail")
    return load_tables(mapping, {"order_lines": ParquetFile(path)}, path.parent, progress)

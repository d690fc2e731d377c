"""Online Retail II, first year: the invoices of a British shop for gifts, 2009-12-01 to 2010-12-09.

Real and raw data of the UCI repository as one Parquet file, which the package does not carry: give its path.

- Customer ids are floats there (13085.0) and are cast exactly; lines without one are quarantined.
- Invoices that start with ``C`` cancel without a reference to the order: they are refunds without a link
  and are quarantined as cancellations.
- A line is quantity times unit price, in pounds; the file has no line number, so the whole row is the key.
- Times are those of the shop's clock, Europe/London.
- Customers and items are those of the lines.

References
----------
Chen, D. (2012). Online Retail II. UCI Machine Learning Repository. https://doi.org/10.24432/C5CG6D
"""

from pathlib import Path

from crm_ml.datasets._installed import required_path
from crm_ml.datasets._order_lines import load_order_lines
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.file_sources import ParquetFile

_LINES = {
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
}


def load(path: Path | None = None, progress: Progress | None = None) -> Tables:
    """Load Online Retail II.

    Parameters
    ----------
    path : Path
        The Parquet file.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    Tables
        With customers, items and order_lines.

    Raises
    ------
    InputError
        If no path is given or the file is damaged.
    """
    path = required_path(path, "online_retail", "Parquet")
    return load_order_lines(
        "online_retail", "Europe/London", _LINES, ParquetFile(path), path.parent, progress
    )

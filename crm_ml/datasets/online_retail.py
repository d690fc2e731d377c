"""Online Retail II, first year: the invoices of a British shop for gifts, 2009-12-01 to 2010-12-09.

Real and raw data of the UCI repository as one Parquet file, which the package does not carry: give its path.
How it is read, and what is set aside, stands in the ready mapping ``uci_online_retail``
(`crm_ml.tables.ready_mappings`).

References
----------
Chen, D. (2012). Online Retail II. UCI Machine Learning Repository. https://doi.org/10.24432/C5CG6D
"""

from pathlib import Path

from crm_ml.datasets._installed import required_path
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.file_sources import ParquetFile
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.table_cache import load_tables


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
    mapping = parse_mapping({"name": "online_retail", "like": "uci_online_retail"}, "online_retail")
    return load_tables(mapping, {"order_lines": ParquetFile(path)}, path.parent, progress)

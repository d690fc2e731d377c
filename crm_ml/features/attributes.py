"""Attributes: declared columns of customers, as of the extraction of the table."""

from typing import Any

import narwhals as nw

from crm_ml.features.past import ROW, Past
from crm_ml.tables import Tables, contracts

COLUMNS: dict[str, int | None] = {}
_PREFIX = "attribute_"


def compute_each(past: Past) -> "nw.LazyFrame[Any] | None":
    """Return each declared attribute under ``attribute_<name>``.

    Attributes have no date: declare only those that do not change with the predicted outcome.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the customers have no attributes.
    """
    names = names_of(past.tables)
    if not names:
        return None
    columns = {name: nw.col(name.removeprefix(_PREFIX)) for name in names}
    customers = past.tables.frame("customers").select("customer_id", **columns)
    return past.each_customer(customers).select(ROW, *columns)


def names_of(tables: Tables) -> list[str]:
    """Return the columns of the group for the customers of some tables."""
    known = {column.name for column in contracts()["customers"].columns}
    known |= {"registered_at_epoch_s", "registered_at_local_s"}
    present = tables.frame("customers").collect_schema().names()
    return [f"{_PREFIX}{name}" for name in present if name not in known]

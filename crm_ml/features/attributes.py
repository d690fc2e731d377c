"""Attributes: declared columns of customers, as of the extraction of the table."""

from typing import Any

import narwhals as nw

from crm_ml.features.past import ROW, Past
from crm_ml.tables import contracts

COLUMNS: dict[str, int | None] = {}


def compute_each(past: Past) -> "nw.LazyFrame[Any] | None":
    """Return each declared attribute under ``attribute_<name>``.

    Attributes have no date: declare only those that do not change with the predicted outcome.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the customers have no attributes.
    """
    customers = past.tables.frame("customers")
    known = {column.name for column in contracts()["customers"].columns}
    known |= {"registered_at_epoch_s", "registered_at_local_s"}
    declared = [name for name in customers.collect_schema().names() if name not in known]
    if not declared:
        return None
    columns = {f"attribute_{name}": nw.col(name) for name in declared}
    return past.each_customer(customers.select("customer_id", **columns)).select(ROW, *columns)

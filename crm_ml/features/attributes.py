"""Attributes: declared columns of customers, as of the extraction of the table."""

from typing import Any

import narwhals as nw

from crm_ml.snapshots import Snapshot
from crm_ml.tables import Tables, contracts

COLUMNS: dict[str, int | None] = {}


def compute(tables: Tables, snapshot: Snapshot) -> "nw.LazyFrame[Any] | None":  # noqa: ARG001
    """Return each declared attribute under ``attribute_<name>``.

    Attributes have no date: declare only those that do not change with the predicted outcome.

    Returns
    -------
    narwhals.LazyFrame or None
        None if the customers have no attributes.
    """
    customers = tables.frame("customers")
    known = {column.name for column in contracts()["customers"].columns} | {"registered_at_epoch_s"}
    declared = [name for name in customers.collect_schema().names() if name not in known]
    if not declared:
        return None
    return customers.select("customer_id", **{f"attribute_{name}": nw.col(name) for name in declared})
